"""Counts of words and short runs of characters as features, for distances that need no model."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.store import digest
from lookalike.data.corpus import Corpus

_BATCH = 512


@final
class Hashing(Method):
    """Words and pairs of words, hashed into a fixed number of cells, square roots of counts, length 1.

    It sees wording, not meaning: two texts that say the same in other words are far apart. Nothing is learnt, so the
    features are the same for every data set.

    Source: Weinberger et al. 2009, arXiv:0902.2206 (feature hashing).

    Differs from the paper: square roots of counts, as for Hellinger's distance.
    """

    features: int = Field(default=512, ge=16, le=65_536, description="Number of cells.")
    words: int = Field(default=2, ge=1, le=4, description="Longest run of words.")

    def prepare(self, train: Corpus) -> _HashedWords:
        """Return the extractor; no row is read."""
        del train
        return _HashedWords(self.features, self.words)


@final
class _HashedWords:
    """Features [N, features], each row of length 1, or all zero for a text without a word."""

    name = "hashing"

    def __init__(self, features: int, words: int) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        self.dimension = features
        self.digest = digest(["hashing", features, words])
        # Unsigned: a hash clash adds up, and square roots stay real.
        self._count = HashingVectorizer(
            n_features=features, ngram_range=(1, words), alternate_sign=False, norm=None, token_pattern=r"(?u)\b\w+\b"
        )

    def embed(self, data: Corpus) -> npt.NDArray[np.float32]:
        result = np.zeros((len(data), self.dimension), dtype=np.float32)
        for start in range(0, len(data), _BATCH):
            texts = data.take(np.arange(start, min(start + _BATCH, len(data)))).texts()
            count = np.sqrt(self._count.transform(texts).toarray())
            length = np.linalg.norm(count, axis=1, keepdims=True)
            result[start : start + len(texts)] = count / np.where(length > 0, length, 1)
        return result

    def predict_proba(self, data: Corpus) -> None:
        """Counts have no class head."""
        del data
