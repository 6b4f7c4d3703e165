"""Sentence vectors with a linear classifier: a downstream model that already knows the language."""

from __future__ import annotations

from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.core.contracts import Features, Method
from lookalike.core.errors import DataError
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.encoders.memo import embedded, prepared

_ITERATIONS = 1000


@final
class Embedding(Method):
    """Frozen text features and logistic regression; nothing is drawn.

    With sentence vectors it needs far fewer rows than word counts do, and gains less from synthetic ones.

    Source: Reimers and Gurevych 2019, arXiv:1908.10084, section 5 (linear probes on sentence vectors).

    Differs from the paper: any encoder of texts.
    """

    encoder: str = Field(default="text.hashing", description="Text features, by name among the encoders.")
    encoder_settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the encoder.")
    c: float = Field(default=10.0, gt=0, description="Inverse strength of the regularisation.")

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of the encoder before any work starts."""
        configured("encoders", self.encoder, self.encoder_settings, "encoder_settings")
        return self

    def fit(
        self, data: Corpus, weight: npt.NDArray[np.float64] | None, unlabelled_target: Corpus | None, rng: Rng
    ) -> _FittedEmbedding:
        """Train on labelled texts.

        Args:
            data: At least 1 text.
            weight: [N], at least 0; None = equal.
            unlabelled_target: Not used.
            rng: Not used.

        Raises:
            DataError: There is no text.
        """
        from sklearn.linear_model import LogisticRegression

        del unlabelled_target, rng
        if not len(data):
            raise DataError("a classifier needs at least 1 text to train on, found none")
        features = prepared(self.encoder, data, self.encoder_settings)
        held = np.unique(data.labels)
        if len(held) == 1:
            return _FittedEmbedding(features, None, data.classes, held)
        model = LogisticRegression(C=self.c, max_iter=_ITERATIONS)
        model.fit(embedded(features, data), data.labels, sample_weight=weight)
        return _FittedEmbedding(features, model, data.classes, held)


@final
class _FittedEmbedding:
    """A linear model over features, or the only class it has seen."""

    def __init__(
        self,
        features: Features[Corpus],
        model: Any,  # noqa: ANN401
        classes: tuple[str, ...],
        held: npt.NDArray[np.int64],
    ) -> None:
        self._features, self._model, self.classes, self._held = features, model, classes, held

    def predict_proba(self, data: Corpus) -> npt.NDArray[np.float64]:
        result = np.zeros((len(data), len(self.classes)))
        if len(data):
            seen = 1.0 if self._model is None else self._model.predict_proba(embedded(self._features, data))
            result[:, self._held] = seen
        return result

    def predict(self, data: Corpus) -> npt.NDArray[np.int64]:
        number: npt.NDArray[np.int64] = self.predict_proba(data).argmax(axis=1).astype(np.int64)
        return number
