"""Associations against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from scipy.stats.contingency import association

from lookalike.techniques.association import associations, cramer

DRAW = np.random.default_rng(0)
X = DRAW.standard_normal(300)
ROWS = np.stack(
    [X, np.round(X + DRAW.standard_normal(300)), np.digitize(X, [-1, 0, 1]), DRAW.integers(0, 3, 300)], axis=1
)
ORDERED = np.array([True, True, False, False])


def test_they_are_those_of_the_textbook() -> None:
    found = associations(ROWS, ORDERED)
    assert found[0, 1] == pytest.approx(spearmanr(ROWS[:, 0], ROWS[:, 1]).statistic)
    table = np.zeros((4, 3), dtype=int)
    np.add.at(table, (ROWS[:, 2].astype(int), ROWS[:, 3].astype(int)), 1)
    assert found[2, 3] == pytest.approx(association(table, method="cramer"))
    rank = ROWS[:, 0].argsort().argsort().astype(float)
    between = sum(
        (ROWS[:, 2] == k).sum() * (rank[ROWS[:, 2] == k].mean() - rank.mean()) ** 2 for k in np.unique(ROWS[:, 2])
    )
    assert found[0, 2] == pytest.approx(np.sqrt(between / np.square(rank - rank.mean()).sum()))
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 1)


def test_constant_and_missing_columns_go_with_nothing() -> None:
    odd = np.stack([X, np.ones(300), np.full(300, np.nan), np.zeros(300)], axis=1)
    found = associations(odd, np.array([True, True, True, False]))
    np.testing.assert_allclose(found, np.eye(4), atol=1e-12)


def test_missing_is_a_level() -> None:
    gone = np.where(X > 0, np.nan, 1.0)
    found = associations(np.stack([gone, (X > 0).astype(float)], axis=1), np.array([False, False]))
    assert found[0, 1] == pytest.approx(1)
    assert cramer(np.zeros(3, dtype=np.int64), np.arange(3)) == 0
