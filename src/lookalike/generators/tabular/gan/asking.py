"""The conditional vector: which column and which value of it a new row is asked to have.

Legend: B rows of a batch, N training rows, D modelled columns, S codes of all columns counted through.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import final

import numpy as np
import numpy.typing as npt

from lookalike.core.rng import Rng
from lookalike.data.table import Codes, Numbers

Positions = npt.NDArray[np.int64]


@final
class TrainingBySampling:
    """Chooses training rows so that rare values come more often than they are.

    Args:
        codes: Of the training rows, [N, D].
        sizes: Codes of each column, D.

    Source: Xu et al. 2019, arXiv 1907.00503, section 4.3.
    Differs from the paper: every column of at least two codes can be asked for, numbers too.
    """

    def __init__(self, codes: Codes, sizes: Sequence[int]) -> None:
        """Sort the rows by the value of each column."""
        self.columns = [d for d, size in enumerate(sizes) if size > 1 and len(np.unique(codes[:, d])) > 1]
        self._rows: dict[int, npt.NDArray[np.int32]] = {}
        self._ends: dict[int, Positions] = {}
        self._share: dict[int, Numbers] = {}
        for d in self.columns:
            counts = np.bincount(codes[:, d], minlength=sizes[d])
            self._rows[d] = np.argsort(codes[:, d], kind="stable").astype(np.int32)
            self._ends[d] = np.concatenate([[0], np.cumsum(counts)])
            self._share[d] = np.cumsum(np.log1p(counts))
        self._codes = codes

    def weights(self, share: float) -> Numbers:
        """Return how often `choose` chooses each row, [N], with sum 1."""
        even = np.full(len(self._codes), 1 / len(self._codes))
        if not self.columns:
            return even
        asked = np.zeros(len(even))
        for d in self.columns:
            counts = np.diff(self._ends[d])
            asked += (np.log1p(counts) / self._share[d][-1] / np.maximum(counts, 1))[self._codes[:, d]]
        return (1 - share) * even + share * asked / len(self.columns)

    def choose(self, rows: Positions, share: float, rng: Rng) -> tuple[Positions, Positions]:
        """Return training rows and the column that each is asked for, [B] each; -1 = no column can be asked.

        Args:
            rows: Rows as they come.
            share: Part of them that is replaced: by rows of a value that is drawn by the logarithm of its frequency.
            rng: Key.
        """
        count = len(rows)
        if not self.columns:
            return rows, np.full(count, -1, dtype=np.int64)
        draw = rng.numpy()
        column = np.asarray(self.columns)[draw.integers(0, len(self.columns), count)]
        replaced = draw.random(count) < share
        value, within = draw.random(count), draw.random(count)
        chosen = rows.copy()
        for d in self.columns:
            mine = replaced & (column == d)
            code = np.searchsorted(self._share[d], value[mine] * self._share[d][-1], side="right")
            low, high = self._ends[d][code], self._ends[d][code + 1]
            chosen[mine] = self._rows[d][low + (within[mine] * (high - low)).astype(np.int64)]
        return chosen, column


def natural(shares: Sequence[Numbers], rows: int, rng: Rng) -> tuple[Positions, Positions]:
    """Return a column for each row and a code of it, as often as it is, [B] each; -1 = no column has two codes.

    Args:
        shares: Share of each code, for each column, D.
        rows: Number of rows.
        rng: Key.
    """
    columns = [d for d, share in enumerate(shares) if np.count_nonzero(share) > 1]
    if not columns:
        return np.full(rows, -1, dtype=np.int64), np.zeros(rows, dtype=np.int64)
    draw = rng.numpy()
    column = np.asarray(columns)[draw.integers(0, len(columns), rows)]
    value, code = draw.random(rows), np.zeros(rows, dtype=np.int64)
    for d in columns:
        mine = column == d
        total = np.cumsum(shares[d])
        code[mine] = np.searchsorted(total, value[mine] * total[-1], side="right")
    return column, code


def starts(sizes: Sequence[int]) -> Positions:
    """Return where the codes of each column begin among all codes, D."""
    return np.array([0, *accumulate(sizes)][:-1], dtype=np.int64)
