"""How many different images there are in effect, whatever the real ones look like."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import jackknife_interval
from lookalike.techniques.controls import compare
from lookalike.techniques.vendi import vendi_score

_GROUPS = 20


@final
class Vendi(Method):
    """The Vendi score of synthetic images: the effective number of different ones, from 1 upwards; high is varied.

    It looks at the synthetic images alone, so noise is varied too: read it beside a fidelity figure. Floor: as many
    training images. Ceiling: one image over and over, which scores 1.

    Source: Friedman and Dieng 2023, arXiv:2210.02410.

    Differs from the paper: features are centred on the mean of the holdout, as a network's features all point
        one way and every set looks alike; an interval.
    """

    verdict: ClassVar[str] = "diversity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    encoder: str = Field(default="image.task_cnn", description="Feature extractor, by its name among the encoders.")
    rows: int = Field(default=5_000, ge=2 * _GROUPS, description="Most rows of each kind.")

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the score; higher is better."""
        features = prepared(self.encoder, real.train)
        sets = compare(real, synthetic, self.rows, lambda data: embedded(features, data), shuffled_pixels)
        centre = sets.real.mean(axis=0, keepdims=True)
        value = vendi_score(sets.synthetic - centre)
        order = rng.child("groups").numpy().permutation(sets.rows)
        left_out = [
            vendi_score(np.delete(sets.synthetic, group, axis=0) - centre) for group in np.array_split(order, _GROUPS)
        ]
        return Score(
            value=value,
            interval=self._interval(value, np.array(left_out)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else vendi_score(sets.control - centre),
            ceiling=1.0,
            better="higher",
            detail={
                "name": f"Vendi[{features.name}]",
                "title": f"Vendi score, {features.name} features",
                "extractor": features.name,
                "digest": features.digest,
                "dimension": features.dimension,
                "interval": f"delete-a-group jackknife over rows, {_GROUPS} groups; one generator, one extractor",
                **sets.facts,
            },
        )

    def _interval(self, value: float, left_out_G: npt.NDArray[np.float64]) -> tuple[float, float]:
        low, high = jackknife_interval(value, left_out_G)
        return max(1.0, low), high
