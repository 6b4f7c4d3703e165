"""How useful rows are for training: equal choices of rows, accuracies with their intervals.

Shapes: N test rows, S keys of the learner, K classes, B draws.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lookalike.core.rng import Rng
from lookalike.techniques.bootstrap import percentile_interval, resampled_means

Values = npt.NDArray[np.float64]
Hits = npt.NDArray[np.float64]
COVERS = "test rows and keys of the learner, by bootstrap; one trained generator and one draw of synthetic rows"
"""What the intervals of `accuracy` cover."""
_DRAWS = 1000


class Labelled(Protocol):
    """Rows with class numbers."""

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Class numbers, [N]."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, K."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the rows of each class, [K]."""
        ...


def stratified(data: Labelled, n: int, rng: Rng) -> npt.NDArray[np.int64]:
    """Return n different rows, sorted, with the shares of the classes kept as well as whole rows allow."""
    if n >= len(data):
        return np.arange(len(data), dtype=np.int64)
    exact_K = data.counts() * (n / len(data))
    take_K = np.floor(exact_K).astype(np.int64)
    take_K[np.argsort(take_K - exact_K, kind="stable")[: n - int(take_K.sum())]] += 1
    parts = [
        rng.child("class", label).numpy().permutation(np.flatnonzero(data.labels == label))[:count]
        for label, count in enumerate(take_K)
    ]
    return np.sort(np.concatenate(parts)).astype(np.int64)


def class_weights(data: Labelled) -> Values:
    """Return weights with mean 1 that give every class the same sum, [N]."""
    counts = data.counts()
    weight: Values = len(data) / (np.count_nonzero(counts) * counts[data.labels].astype(np.float64))
    return weight


def accuracy(hits: Hits, draw: np.random.Generator) -> dict[str, Any]:
    """Return the mean of [N, S] and its 95 % interval, with test rows and keys of the learner drawn again.

    A difference of two such tables gives the paired interval of the difference.
    """
    seeds = hits.shape[1]
    by_seed_BS = resampled_means(hits, _DRAWS, draw)
    share_BS = draw.multinomial(seeds, np.full(seeds, 1 / seeds), size=_DRAWS) / seeds
    interval = percentile_interval((by_seed_BS * share_BS).sum(axis=1))
    return {"accuracy": float(hits.mean()), "interval": list(interval), "by_seed": hits.mean(axis=0).tolist()}


def per_class(hits: Hits, test: Labelled) -> dict[str, float | None]:
    """Return the accuracy on each class of the test rows by name; None for a class without rows."""
    there = test.counts() > 0
    return {
        name: float(hits[test.labels == label].mean()) if there[label] else None
        for label, name in enumerate(test.classes)
    }
