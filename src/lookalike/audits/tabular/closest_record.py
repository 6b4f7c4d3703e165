"""Are synthetic rows nearer to training rows than to real rows that nothing has seen?"""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Index, Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import modelled, row_keys
from lookalike.data.table import Table, concatenate_tables
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import percentile_interval
from lookalike.techniques.neighbours import k_nearest
from lookalike.techniques.proportions import clopper_pearson

Values = npt.NDArray[np.float64]
_RESAMPLES = 1000
_SHOWN = 60
_KEY = Rng(0).child("closest record")


@final
class ClosestRecord(Method):
    """Share of synthetic rows that are closer to a training row than to any holdout row; a tie counts one half.

    Rows that only look like the data are closer to training rows as often as these are among all real rows: this is the
    expected share. Where many rows tie, as in tables of few categories, the floor is what is expected among as many
    ties. Ceiling: a copier. `detail` also holds exact copies and near copies, beside the holdout's own: copies that tie
    show there. Distances are measured in a space of training and holdout rows together. A figure at its floor is no
    sign of privacy: distances miss other leaks.

    Source: distance to closest record as in Zhao et al. 2021, arXiv:2102.08369; calibration by a holdout as in Platzer
        and Reutterer 2021, arXiv:2104.00635; what it cannot show: Yao et al. 2025, arXiv:2505.01524.

    Differs from the papers: training and holdout rows may differ in number; ties; copies are shown with those that
        real rows are of each other.
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    encoder: str = Field(default="tabular.mixed", description="Space of the distances, by its name among the encoders.")
    rows: int = Field(default=10_000, ge=1, description="Most synthetic rows that are looked at.")
    quantile: float = Field(
        default=0.01, gt=0, lt=0.5, description="Share of holdout rows that are as near as a near copy must be."
    )

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the share that is closer to training rows; the floor is best.

        Raises:
            DataError: There are no training or no synthetic rows.
        """
        train, held = real.train, real.holdout
        if not len(synthetic) or not len(train):
            raise DataError(f"copies need rows, found {len(synthetic)} synthetic and {len(train)} training ones")
        chosen = np.sort(_KEY.numpy().permutation(len(synthetic))[: self.rows]).astype(np.int64)
        looked = synthetic.take(chosen)
        copies = _copies(looked, real)
        if not len(held):
            told = "there are no held-out real rows to be closer to; set data.holdout above 0"
            detail = {"title": "exact copies of training rows", "exact_copies": copies, "not_estimated": told}
            interval = clopper_pearson(round(copies["value"] * len(looked)), len(looked))
            return Score(copies["value"], interval, 0, len(looked), None, None, "lower", detail)
        space = prepared(self.encoder, concatenate_tables([train, held]))
        place, near = embedded(space, train), embedded(space, looked)
        distances, neighbours = k_nearest(near, place, 1)
        distance, neighbour = distances[:, 0], neighbours[:, 0]
        other = k_nearest(near, embedded(space, held), 1)[0][:, 0]
        unseen = k_nearest(embedded(space, held), place, 1)[0][:, 0]
        value, floor, ties = _closer(distance, other, len(train), len(held))
        expected = len(train) / (len(train) + len(held))
        closer = float((distance < other).mean() + (distance == other).mean() / 2)
        return Score(
            value=value,
            interval=clopper_pearson(closer * len(looked), len(looked)),
            n_real=len(held),
            n_synthetic=len(looked),
            floor=floor,
            ceiling=1 - copies["train_in_holdout"] / 2,
            better="target",
            detail={
                "title": "closer to training rows than to unseen ones",
                "unit": "share",
                "expected": expected,
                "ties": ties,
                "above_expected": value - floor,
                "exact_copies": copies,
                "near_copies": self._near(distance, unseen, rng),
                "median_distance": {"synthetic": float(np.median(distance)), "holdout": float(np.median(unseen))},
                "features": space.name,
                "digest": space.digest,
                "interval": "Clopper-Pearson over synthetic rows; one generator, one choice of the holdout",
                "interval_covers": "the choice of synthetic rows, not another training of the generator",
                "nearest": _suspects(distance, neighbour, unseen, chosen),
            },
        )

    def _near(self, distance: Values, unseen: Values, rng: Rng) -> dict[str, Any]:
        """Return the share of rows as near to a training row as the nearest holdout rows, beside that of these."""
        threshold = float(np.quantile(unseen, self.quantile, method="higher"))
        value, floor = float((distance <= threshold).mean()), float((unseen <= threshold).mean())
        draw = rng.child("bootstrap").numpy()
        made, place = np.sort(distance), int(np.ceil(self.quantile * (len(unseen) - 1)))
        shares = np.empty(_RESAMPLES)
        for number in range(_RESAMPLES):
            # The threshold is estimated too, and its error counts.
            again = np.partition(unseen[draw.integers(0, len(unseen), len(unseen))], place)[place]
            share = float(np.searchsorted(made, again, side="right")) / len(made)
            shares[number] = draw.binomial(len(made), share) / len(made)
        low, high = percentile_interval(shares)
        high = max(high, clopper_pearson(0, len(made))[1])
        return {"value": value, "interval": [low, high], "floor": floor, "ceiling": 1.0, "threshold": threshold}


def _closer(distance: Values, other: Values, train: int, held: int) -> tuple[float, float, float]:
    """Return the share closer to training rows, the share expected among as many ties, and the share of ties."""
    ties = float((distance == other).mean())
    value = float((distance < other).mean()) + ties / 2
    return value, (1 - ties) * train / (train + held) + ties / 2, ties


def _copies(synthetic: Table, real: Reference[Table]) -> dict[str, Any]:
    """Return the share of synthetic rows that equal a training row in every column, and of holdout rows that do."""
    names = modelled(synthetic.schema)
    made, train, held = (row_keys(part, names) for part in (synthetic, real.train, real.holdout))
    known, unseen = set(train), set(held)
    count = sum(row in known for row in made)
    return {
        "value": count / len(made),
        "interval": list(clopper_pearson(count, len(made))),
        "floor": sum(row in known for row in held) / len(held) if held else None,
        "ceiling": 1.0,
        "of_holdout": sum(row in unseen for row in made) / len(made),
        "train_in_holdout": sum(row in unseen for row in train) / len(train),
    }


def _suspects(distance: Values, neighbour: Index, unseen: Values, chosen: Index) -> list[dict[str, Any]]:
    """Return the rows nearest to training rows, nearest first, with their place among the holdout's distances."""
    held = np.sort(unseen)
    return [
        {
            "row": int(chosen[row]),
            "train_row": int(neighbour[row]),
            "distance": float(distance[row]),
            "percentile": float(np.searchsorted(held, distance[row], side="right") / len(held) * 100),
        }
        for row in np.argsort(distance, kind="stable")[:_SHOWN]
    ]
