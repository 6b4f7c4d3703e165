"""Picks rows so that their histograms of one and of two columns match those of the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.arrays import modelled, ordered, plain
from lookalike.data.table import Table
from lookalike.techniques.matching import Cells, matched
from lookalike.techniques.selection import without
from lookalike.techniques.shapes import binned, bins, pair_of_columns

Values = npt.NDArray[np.float64]
_BLOCK = 50_000
_FINE = 50
_KEY = Rng(0).child("refined pairs")


@final
class Refine(Method):
    """Of every `1 / keep` rows keeps one, so that one- and two-way histograms come near those of the training rows.

    Rows are exchanged until nothing is gained. Classes keep the shares that they were made with, so that a balance that
    was asked for stays. It reads training rows: what is chosen leans towards them, in shares of cells and not in
    single rows, and a generator's guarantee of privacy does not cover it. `sample.attempts` must allow `1 / keep`
    times as many rows.

    Source: combinatorial optimisation of synthetic populations: Voas and Williamson 2000, International Journal of
        Population Geography 6:349-366 (exchange of rows until tables fit).

    Differs from the paper: many rows are exchanged at a time, and no row is made or changed.
    """

    reads_real: ClassVar[bool] = True

    keep: float = Field(default=0.5, gt=0, le=1, description="Share of the rows to keep, 0 to 1; less fits better.")
    bins: int = Field(default=10, ge=2, le=100, description="Bins of a number and categories of a column in a pair.")
    pairs: int = Field(default=200, ge=1, description="Most pairs of columns; of a wider table so many are drawn.")

    def select(self, data: Table, real: Reference[Table] | None, rng: Rng) -> Selection:
        """Return the rows that fit best together.

        Raises:
            ConfigError: There are no training rows.
        """
        if real is None or not len(real.train):
            raise ConfigError("tabular.refine matches training rows and found none; remove the filter")
        histograms = _histograms(real.train, self.bins, self.pairs)
        kept = np.zeros(len(data), dtype=np.bool_)
        for start in range(0, len(data), _BLOCK):
            part = data.take(np.arange(start, min(len(data), start + _BLOCK), dtype=np.int64))
            n = int(np.ceil(self.keep * len(part)))
            wanted_C = histograms.shares(_weights(real.train, part)) * n
            draw = rng.child("block", start).numpy()
            kept[start : start + _BLOCK] = matched(histograms.cells(part), wanted_C, n, draw)
        why = dict.fromkeys(np.flatnonzero(~kept).tolist(), "others fit the histograms of the training rows better")
        return without(len(data), why, "refine")


@dataclass(frozen=True)
class _Histograms:
    """What is counted: each column alone, finely, and pairs of columns."""

    train: Table
    names: tuple[str, ...]
    fine: tuple[Values, ...]
    coarse: tuple[Values, ...]
    pairs_P2: npt.NDArray[np.int64]

    def cells(self, data: Table) -> Cells:
        """Return the cell of each row in each histogram, [N, H]; cells are numbered through."""
        rows = plain(data, self.names)
        order = [ordered(data.schema.column(name)) for name in self.names]
        alone = [binned(rows[:, f], marks, order[f]) for f, marks in enumerate(self.fine)]
        rough = [binned(rows[:, f], marks, order[f]) for f, marks in enumerate(self.coarse)]
        together = [rough[one] * (len(self.coarse[two]) + 2) + rough[two] for one, two in self.pairs_P2]
        offsets = np.concatenate([[0], np.cumsum(self._sizes)[:-1]]).astype(np.int64)
        found = np.empty((len(data), len(offsets)), dtype=np.int32)
        for place, codes in enumerate([*alone, *together]):
            found[:, place] = codes + offsets[place]
        return found

    @property
    def _sizes(self) -> list[int]:
        rough = [len(marks) + 2 for marks in self.coarse]
        return [len(marks) + 2 for marks in self.fine] + [rough[one] * rough[two] for one, two in self.pairs_P2]

    def shares(self, weights_N: Values) -> Values:
        """Return the share of weighted training rows in every cell, [C]."""
        total = np.zeros(sum(self._sizes))
        for start in range(0, len(self.train), _BLOCK):
            rows = np.arange(start, min(len(self.train), start + _BLOCK), dtype=np.int64)
            cells = self.cells(self.train.take(rows))
            weights = np.repeat(weights_N[rows], cells.shape[1])
            total += np.bincount(cells.ravel(), weights=weights, minlength=len(total))
        return np.asarray(total / weights_N.sum())


def _histograms(train: Table, most_bins: int, most_pairs: int) -> _Histograms:
    names = modelled(train.schema)
    kinds = [ordered(train.schema.column(name)) for name in names]
    values = [plain(train, [name])[:, 0] for name in names]
    fine, coarse = (
        tuple(bins(column, kind, size) for column, kind in zip(values, kinds, strict=True))
        for size in (max(_FINE, most_bins), most_bins)
    )
    pairs = pair_of_columns(len(names), most_pairs, _KEY.numpy()) if len(names) > 1 else np.zeros((0, 2), np.int64)
    return _Histograms(train, names, fine, coarse, pairs)


def _weights(train: Table, data: Table) -> Values:
    """Return weights of training rows, [N], that give their classes the shares of the rows to choose from."""
    if not train.classes or not len(data):
        return np.ones(len(train))
    have, made = train.counts().astype(np.float64), data.counts().astype(np.float64)
    weights = (made / np.maximum(have, 1))[train.labels]
    return weights if weights.any() else np.ones(len(train))
