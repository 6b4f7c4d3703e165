"""Modes on points whose clusters are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.rng import Rng
from lookalike.techniques.modes import Modes, find_modes, judged, reached

# Three classes of two clusters each, far apart, of 60 and 40 rows; the classes have 100 rows each.
CENTRES = np.array([[k * 100.0, cluster * 10.0] for k in range(3) for cluster in range(2)])
SIZES = np.array([60, 40] * 3)


def _rows(sizes: np.ndarray, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.repeat(CENTRES, sizes, axis=0) + draw.normal(0, 0.5, (int(sizes.sum()), 2))


def _labels(sizes: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(np.arange(3), 2), sizes)


def _modes(most: int = 2, rows: int = 300) -> Modes:
    return find_modes(_rows(SIZES), _labels(SIZES), 3, most, rows, Rng(0))


def test_clusters_are_found_within_classes_the_largest_first() -> None:
    modes = _modes()
    assert np.allclose(modes.centre_MD, CENTRES, atol=0.4)
    assert modes.class_M.tolist() == [0, 0, 1, 1, 2, 2]
    assert modes.number_M.tolist() == [0, 1, 0, 1, 0, 1]
    assert np.allclose(modes.class_share_K, 1 / 3)
    assert np.allclose(modes.share_KM[1], [0, 0, 0.6, 0.4, 0, 0])


def test_counts_do_not_ask_for_labels() -> None:
    sizes = np.array([7, 0, 3, 20, 0, 1])
    assert _modes().counts(_rows(sizes, 1)).sum(axis=0).tolist() == sizes.tolist()


def test_a_row_beyond_the_radius_is_in_no_mode() -> None:
    modes = _modes()
    assert ((0.9 < modes.radius_M) & (modes.radius_M < 2.5)).all()
    own = modes.counts(_rows(SIZES))
    # The farthest of 60 rows marks the radius: 99 % of them is all of them.
    assert (own[0] == SIZES).all() and (own[1] == 0).all()
    far = modes.counts(CENTRES[[2, 2, 5]] + [[0, -4], [0, 0], [4, 0]])
    assert far[0].tolist() == [0, 0, 1, 0, 0, 0]
    assert far[1].tolist() == [0, 0, 1, 0, 0, 1]


def test_expected_rows_follow_the_labels_that_were_made() -> None:
    modes = _modes()
    assert np.allclose(modes.expected(np.repeat([0, 1, 2], [10, 20, 70])), [6, 4, 12, 8, 42, 28])
    # A class without a row keeps its real share, a third of 90 rows.
    assert np.allclose(modes.expected(np.repeat([0, 1], [45, 45])), [18, 12, 18, 12, 18, 12])


@pytest.mark.parametrize(("most", "rows", "expected"), [(5, 60, 2), (5, 30, 1), (1, 1000, 1), (5, 3, 1)])
def test_few_rows_have_few_modes(most: int, rows: int, expected: int) -> None:
    assert np.bincount(_modes(most, rows).class_M).tolist() == [expected] * 3


def test_equal_rows_are_one_mode() -> None:
    x = np.repeat([[0.0, 0.0], [5.0, 5.0]], 50, axis=0)
    modes = find_modes(x, np.zeros(100, dtype=np.int64), 1, 10, 1000, Rng(0))
    assert modes.centre_MD.tolist() in ([[0, 0], [5, 5]], [[5, 5], [0, 0]])


def test_a_class_without_real_rows_has_no_mode() -> None:
    sizes = np.array([60, 40, 0, 0, 60, 40])
    modes = find_modes(_rows(sizes), _labels(sizes), 3, 2, 200, Rng(0))
    assert modes.class_M.tolist() == [0, 0, 2, 2]
    assert modes.expected(np.array([1, 1])).tolist() == pytest.approx([0.6, 0.4, 0.6, 0.4])


def test_a_mode_needs_its_share_and_one_row_at_the_least() -> None:
    expected = np.array([40.0, 40.0, 1.0, 1.0])
    assert reached(np.array([10, 9, 1, 0]), expected, 0.25).tolist() == [True, False, True, False]


def test_rare_modes_are_not_judged_unless_all_are_rare() -> None:
    assert judged(np.array([5.0, 4.9, 70.0])).tolist() == [True, False, True]
    assert judged(np.array([1.0, 2.0, 2.0])).tolist() == [False, True, True]
