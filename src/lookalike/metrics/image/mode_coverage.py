"""Which kinds of real images the synthetic ones reach, class by class, and which they lost."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import centred_interval
from lookalike.techniques.modes import Modes, find_modes, judged, reached

_RESAMPLES = 1000
_ENOUGH = 50
_KEY = Rng(0).child("modes")
Values = npt.NDArray[np.float64]


@final
class ModeCoverage(Method):
    """Share of the modes of the real images that the synthetic ones reach: 1 = no kind of image is lost.

    A mode is a cluster of training images within one class. It is reached when at least `fraction` of the rows that as
    many real images would give lie in it, one at the least: nearest to its centre, and no farther than 99 % of its real
    images. The label of a synthetic image does not matter, as quotas fix labels, not what the images show. Modes in
    which fewer than five rows are expected are not judged. Floor: as many holdout images. Ceiling: one image over and
    over. The detail names the lost modes and holds the distance between the classes that the images show and the
    expected ones.

    Source: modes counted: Srivastava et al. 2017, arXiv:1705.07761, section 4; clusters as modes: Richardson and Weiss
        2018, arXiv:1805.12462, section 2.

    Differs from the papers: clusters within classes; a share of the expected rows decides, not one row or a test; an
        interval.
    """

    verdict: ClassVar[str] = "diversity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    encoder: str = Field(default="image.task_cnn", description="Feature extractor, by its name among the encoders.")
    clusters: int = Field(default=10, ge=1, le=1000, description="Most modes of one class; fewer for few rows.")
    fraction: float = Field(default=0.25, gt=0, le=1, description="Share of its expected rows that a mode needs.")
    rows: int = Field(default=10_000, ge=10, description="Most rows of each kind.")

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the share of modes that are reached; higher is better.

        Args:
            real: Training images give the modes, holdout images the floor.
            synthetic: Rows to judge.
            rng: Key of the interval; the modes are the same for every key.

        Raises:
            DataError: There are no training or no synthetic rows.
        """
        if not len(real.train) or not len(synthetic):
            raise DataError(
                f"modes need rows, found {len(real.train)} training and {len(synthetic)} synthetic rows; sample or "
                "read more"
            )
        held = len(real.holdout) >= _ENOUGH
        n = min(len(synthetic), self.rows, len(real.holdout) if held else self.rows)
        features = prepared(self.encoder, real.train)
        train, made = _some(real.train, self.rows, "train"), _some(synthetic, n, "synthetic")
        classes = max(1, len(real.train.schema.classes))
        x_ND = embedded(features, train)
        modes = find_modes(x_ND, train.labels, classes, self.clusters, n, _KEY.child("clusters"))
        found = self._found(modes, embedded(features, made), made, rng)
        detail: dict[str, Any] = {
            "title": f"modes reached, {features.name} features",
            "extractor": features.name,
            "digest": features.digest,
            "fraction": self.fraction,
            **found.pop("facts"),
            "interval": "bootstrap over synthetic rows, the modes held fixed; one generator, one extractor",
        }
        floor = None
        if held:
            unseen = _some(real.holdout, n, "holdout")
            best = self._found(modes, embedded(features, unseen), unseen, rng)
            floor = best["value"]
            detail["in_no_mode_real"] = best["facts"]["in_no_mode"]
            found["classes_shown"]["floor"] = best["classes_shown"]["value"]
        else:
            detail["not_estimated"] = (
                f"floor: it needs at least {_ENOUGH} real rows that nothing has seen, found {len(real.holdout)}; "
                "raise data.holdout or give more data"
            )
        detail["classes_shown"] = found["classes_shown"]
        return Score(found["value"], found["interval"], n, n, floor, found["ceiling"], "higher", detail)

    def _found(self, modes: Modes, x_ND: npt.NDArray[np.float32], data: Images, rng: Rng) -> dict[str, Any]:
        """Return what rows reach: the share of modes and the distance of the classes shown, and what was lost."""
        counts_2M, expected_M = modes.counts(x_ND), modes.expected(data.labels)
        known_M = judged(expected_M)
        hit_M = reached(counts_2M[0], expected_M, self.fraction)
        draw = rng.child("bootstrap").numpy()
        again_B2M = draw.multinomial(len(data), counts_2M.ravel() / len(data), size=_RESAMPLES).reshape(
            -1, *counts_2M.shape
        )
        value = float(hit_M[known_M].mean())
        again_B = reached(again_B2M[:, 0], expected_M, self.fraction)[:, known_M].mean(axis=1)
        low, high = centred_interval(value, again_B)
        lost = sorted(np.flatnonzero(known_M & ~hit_M), key=lambda m: -expected_M[m])
        names = data.schema.classes or ("",)
        by_class_MK = np.eye(len(names))[modes.class_M]
        wanted_K, shown_K = expected_M @ by_class_MK, counts_2M.sum(axis=0) @ by_class_MK
        share_K = wanted_K / wanted_K.sum()
        apart = float(_distance(shown_K / len(data), share_K))
        ends = centred_interval(apart, _distance(again_B2M.sum(axis=1) @ by_class_MK / len(data), share_K))
        few_K = counts_2M[0] @ by_class_MK < np.maximum(1, self.fraction * wanted_K)
        return {
            "value": value,
            "interval": (max(0.0, low), min(1.0, high)),
            "ceiling": 1 / int(known_M.sum()),
            "classes_shown": {
                "value": apart,
                "interval": [max(0.0, ends[0]), min(1.0, ends[1])],
                "floor": None,
                "ceiling": float(1 - share_K.max()),
            },
            "facts": {
                "modes": int(known_M.sum()),
                "not_judged": int((~known_M).sum()),
                "in_no_mode": float(counts_2M[1].sum() / len(data)),
                "lost": [
                    {
                        "class": names[modes.class_M[m]],
                        "kind": int(modes.number_M[m]) + 1,
                        "expected": float(expected_M[m]),
                        "found": int(counts_2M[0, m]),
                    }
                    for m in lost
                ],
                "classes_lost": [names[k] for k in np.flatnonzero(few_K & (wanted_K > 0))],
            },
        }


def _some(data: Images, n: int, purpose: str) -> Images:
    """Return n rows chosen by a fixed key, in order; all when there are no more."""
    if n >= len(data):
        return data
    return data.take(np.sort(_KEY.child(purpose).numpy().permutation(len(data))[:n]).astype(np.int64))


def _distance(share: Values, wanted_K: Values) -> Values:
    """Return the total variation distance for shares [..., K]."""
    distance: Values = np.abs(share - wanted_K).sum(axis=-1) / 2
    return distance
