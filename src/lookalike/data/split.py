"""Train and holdout: a keyed, stratified choice of rows, and a count of what the two share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from lookalike.core.contracts import Dataset, Index
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.pixels import shown


class Hashed(Protocol):
    """Rows that can be compared by hash."""

    def row_hashes(self) -> Iterator[bytes]:
        """Yield a hash of the content of each row, in order."""
        ...


def split(data: Dataset, share: float, rng: Rng) -> tuple[Index, Index]:
    """Choose the rows that nothing may learn from.

    Every class gives its share, rounded so that the total is `share * N` rounded (largest remainders first), and keeps
    at least one row on either side.

    Args:
        data: Rows with labels; without classes all rows count as one class.
        share: Part of the rows to hold out, at least 0 and less than 1; 0 holds out nothing.
        rng: Key of the choice.

    Returns:
        Sorted positions of the training rows and of the holdout; together every row once.

    Raises:
        DataError: The share is out of range, or a class has too few rows to be on both sides.

    Source: stratified sampling with proportional allocation; Cochran, Sampling Techniques, 1977, chapter 5.
    """
    if not 0 <= share < 1:
        raise DataError(f"impossible split: holdout is a share of the rows, at least 0 and less than 1, found {share}")
    if share == 0:
        return np.arange(len(data), dtype=np.int64), np.empty(0, dtype=np.int64)
    classes = data.schema.classes or ("all rows",)
    counts = np.bincount(data.labels, minlength=len(classes))
    if len(data) < 2:
        raise DataError(f"impossible split: one row is needed on either side, found {len(data)}; set holdout: 0")
    few = [f"'{shown(classes[k])}' ({counts[k]})" for k in range(len(classes)) if counts[k] < 2]
    if few:
        raise DataError(
            f"impossible split: {len(few)} of {len(classes)} classes have fewer than 2 rows: {', '.join(few[:5])}; one "
            "row is needed on either side; add rows, remove the class, or set holdout: 0"
        )
    exact = counts * share
    held = np.floor(exact).astype(np.int64)
    short = round(float(exact.sum())) - int(held.sum())
    held[np.argsort(held - exact, kind="stable")[:short]] += 1
    held = np.clip(held, 1, counts - 1)
    chosen = np.zeros(len(data), dtype=bool)
    for k in range(len(classes)):
        rows = np.flatnonzero(data.labels == k)
        order = rng.child("split", k).numpy().permutation(len(rows))
        chosen[rows[order[: held[k]]]] = True
    return np.flatnonzero(~chosen).astype(np.int64), np.flatnonzero(chosen).astype(np.int64)


def shared_rows(train: Hashed, holdout: Hashed) -> int:
    """Return how many rows of the holdout are exact copies of a training row; labels do not count.

    Memory grows with the smaller side only, which is the holdout by habit.
    """
    held = Counter(holdout.row_hashes())
    return sum(held.pop(row, 0) for row in train.row_hashes())
