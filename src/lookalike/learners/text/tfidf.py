"""Word and character counts with a linear classifier: the downstream model that utility of texts is measured with."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus

_ITERATIONS = 1000
_MOST_CHARACTERS = 20_000


@final
class Tfidf(Method):
    """TF-IDF of words, pairs of words and short runs of characters, and logistic regression; nothing is drawn.

    Source: Salton and Buckley 1988, doi:10.1016/0306-4573(88)90021-0; Wang and Manning 2012, ACL P12-2018 (pairs of
        words with a linear model as a strong baseline).
    Differs from the papers: logarithmic counts, and runs of 3 to 5 characters beside the words.
    """

    c: float = Field(default=10.0, gt=0, description="Inverse strength of the regularisation.")
    words: int = Field(default=2, ge=1, le=5, description="Longest run of words.")
    characters: int = Field(default=5, ge=0, le=8, description="Longest run of characters inside words; 0 = none.")
    features: int = Field(default=200_000, ge=10, description="Most words or runs, of each kind.")

    def fit(
        self, data: Corpus, weight: npt.NDArray[np.float64] | None, unlabelled_target: Corpus | None, rng: Rng
    ) -> _FittedTfidf:
        """Train on labelled texts; of a longer text the first 20,000 characters count.

        Args:
            data: At least 1 text.
            weight: [N], at least 0; None = equal.
            unlabelled_target: Not used.
            rng: Not used.

        Raises:
            DataError: There is no text.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline, make_union

        del unlabelled_target, rng
        if not len(data):
            raise DataError("a classifier needs at least 1 text to train on, found none")
        held = np.unique(data.labels)
        if len(held) == 1:
            return _FittedTfidf(None, data.classes, held)
        # A pattern of one character or more: one-letter words carry meaning in some languages.
        common = {"sublinear_tf": True, "max_features": self.features}
        kinds = [TfidfVectorizer(ngram_range=(1, self.words), token_pattern=r"\S+", **common)]
        if self.characters:
            runs = (min(3, self.characters), self.characters)
            kinds.append(TfidfVectorizer(analyzer="char_wb", ngram_range=runs, **common))
        model = make_pipeline(make_union(*kinds), LogisticRegression(C=self.c, max_iter=_ITERATIONS))
        model.fit(_clipped(data), data.labels, logisticregression__sample_weight=weight)
        return _FittedTfidf(model, data.classes, held)


def _clipped(data: Corpus) -> list[str]:
    # Never empty: a vocabulary needs a word.
    return [text[:_MOST_CHARACTERS] or "-" for text in data.texts()]


@final
class _FittedTfidf:
    """A linear model over words, or the only class it has seen."""

    def __init__(self, model: Any, classes: tuple[str, ...], held: npt.NDArray[np.int64]) -> None:  # noqa: ANN401
        self._model, self.classes, self._held = model, classes, held

    def predict_proba(self, data: Corpus) -> npt.NDArray[np.float64]:
        result = np.zeros((len(data), len(self.classes)))
        if len(data):
            result[:, self._held] = 1.0 if self._model is None else self._model.predict_proba(_clipped(data))
        return result

    def predict(self, data: Corpus) -> npt.NDArray[np.int64]:
        number: npt.NDArray[np.int64] = self.predict_proba(data).argmax(axis=1).astype(np.int64)
        return number
