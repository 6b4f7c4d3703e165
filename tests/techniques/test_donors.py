"""Donors: draws follow the leaf, numbers move only between neighbours, ties and missing values stay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from lookalike.techniques.cart import Tree, stump
from lookalike.techniques.donors import filled, gather, interpolate, pick, rows_below, shares, step_back

# Root 0 with leaf 1 on the left and leaf 2 on the right.
TREE = Tree(
    np.array([0, -1, -1]), np.zeros(3, np.float32), np.array([2, -1, -1]), np.array([2, 1, 2]), np.array([0, 0.25, 1])
)
CODES = np.array([3, 1, 1, 0, 2, 2, 5])
LEAVES = np.array([1, 1, 1, 1, 2, 2, 2])


def test_runs_are_counts_of_equal_values_in_leaves() -> None:
    donors = gather(CODES, LEAVES)
    assert donors.leaf.tolist() == [1, 1, 1, 2, 2]
    assert donors.code.tolist() == [0, 1, 3, 2, 5]
    assert donors.end.tolist() == [1, 3, 4, 6, 7]
    low, high = rows_below(donors, TREE, np.array([0, 1, 2]))
    assert low.tolist() == [0, 0, 4]
    assert high.tolist() == [7, 4, 7]
    there = filled(donors)
    assert there.code.tolist() == [1, 3, 2, 5]
    assert there.end.tolist() == [2, 3, 5, 6]


def test_every_row_of_a_leaf_is_as_probable() -> None:
    donors, u = gather(CODES, LEAVES), (np.arange(4000) + 0.5) / 4000
    drawn = donors.code[pick(donors, TREE, np.ones(4000, dtype=np.int64), u)]
    assert np.bincount(drawn).tolist() == [1000, 2000, 0, 1000]


def test_a_leaf_without_values_takes_those_around_it() -> None:
    donors = filled(gather(np.array([0, 0, 4]), np.array([1, 1, 2])))
    assert donors.code[pick(donors, TREE, np.array([1, 2]), np.array([0.5, 0.5]))].tolist() == [4, 4]


def test_a_draw_steps_back_as_often_as_its_node_says() -> None:
    u = (np.arange(1000) + 0.5) / 1000
    assert np.bincount(step_back(TREE, np.ones(1000, dtype=np.int64), u)).tolist() == [250, 750]
    assert (step_back(TREE, np.full(1000, 2), u) == 0).all()


def test_numbers_move_half_way_to_a_neighbour_of_their_leaf_at_most() -> None:
    levels, tied = np.array([0.0, 10.0, 20.0, 40.0, 100.0]), np.array([True, False, False, False, False])
    donors = gather(np.array([1, 2, 3, 4, 5]), np.array([1, 1, 1, 1, 2]))
    u = np.array([0.0, 0.25, 0.5, 0.75, 0.999999])
    at = lambda run: interpolate(donors, np.full(5, run), levels, tied, u).tolist()  # noqa: E731
    assert at(0) == [0, 0, 0, 0, 0]
    # Its lower neighbour is tied, so it moves up only.
    assert at(1) == pytest.approx([15, 12.5, 10, 12.5, 15], abs=1e-4)
    assert at(2) == pytest.approx([15, 17.5, 20, 25, 30], abs=1e-4)
    # It is alone in its leaf, so it moves within the column, and never beyond its ends.
    assert at(4) == pytest.approx([70, 85, 100, 100, 100], abs=1e-4)


def test_missing_values_stay_missing() -> None:
    donors = gather(np.array([0, 1, 2]), np.array([0, 0, 0]))
    drawn = interpolate(donors, np.array([0, 1]), np.array([5.0, 6.0]), np.zeros(2, bool), np.array([0.1, 0.1]))
    assert np.isnan(drawn[0])
    assert 5 <= drawn[1] <= 6


def test_interpolated_numbers_follow_the_leaf() -> None:
    draw = np.random.default_rng(0)
    levels = np.sort(draw.standard_normal(2000))
    donors, tree = gather(np.arange(1, 2001), np.zeros(2000, dtype=np.int64)), stump()
    run = pick(donors, tree, np.zeros(20_000, dtype=np.int64), draw.random(20_000))
    drawn = interpolate(donors, run, levels, np.zeros(2000, bool), draw.random(20_000))
    counts, _ = np.histogram(drawn, np.quantile(levels, np.linspace(0, 1, 21)))
    assert chisquare(counts).pvalue > 0.001
    assert np.isin(drawn, levels).sum() == 0


def test_shares_count_rows_of_a_range_and_one_of_the_prior() -> None:
    donors = gather(CODES, LEAVES)
    ask = lambda *v: [np.array([x]) for x in v]  # noqa: E731
    assert shares(donors, TREE, *ask(1, 0, 1), np.array([0.5])).tolist() == [(3 + 0.5) / 5]
    assert shares(donors, TREE, *ask(2, 3, 4), np.array([0.5])).tolist() == [0.5 / 4]
    assert shares(donors, TREE, *ask(2, 0, 9), np.array([1.0])).tolist() == [1.0]
