"""How the distributions of synthetic and of real texts overlap."""

from __future__ import annotations

from typing import Any, ClassVar, Self, final

import numpy as np
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.data.shuffled import shuffled_words
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.controls import compare
from lookalike.techniques.mauve import mauve

_ROWS_PER_CLUSTER = 10


@final
class Mauve(Method):
    """MAUVE between features of holdout and synthetic texts, 0 to 1: 1 = no difference seen.

    Floor: training texts in the place of the synthetic ones. Ceiling: training texts whose words were shuffled over the
    texts. It depends on features, clusters and number of texts: compare it with its floor, not with published figures.

    Source: Pillutla et al. 2021, arXiv:2102.01454.

    Differs from the paper: features of a text encoder of your choice instead of GPT-2; mean of several clusterings.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    encoder: str = Field(
        default="text.hashing", description="Text features: text.hashing sees words, text.minilm meaning."
    )
    encoder_settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the encoder.")
    rows: int = Field(default=5000, ge=4, description="Most texts of each kind.")
    clusterings: int = Field(default=5, ge=2, le=50, description="Clusterings whose figures are averaged.")

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of the encoder before any work starts."""
        configured("encoders", self.encoder, self.encoder_settings, "encoder_settings")
        return self

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the mean over clusterings; higher is better.

        Raises:
            DataError: There are too few texts of a kind.
        """
        if not len(real.train):
            told = {"not_estimated": "there are no real texts to compare with; give data"}
            return Score(float("nan"), None, 0, len(synthetic), None, None, "higher", told)
        features = prepared(self.encoder, real.train, self.encoder_settings)
        sets = compare(real, synthetic, self.rows, lambda data: embedded(features, data), shuffled_words)
        clusters = max(2, sets.rows // _ROWS_PER_CLUSTER)
        seeds = rng.child("clusters").numpy().integers(2**31, size=self.clusterings).tolist()

        def figures(other: Any) -> list[float]:  # noqa: ANN401  features
            return [mauve(sets.real, other, clusters, seed) for seed in seeds]

        values = figures(sets.synthetic)
        return Score(
            value=float(np.mean(values)),
            interval=(min(values), max(values)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else float(np.mean(figures(sets.control))),
            ceiling=float(np.mean(figures(sets.shuffled))),
            better="higher",
            detail={
                "title": f"MAUVE, {features.name}",
                "extractor": features.name,
                "digest": features.digest,
                "clusters": clusters,
                "interval": "range over clusterings; the texts fixed",
                **sets.facts,
            },
        )
