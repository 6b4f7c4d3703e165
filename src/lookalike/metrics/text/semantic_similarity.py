"""How near synthetic texts are to real ones in meaning."""

from __future__ import annotations

from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.data.shuffled import shuffled_words
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import jackknife_interval, percentile_interval, resampled_means
from lookalike.techniques.controls import compare
from lookalike.techniques.distances import KernelDistance, kernel_distance
from lookalike.techniques.neighbours import k_nearest

_RESAMPLES, _GROUPS = 1000, 20
Values = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]


@final
class SemanticSimilarity(Method):
    """Mean cosine between each synthetic text and the real text nearest to it, -1 to 1; nearest to the floor is best.

    `detail.mmd` holds the unbiased squared kernel distance between the two clouds of features: 0 = one distribution,
    also in what is missing, which the nearest text does not see. Floor: training texts in the place of the synthetic
    ones. Ceiling: training texts whose words were shuffled over the texts.

    Source: Reimers and Gurevych 2019, arXiv:1908.10084 (cosine of sentence vectors); Gretton et al. 2012, JMLR 13:723
        (maximum mean discrepancy), with the cubic kernel of Binkowski et al. 2018, arXiv:1801.01401.

    Differs from the papers: nearest real text instead of pairs; an interval.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    encoder: str = Field(
        default="text.hashing", description="Text features: text.hashing sees words, text.minilm meaning."
    )
    encoder_settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the encoder.")
    rows: int = Field(default=5000, ge=4, description="Most texts of each kind; time grows with the square.")

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of the encoder before any work starts."""
        configured("encoders", self.encoder, self.encoder_settings, "encoder_settings")
        return self

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the mean cosine to the nearest real text.

        Raises:
            DataError: There are too few texts of a kind.
        """
        features = prepared(self.encoder, real.train, self.encoder_settings)
        if not len(real.train):
            told = {"not_estimated": "there are no real texts to compare with; give data"}
            return Score(float("nan"), None, 0, len(synthetic), None, None, "target", told)
        sets = compare(real, synthetic, self.rows, lambda data: embedded(features, data), shuffled_words)
        value_N = _cosines(sets.synthetic, sets.real)
        again = resampled_means(value_N[:, None], _RESAMPLES, rng.child("bootstrap").numpy())[:, 0]

        def distance(other: Features) -> KernelDistance:
            return kernel_distance(sets.real, other, _GROUPS, rng.child("groups").numpy())

        found = distance(sets.synthetic)
        mmd = {
            "value": found.value,
            "interval": list(jackknife_interval(found.value, found.leave_out)),
            "floor": None if sets.control is None else distance(sets.control).value,
            "ceiling": distance(sets.shuffled).value,
        }
        return Score(
            value=float(value_N.mean()),
            interval=percentile_interval(again),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else float(_cosines(sets.control, sets.real).mean()),
            ceiling=float(_cosines(sets.shuffled, sets.real).mean()),
            better="target",
            detail={
                "title": f"cosine to the nearest real text, {features.name}",
                "extractor": features.name,
                "digest": features.digest,
                "mmd": mmd,
                "interval": "bootstrap over synthetic texts; the real ones and the extractor fixed",
                **sets.facts,
            },
        )


def _cosines(x_ND: Features, real_MD: Features) -> Values:
    """Return the cosine of each row to the nearest real row, [N]; features are of length 1, or all zero."""
    distance: Values = k_nearest(x_ND, real_MD, 1)[0][:, 0]
    cosine: Values = 1 - distance**2 / 2
    return cosine
