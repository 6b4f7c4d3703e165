"""Regression trees for several outputs at once, cut back to the splits that are not chance.

Source: Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984: squared error summed over the
outputs, which for one-hot outputs is the Gini index.
Differs from the book: a split stays if it, or one below it, passes a chi-square test, in place of pruning by
cross-validated cost: a generator must not follow chance, and the test costs nothing.
Legend: N rows, F features, Q outputs, M nodes. Nodes are numbered in preorder, so a subtree is a range of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2
from sklearn.tree import DecisionTreeRegressor

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float32]
_NONE = -1


@final
@dataclass(frozen=True)
class Tree:
    """A binary tree; a row goes left where its feature is at most the threshold.

    Attributes:
        feature: Feature that a node asks for; -1 = leaf, [M].
        threshold: Largest value that goes left, [M].
        right: Right child; the left one is the next node; -1 = leaf, [M].
        last: Last node of the subtree below each node, [M].
        back: Part of its distribution that a node takes from its parent, [M].
    """

    feature: Ints
    threshold: Matrix
    right: Ints
    last: Ints
    back: Floats

    @property
    def parent(self) -> Ints:
        """Parent of each node; -1 for the root, [M]."""
        found = np.full(len(self.feature), _NONE, dtype=np.int64)
        inner = np.flatnonzero(self.feature >= 0)
        found[inner + 1] = inner
        found[self.right[inner]] = inner
        return found


def stump() -> Tree:
    """Return a tree that is one leaf."""
    none = np.array([_NONE], dtype=np.int64)
    return Tree(none, np.zeros(1, dtype=np.float32), none, np.zeros(1, dtype=np.int64), np.zeros(1))


def grow(x_NF: Matrix, y_NQ: Floats, least: int, alpha: float, seed: int) -> Tree:
    """Grow a tree and cut it back.

    Args:
        x_NF: Features, finite.
        y_NQ: Outputs; their scales say how much each counts.
        least: Fewest rows of a leaf, at least 1.
        alpha: A split that chance would give with at least this probability goes, unless one below it stays;
            1 keeps every split.
        seed: For ties between splits.

    Returns:
        The tree; one leaf where there is nothing to explain.
    """
    if len(x_NF) < 2 * least or not x_NF.shape[1] or not np.ptp(y_NQ, axis=0).any():
        return stump()
    grown = DecisionTreeRegressor(min_samples_leaf=least, random_state=seed % 2**32).fit(x_NF, y_NQ)
    inside = grown.tree_
    feature = np.where(inside.children_left < 0, _NONE, inside.feature).astype(np.int64)
    right, back = inside.children_right.astype(np.int64), np.zeros(len(feature))
    tree = Tree(feature, inside.threshold.astype(np.float32), right, _last(inside), back)
    return _cut(tree, grown.apply(x_NF), y_NQ, alpha)


def _last(inside: object) -> Ints:
    right = inside.children_right.tolist()  # type: ignore[attr-defined]
    last = list(range(len(right)))
    for node in range(len(right) - 1, -1, -1):
        if right[node] >= 0:
            last[node] = last[right[node]]
    return np.array(last, dtype=np.int64)


def _cut(tree: Tree, leaf_N: Ints, y_NQ: Floats, alpha: float) -> Tree:
    """Return the tree without the subtrees in which every split may be chance."""
    inner = np.flatnonzero(tree.feature >= 0)
    if not len(inner):
        return tree
    passed = np.zeros(len(tree.feature) + 1, dtype=np.int64)
    chance, ratio = evidence(tree, leaf_N, y_NQ)
    passed[inner + 1] = (chance < alpha) | (alpha >= 1)
    back = np.zeros(len(tree.feature))
    back[inner + 1] = back[tree.right[inner]] = 1 / np.maximum(ratio, 1)
    total = np.cumsum(passed)
    stays = (tree.feature >= 0) & (total[tree.last + 1] > total[: len(tree.feature)])
    kept = np.zeros(len(tree.feature), dtype=bool)
    kept[0] = True
    for node in np.flatnonzero(stays):
        if kept[node]:
            kept[node + 1] = kept[tree.right[node]] = True
    number = np.cumsum(kept) - 1
    leaf = ~stays[kept]
    right = np.where(leaf, _NONE, number[tree.right[kept]])
    return Tree(
        np.where(leaf, _NONE, tree.feature[kept]), tree.threshold[kept], right, number[tree.last[kept]], back[kept]
    )


def evidence(tree: Tree, leaf_N: Ints, y_NQ: Floats) -> tuple[Floats, Floats]:
    """Return for each inner node the probability that chance explains as much as its split, and the ratio to chance.

    The squared error that a split takes away, over the mean squared error that is left, is a mean of chi-squares if
    the split explains nothing; its degrees of freedom are those of Satterthwaite (1946, doi 10.2307/3002019). That
    splits are chosen as the best of many is not counted: `alpha` must be small.
    """
    nodes, inner = len(tree.feature), np.flatnonzero(tree.feature >= 0)
    centred = y_NQ - y_NQ.mean(axis=0)

    def below(values_N: Floats | None) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(np.bincount(leaf_N, values_N, minlength=nodes))])
        return np.asarray(sums[tree.last + 1] - sums[:nodes])

    rows = np.maximum(below(None), 1)
    error_MQ = np.stack([np.maximum(below(y**2) - below(y) ** 2 / rows, 0) for y in centred.T], axis=1)
    left_IQ = error_MQ[inner + 1] + error_MQ[tree.right[inner]]
    spread_IQ = left_IQ / np.maximum(rows[inner] - 2, 1)[:, None]
    spread = np.maximum(spread_IQ.sum(axis=1), 1e-12)
    freedom = np.maximum(spread**2 / np.maximum((spread_IQ**2).sum(axis=1), 1e-24), 1)
    gain = np.maximum(error_MQ[inner].sum(axis=1) - left_IQ.sum(axis=1), 0)
    return np.asarray(chi2.sf(gain / spread * freedom, freedom)), np.asarray(gain / spread)


def leaves(tree: Tree, x_NF: Matrix) -> Ints:
    """Return the leaf that each row falls into, [N]."""
    node = np.zeros(len(x_NF), dtype=np.int64)
    rows = np.arange(len(x_NF))
    while len(rows):
        here = node[rows]
        feature = tree.feature[here]
        inner = feature >= 0
        rows, here, feature = rows[inner], here[inner], feature[inner]
        left = x_NF[rows, feature] <= tree.threshold[here]
        node[rows] = np.where(left, here + 1, tree.right[here])
    return node
