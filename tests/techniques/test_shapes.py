"""Distances of columns and pairs against brute force, bins that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.techniques.shapes import (
    binned,
    bins,
    filled,
    grouped_interval,
    kolmogorov,
    pair_distances,
    pair_of_columns,
    total_variation,
)

NUMBERS = st.lists(st.integers(-3, 3) | st.just(np.nan), min_size=1, max_size=20)


@given(NUMBERS, NUMBERS)
def test_kolmogorov_with_missing_values_as_the_lowest(first: list[float], second: list[float]) -> None:
    one, two = np.array(first, dtype=float), np.array(second, dtype=float)
    low = [np.where(np.isnan(rows), -9.0, rows) for rows in (one, two)]
    brute = max(abs((low[0] <= at).mean() - (low[1] <= at).mean()) for at in np.concatenate(low))
    assert kolmogorov(one, two) == pytest.approx(brute, abs=1e-12)


def test_total_variation_is_the_share_that_must_move() -> None:
    assert total_variation(np.array([0, 1]), np.array([2, 3])) == 1.0
    assert total_variation(np.array([0, 1]), np.array([1, 0, 0, 1])) == 0.0


def test_pairs_equal_a_loop_over_cells() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 4, (50, 3)), draw.integers(0, 5, (40, 3))
    pairs = pair_of_columns(3, 10, draw)
    assert pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    for found, (a, b) in zip(pair_distances(first, second, pairs), pairs, strict=True):
        brute = sum(
            abs(((rows := first)[:, [a, b]] == [u, v]).all(axis=1).mean() - (second[:, [a, b]] == [u, v]).all(1).mean())
            for u in range(5)
            for v in range(5)
        )
        assert len(rows) == 50
        assert found == pytest.approx(brute / 2)


@given(st.integers(2, 60), st.integers(1, 100))
def test_drawn_pairs_are_different_columns_and_no_pair_comes_twice(columns: int, most: int) -> None:
    pairs = pair_of_columns(columns, most, np.random.default_rng(0))
    assert len(pairs) == min(most, columns * (columns - 1) // 2)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert pairs.max() < columns
    assert len(np.unique(pairs, axis=0)) == len(pairs)


def test_bins_hold_equally_many_and_a_spike_has_its_own() -> None:
    draw = np.random.default_rng(0)
    smooth = draw.standard_normal(1000)
    marks = bins(smooth, True, 10)
    counts = np.bincount(binned(smooth, marks, True))
    assert counts[0] == 0
    assert counts[2:-1].min() >= 95
    spike = np.where(draw.random(1000) < 0.8, 0.0, draw.random(1000) + 1)
    found = binned(np.append(spike, np.nan), bins(spike, True, 10), True)
    assert (found[:-1][spike == 0] == 1).all()
    assert (found[:-1][spike > 0] > 1).all()
    assert found[-1] == 0


def test_rare_categories_share_a_bin() -> None:
    codes = np.array([3.0, 3, 3, 5, 5, 1, 0, np.nan])
    marks = bins(codes, False, 3)
    assert marks.tolist() == [3, 5]
    assert binned(codes, marks, False).tolist() == [1, 1, 1, 2, 2, 3, 3, 0]
    assert binned(np.array([np.nan, 2.0]), bins(np.array([np.nan]), False, 3), False).tolist() == [0, 1]
    assert filled(np.array([np.nan, 0.0, 2.0])).tolist() == [0, 1, 3]


def test_an_interval_covers_the_mean() -> None:
    covered = 0
    for seed in range(100):
        rows = np.random.default_rng(seed).random(200)
        found = grouped_interval(float(rows.mean()), lambda part: float(part.mean()), (rows,))
        assert found is not None
        covered += found[0] <= 0.5 <= found[1]
    assert covered >= 88
    assert grouped_interval(0.5, lambda part: 0.5, (np.zeros(1),)) is None
