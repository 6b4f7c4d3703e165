"""A table as a chain of conditional distributions: what a column is as a predictor, and as what a tree explains.

A predictor is a small whole number: the bin of a number, or the place of a category in an order that is made anew for
each tree, from what it shall explain.
Source: Breiman et al. 1984, section 4.2.2 (categories in the order of their mean response lose nothing for one
output); Coppersmith, Hong and Hosking 1999, doi 10.1023/A:1009869804967 (several outputs: order by the first
principal component of their means); Achlioptas 2003, doi 10.1016/S0022-0000(03)00025-4 (random signs keep distances).
Differs from the papers: the order is made once for each tree, not in each node; means of levels are pulled to the mean
of all; rare levels share one place.
Legend: N rows, L levels, G groups of levels, Q outputs. Code 0 = missing, code l = level l - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from lookalike.techniques.cart import Floats, Ints, Matrix
from lookalike.techniques.donors import Flags

Order = npt.NDArray[np.float32]
_BINS = 1024
"""Most bins of a number as a predictor."""
_STEPPED = 0.95
"""Share of the rows on tied numbers from which a column has levels, not a scale."""
_SPIKE = 0.05
"""Share of the rows from which one number of a column is a thing of its own for a tree."""
_RARE = 10
"""Rows below which levels of a category share one place."""
_PULL = 10.0
"""Rows of the mean of all that the mean of a level is mixed with."""
_OUTPUTS = 32
"""Most levels that have an output each; more are told apart by random signs."""
_SIGNS = 16


@final
@dataclass(frozen=True)
class Variable:
    """One column of the chain.

    Attributes:
        levels: Numbers that occur, rising, [L]; empty for categories.
        tied: Levels that so many rows share that they stay as they are, [L]; empty for categories.
        count: Rows with each code, [L + 1].
        place: Bin or group of each code, [L + 1]; 0 = missing or, of categories, rare.
        numeric: Values are numbers.
    """

    levels: Floats
    tied: Flags
    count: Ints
    place: Ints
    numeric: bool

    @property
    def stepped(self) -> bool:
        """Whether nearly all rows share their number with others, as years of age; such columns get no new numbers."""
        return bool(self.count[1:][self.tied].sum() >= _STEPPED * self.count[1:].sum()) if self.numeric else False

    @property
    def edges(self) -> Floats:
        """Lowest number of each bin but the first."""
        return self.levels[1:][np.diff(self.place[1:]) > 0]


def number_variable(values_N: Floats, ties: int) -> tuple[Variable, Ints]:
    """Return a column of numbers, NaN = missing, and the code of each row.

    Args:
        values_N: The numbers.
        ties: Rows from which a number stays as it is.
    """
    there = ~np.isnan(values_N)
    levels, code, count = np.unique(values_N[there], return_inverse=True, return_counts=True)
    code_N = np.zeros(len(values_N), dtype=np.int64)
    code_N[there] = code + 1
    every = np.concatenate([[int((~there).sum())], count]).astype(np.int64)
    rank = np.cumsum(count) - count
    bins = np.arange(len(levels)) if len(levels) <= _BINS else rank * _BINS // max(int(there.sum()), 1)
    place = np.concatenate([[0], 1 + np.unique(bins, return_inverse=True)[1]]).astype(np.int64)
    return Variable(levels, count >= ties, every, place, True), code_N


def category_variable(codes_N: Ints, levels: int) -> tuple[Variable, Ints]:
    """Return a column of categories, -1 = missing, and the code of each row."""
    code_N = codes_N + 1
    count = np.bincount(code_N, minlength=levels + 1).astype(np.int64)
    place = np.zeros(levels + 1, dtype=np.int64)
    common = np.flatnonzero(count >= _RARE)
    place[common] = 1 + np.arange(len(common))
    return Variable(np.zeros(0), np.zeros(0, dtype=bool), count, place, False), code_N


def places(variable: Variable, values_N: Floats | Ints) -> Ints:
    """Return the bin or group of values, which need not have occurred, [N].

    Args:
        variable: The column.
        values_N: Numbers with NaN = missing, or categories with -1 = missing.
    """
    if not variable.numeric:
        return variable.place[np.asarray(values_N, dtype=np.int64) + 1]
    bins = 1 + np.searchsorted(variable.edges, values_N, side="right")
    return np.where(np.isnan(values_N), 0, bins).astype(np.int64)


def nearest(levels_L: Floats, values_N: Floats) -> Floats:
    """Return the nearest level of each number, [N]; NaN stays."""
    above = np.searchsorted(levels_L, values_N).clip(0, len(levels_L) - 1)
    below = np.maximum(above - 1, 0)
    found = np.where(values_N - levels_L[below] < levels_L[above] - values_N, levels_L[below], levels_L[above])
    return np.where(np.isnan(values_N), np.nan, found)


def outputs(variable: Variable, code_N: Ints) -> Floats:
    """Return what a tree explains of a column, [N, Q].

    Of numbers it is the rank, whether it is missing, and whether it is one of the numbers that come often, each with
    variance 1; of categories one output for each level, or random signs where there are many.
    """
    if variable.numeric:
        seen = variable.count[1:]
        middle = (np.cumsum(seen) - seen / 2) / max(int(seen.sum()), 1)
        columns = [np.concatenate([[0.5], middle])[code_N]]
        often = np.flatnonzero(variable.count >= _SPIKE * len(code_N))
        if variable.count[0]:
            often = np.union1d(often, [0])
        columns += [(code_N == code).astype(np.float64) for code in often] if len(seen) > 2 or variable.count[0] else []
        y_NQ = np.stack(columns, axis=1)
        spread = y_NQ.std(axis=0)
        return np.asarray((y_NQ - y_NQ.mean(axis=0)) / np.where(spread > 1e-12, spread, 1))
    there = np.flatnonzero(variable.count)
    number = np.zeros(len(variable.count), dtype=np.int64)
    number[there] = np.arange(len(there))
    if len(there) == 2:
        return number[code_N][:, None].astype(np.float64)
    if len(there) <= _OUTPUTS:
        return np.asarray(np.eye(len(there))[number[code_N]])
    signs = np.random.Generator(np.random.Philox(key=_SIGNS)).integers(0, 2, (len(there), _SIGNS)) * 2.0 - 1
    return np.asarray(signs[number[code_N]])


def order(variable: Variable, code_N: Ints, y_NQ: Floats) -> Order:
    """Return the place of each group of a category in the order that serves the outputs, [G]."""
    group_N, groups = variable.place[code_N], int(variable.place.max()) + 1
    rows_G = np.bincount(group_N, minlength=groups)
    mean_Q = y_NQ.mean(axis=0)
    total_GQ = np.stack([np.bincount(group_N, y, minlength=groups) for y in y_NQ.T], axis=1)
    off_GQ = (total_GQ + _PULL * mean_Q) / (rows_G[:, None] + _PULL) - mean_Q
    _, axes = np.linalg.eigh(off_GQ.T @ (off_GQ * rows_G[:, None]))
    # An axis has no direction of its own: without one, another library would number the places backwards.
    axis = axes[:, -1] * (1.0 if axes[np.argmax(np.abs(axes[:, -1])), -1] > 0 else -1.0)
    rank = np.argsort(np.argsort(off_GQ @ axis, kind="stable"), kind="stable")
    return rank.astype(np.float32)


def features(orders: Sequence[Order | None], place: Sequence[Ints]) -> Matrix:
    """Return what a tree reads of other columns, [N, F].

    Args:
        orders: What `order` gave for each category; None for numbers.
        place: What `places` gave for each.
    """
    columns = [at.astype(np.float32) if ranks is None else ranks[at] for ranks, at in zip(orders, place, strict=True)]
    return np.stack(columns, axis=1)
