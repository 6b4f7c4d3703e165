"""Are synthetic images nearer to training images than unseen real ones are? Copies betray themselves by distance."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.stats import beta

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import percentile_interval
from lookalike.techniques.neighbours import k_nearest

_RESAMPLES = 1000
_SHOWN = 60
Values = npt.NDArray[np.float64]


@final
class NearestNeighbour(Method):
    """Share of near copies of training images, beside the share among real images that were never used.

    A near copy lies at most as far from its nearest training row as the nearest `quantile` of the holdout rows do. The
    detail also holds the share of rows nearer to train than to an equal number of holdout rows, expected 1/2.

    Source: distance to closest record as in Zhao et al. 2021, arXiv 2102.08369; calibration on a holdout as in Platzer
    and Reutterer 2021, arXiv 2104.00635.
    Differs from the papers: distances are between images; ties count one half; a pass is not called private, because
    distances miss other leaks (Yao et al. 2025, arXiv 2505.01524).
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    encoder: str = Field(
        default="image.task_cnn",
        description="Space of the distances; best another one than a filter used, or the filter marks itself.",
    )
    quantile: float = Field(
        default=0.01, gt=0, lt=0.5, description="Share of holdout rows that are as near as a near copy must be."
    )

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the share of near copies, with that of the holdout as floor and that of a copier as ceiling.

        Raises:
            DataError: There are no training or no synthetic rows.
        """
        features = prepared(self.encoder, real.train)
        train, made = embedded(features, real.train), embedded(features, synthetic)
        distances, neighbours = k_nearest(made, train, 1)
        distance, neighbour = distances[:, 0], neighbours[:, 0]
        counts = {"exact_copies": int((distance == 0).sum()), "features": features.name, "digest": features.digest}
        if len(real.holdout) < 2:
            reason = "no holdout: how near unseen real images come to the training images is not known"
            value = float((distance == 0).mean())
            detail = {**counts, "not_estimated": reason, "title": "exact copies of training images"}
            return Score(value, None, 0, len(synthetic), None, None, "lower", detail)
        held = embedded(features, real.holdout)
        unseen = k_nearest(held, train, 1)[0][:, 0]
        threshold = float(np.quantile(unseen, self.quantile, method="higher"))
        value, floor = float((distance <= threshold).mean()), float((unseen <= threshold).mean())
        detail = {
            **counts,
            "title": "near copies of training images",
            "unit": "share",
            "threshold": threshold,
            "expected": floor,
            "closer_to_train": _closer(train, held, made, rng),
            "median_distance": {"synthetic": float(np.median(distance)), "holdout": float(np.median(unseen))},
            "detectable": _detectable(len(synthetic), floor),
            "interval_covers": "the choice of synthetic and of holdout rows, not another training of the generator",
            "nearest": _suspects(distance, neighbour, unseen, synthetic),
        }
        interval = self._interval(distance, unseen, rng)
        return Score(value, interval, len(real.holdout), len(synthetic), floor, 1.0, "lower", detail)

    def _interval(self, distance: Values, unseen: Values, rng: Rng) -> tuple[float, float]:
        """Resample synthetic and holdout rows together: the threshold is estimated too, and its error counts."""
        draw = rng.child("bootstrap").numpy()
        made, held = np.sort(distance), np.sort(unseen)
        shares = np.empty(_RESAMPLES)
        place = int(np.ceil(self.quantile * (len(held) - 1)))
        for number in range(_RESAMPLES):
            again = np.partition(held[draw.integers(0, len(held), len(held))], place)
            share = float(np.searchsorted(made, again[place], side="right")) / len(made)
            shares[number] = draw.binomial(len(made), share) / len(made)
        low, high = percentile_interval(shares)
        if not (distance <= held[place]).any():
            high = max(high, _exact(0, len(made))[1])
        return low, high


def _exact(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share; Source: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404."""
    low = float(beta.ppf(0.025, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def _closer(train: Any, held: Any, made: Any, rng: Rng) -> dict[str, Any]:  # noqa: ANN401  arrays of features
    """Return the share of rows nearer to train than to as many holdout rows; a tie counts one half."""
    n = min(len(train), len(held))
    draw = rng.child("equal size").numpy()
    part = {name: rows[np.sort(draw.permutation(len(rows))[:n])] for name, rows in (("train", train), ("held", held))}
    to_train, to_held = (k_nearest(made, part[name], 1)[0][:, 0] for name in ("train", "held"))
    share = float((to_train < to_held).mean() + (to_train == to_held).mean() / 2)
    low, high = _exact(round(share * len(made)), len(made))
    return {"value": share, "interval": [low, high], "expected": 0.5, "n": n}


def _detectable(n: int, floor: float) -> float:
    """Return the smallest share of planted copies that would have stood out, at 95 % and with 4 in 5 chances."""
    return float(min(1.0, (1.645 + 0.842) * np.sqrt(max(floor * (1 - floor), 1 / n) / n)))


def _suspects(distance: Values, neighbour: Any, unseen: Values, synthetic: Images) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return the rows nearest to training rows, nearest first, with their place among the holdout's distances."""
    order = np.argsort(distance, kind="stable")[:_SHOWN]
    held = np.sort(unseen)
    return [
        {
            "row": int(row),
            "train_row": int(neighbour[row]),
            "distance": float(distance[row]),
            "percentile": float(np.searchsorted(held, distance[row], side="right") / len(held) * 100),
            "label": synthetic.classes[synthetic.labels[row]],
        }
        for row in order
    ]
