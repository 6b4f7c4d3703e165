"""Choosing few rows that are unlike each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_FEATURES = 512


def farthest_points(x_ND: npt.NDArray[np.floating], k: int, first: int = 0) -> npt.NDArray[np.int64]:
    """Return k rows, each the one farthest from those chosen before it; ties go to the earlier row.

    Args:
        x_ND: Rows, [N, D].
        k: How many; all rows when there are fewer.
        first: The row to begin with, 0 to N - 1.

    Returns:
        Positions in the order chosen, [min(k, N)].

    Source: Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5: at most twice the best covering radius.
    Differs from the paper: nothing.

    Example:
        >>> farthest_points(np.array([[0.0], [1.0], [5.0]]), 2).tolist()
        [0, 2]
    """
    count = min(k, len(x_ND))
    chosen = np.zeros(count, dtype=np.int64)
    nearest = np.full(len(x_ND), np.inf)
    place = first
    for number in range(count):
        chosen[number] = place
        nearest = np.minimum(nearest, ((x_ND - x_ND[place]) ** 2).sum(axis=1))
        nearest[place] = -1.0
        place = int(nearest.argmax())
    return chosen


def varied_texts(texts: Sequence[str], k: int) -> list[int]:
    """Return positions of at most k texts that are unlike each other, by words and pairs of words.

    Args:
        texts: Some thousands at most: each is a row of 512 numbers.
        k: How many.

    Example:
        >>> varied_texts(["a red car", "a red car", "blue boats sail"], 2)
        [0, 2]
    """
    if len(texts) <= 1:
        return list(range(len(texts)))
    from sklearn.feature_extraction.text import HashingVectorizer

    x_ND = HashingVectorizer(n_features=_FEATURES, ngram_range=(1, 2)).transform(texts).toarray()
    return [int(place) for place in farthest_points(x_ND, k)]
