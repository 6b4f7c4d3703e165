"""Values that the leaves of a tree hold, and draws from them that need not be one of them.

Source: Reiter 2005, Journal of Official Statistics 21(3) (synthetic values from the leaves of a tree); Nowok, Raab and
Dibben 2016, doi 10.18637/jss.v074.i11 (one column after the other).
Differs from the papers: a drawn number that few rows share moves part of the way to the next value of its leaf, where
the papers give the row's own value, or smooth with one width for the whole column.
Legend: N rows, R runs of equal values in a leaf, M nodes, L levels. Code 0 = missing, code l = level l - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from lookalike.techniques.cart import Floats, Ints, Tree

Flags = npt.NDArray[np.bool_]


@final
@dataclass(frozen=True)
class Donors:
    """Values by leaf, ordered within a leaf, equal ones as one run.

    Attributes:
        code: Code of each run, [R].
        leaf: Leaf of each run, rising, [R].
        end: Number of rows up to and with each run, rising, [R].
    """

    code: Ints
    leaf: Ints
    end: Ints


def gather(code_N: Ints, leaf_N: Ints) -> Donors:
    """Return the values of the leaves.

    Args:
        code_N: Code of each row's value, at least 0.
        leaf_N: Leaf of each row.
    """
    levels = int(code_N.max(initial=0)) + 1
    key, count = np.unique(leaf_N * levels + code_N, return_counts=True)
    return Donors(key % levels, key // levels, np.cumsum(count).astype(np.int64))


def filled(donors: Donors) -> Donors:
    """Return the values without the missing ones."""
    count = np.diff(donors.end, prepend=0)
    there = donors.code > 0
    return Donors(donors.code[there], donors.leaf[there], np.cumsum(count[there]).astype(np.int64))


def rows_below(donors: Donors, tree: Tree, node_N: Ints) -> tuple[Ints, Ints]:
    """Return the number of the first row below each node, and of the one after the last, [N] each."""
    end = np.concatenate([[0], donors.end])
    first = np.searchsorted(donors.leaf, node_N)
    after = np.searchsorted(donors.leaf, tree.last[node_N], side="right")
    return end[first], end[after]


def step_back(tree: Tree, leaf_N: Ints, u_N: Floats) -> Ints:
    """Return the node whose rows a draw is made from: a leaf, or by its `back` its parent, or the next one up."""
    parent, node_N = tree.parent, leaf_N.copy()
    rows, u = np.arange(len(leaf_N)), u_N
    while len(rows):
        part = tree.back[node_N[rows]]
        up = u < part
        # What is left of a number that said yes is again a number in [0, 1).
        rows, u = rows[up], u[up] / part[up]
        node_N[rows] = parent[node_N[rows]]
    return node_N


def pick(donors: Donors, tree: Tree, leaf_N: Ints, u_N: Floats) -> Ints:
    """Return the run of a row of the leaf, every row being as probable.

    Args:
        donors: Values by leaf, at least one.
        tree: The tree of these leaves.
        leaf_N: Leaf of each draw; one without values is replaced by the smallest subtree around it that has some.
        u_N: Numbers in [0, 1) that decide.
    """
    low, high = rows_below(donors, tree, leaf_N)
    empty = np.flatnonzero(low == high)
    if len(empty):
        parent, node = tree.parent, leaf_N[empty]
        while len(empty):
            node = parent[node]
            low[empty], high[empty] = rows_below(donors, tree, node)
            still = low[empty] == high[empty]
            empty, node = empty[still], node[still]
    row = low + np.minimum((u_N * (high - low)).astype(np.int64), high - low - 1)
    return np.asarray(np.searchsorted(donors.end, row, side="right"), dtype=np.int64)


def shares(donors: Donors, tree: Tree, leaf_N: Ints, low_N: Ints, high_N: Ints, prior_N: Floats) -> Floats:
    """Return the share of the rows of a leaf whose code lies in a range, as if one more row followed a prior.

    Args:
        donors: Values by leaf.
        tree: The tree of these leaves.
        leaf_N: Leaf of each question.
        low_N: First code of the range.
        high_N: Last code of the range.
        prior_N: Share in the whole column.
    """
    width = max(int(donors.code.max(initial=0)), int(high_N.max(initial=0))) + 2
    key, end = donors.leaf * width + donors.code, np.concatenate([[0], donors.end])
    inside = end[np.searchsorted(key, leaf_N * width + high_N, side="right")]
    inside = inside - end[np.searchsorted(key, leaf_N * width + low_N)]
    first, after = rows_below(donors, tree, leaf_N)
    return np.asarray((inside + prior_N) / (after - first + 1))


def interpolate(donors: Donors, run_N: Ints, levels_L: Floats, tied_L: Flags, u_N: Floats) -> Floats:
    """Return numbers for drawn runs; one that few rows share moves up to half way to its neighbour in the leaf.

    Between two such values of one leaf the result is spread evenly. A value with no such neighbour in its leaf moves
    towards its neighbour in the whole column.

    Args:
        donors: Values by leaf.
        run_N: What `pick` gave.
        levels_L: Number of each level, rising.
        tied_L: Levels that so many rows share that they stay as they are, as zero in a column of gains.
        u_N: Numbers in [0, 1): below a half moves down, else up.

    Returns:
        [N] float64, NaN where a value is missing.
    """
    code_N = donors.code[run_N]
    value_N = np.where(code_N > 0, levels_L[np.maximum(code_N, 1) - 1], np.nan)
    rows = np.flatnonzero((code_N > 0) & ~tied_L[np.maximum(code_N, 1) - 1])
    part = np.abs(u_N - 0.5)
    for turn in (1, -1):
        step = np.where(u_N[rows] < 0.5, -turn, turn)
        near = np.clip(run_N[rows] + step, 0, len(donors.code) - 1)
        code = donors.code[near]
        fits = (near != run_N[rows]) & (donors.leaf[near] == donors.leaf[run_N[rows]]) & (code > 0)
        fits &= ~tied_L[np.maximum(code, 1) - 1]
        moved = rows[fits]
        value_N[moved] += part[moved] * (levels_L[code[fits] - 1] - value_N[moved])
        rows = rows[~fits]
    near = np.clip(code_N[rows] - 1 + np.where(u_N[rows] < 0.5, -1, 1), 0, len(levels_L) - 1)
    value_N[rows] += part[rows] * (levels_L[near] - value_N[rows])
    return value_N
