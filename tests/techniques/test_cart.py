"""Trees find what is there, leave out what is chance, and send rows where brute force sends them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from lookalike.techniques.cart import Tree, evidence, grow, leaves, stump


def walk(tree: Tree, row: np.ndarray) -> int:
    """The plain twin of `leaves`: one row, one step at a time."""
    node = 0
    while tree.feature[node] >= 0:
        node = node + 1 if row[tree.feature[node]] <= tree.threshold[node] else int(tree.right[node])
    return node


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def test_leaves_are_those_of_a_plain_walk(draw: np.random.Generator) -> None:
    x = draw.integers(0, 30, (600, 4)).astype(np.float32)
    y = np.stack([x[:, 0] > 12, x[:, 1] * x[:, 2]], axis=1).astype(np.float64)
    tree = grow(x, y, 5, 0.01, 0)
    found = leaves(tree, x)
    assert found.tolist() == [walk(tree, row) for row in x]
    assert np.bincount(found)[np.unique(found)].min() >= 5
    assert (tree.feature[found] < 0).all()


def test_a_subtree_is_a_range_of_nodes(draw: np.random.Generator) -> None:
    x = draw.random((500, 3)).astype(np.float32)
    tree = grow(x, (x[:, :1] + x[:, 1:2] ** 2).astype(np.float64), 5, 0.01, 0)
    parent = tree.parent
    for node in range(len(parent)):
        below = {node}
        for other in range(node + 1, len(parent)):
            if parent[other] in below:
                below.add(other)
        assert below == set(range(node, tree.last[node] + 1))


def test_chance_is_not_followed_and_xor_is(draw: np.random.Generator) -> None:
    x = draw.integers(0, 2, (2000, 6)).astype(np.float32)
    assert len(grow(x, draw.random((2000, 1)), 5, 1e-4, 0).feature) == 1
    xor = (x[:, 0] != x[:, 3]).astype(np.float64)[:, None]
    tree = grow(x, xor, 5, 1e-4, 0)
    found = leaves(tree, x)
    for leaf in np.unique(found):
        assert np.ptp(xor[found == leaf]) == 0
    assert len(grow(x, draw.random((2000, 1)), 5, 1.0, 0).feature) > 20


def test_nothing_to_explain_is_one_leaf() -> None:
    assert len(grow(np.zeros((50, 2), np.float32), np.arange(50.0)[:, None], 1, 0.5, 0).feature) == 1
    assert len(grow(np.arange(50, dtype=np.float32)[:, None], np.ones((50, 1)), 1, 0.5, 0).feature) == 1
    assert leaves(stump(), np.zeros((3, 0), np.float32)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("outputs", [1, 4])
def test_a_split_by_chance_has_a_uniform_probability(outputs: int) -> None:
    """A split that is given, not searched for: the test statistic must have its stated distribution."""
    found = []
    none, number = np.array([0, -1, -1]), np.array([2, -1, -1])
    tree = Tree(none, np.zeros(3, np.float32), number, np.array([2, 1, 2]), np.zeros(3))
    for seed in range(400):
        y = np.random.default_rng(seed).standard_normal((300, outputs))
        chance, ratio = evidence(tree, np.where(np.arange(300) < 120, 1, 2), y)
        found.append(chance[0])
        # The effective freedom of equal spreads is nearly their number.
        assert chi2.sf(ratio[0] * outputs, outputs) == pytest.approx(chance[0], abs=0.02)
    assert kstest(found, "uniform").pvalue > 0.01


def test_evidence_equals_sums_over_rows(draw: np.random.Generator) -> None:
    x = draw.random((300, 2)).astype(np.float32)
    y = np.stack([x[:, 0] > 0.5, draw.random(300)], axis=1).astype(np.float64)
    tree = grow(x, y, 10, 1.0, 0)
    leaf = leaves(tree, x)
    _, ratio = evidence(tree, leaf, y)
    for place, node in enumerate(np.flatnonzero(tree.feature >= 0)[:10]):

        def error(first: int, last: int) -> np.ndarray:
            rows = y[(leaf >= first) & (leaf <= last)]
            return ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)

        right = int(tree.right[node])
        left = error(node + 1, right - 1) + error(right, int(tree.last[node]))
        rows = ((leaf >= node) & (leaf <= tree.last[node])).sum()
        gain = (error(node, int(tree.last[node])) - left).sum()
        assert ratio[place] == pytest.approx(gain / (left / (rows - 2)).sum(), rel=1e-6)
