"""The exchange finds what trying every choice finds, or nearly."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from lookalike.techniques.matching import matched, mismatch


def cells(n: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.stack([draw.integers(0, 3, n), 3 + draw.integers(0, 4, n)], axis=1).astype(np.int32)


@pytest.mark.parametrize("seed", range(4))
def test_a_small_choice_is_nearly_the_best_of_all(seed: int) -> None:
    rows = cells(12, seed)
    wanted = np.array([4.0, 1, 1, 3, 1, 1, 1])
    losses = [
        mismatch(np.bincount(rows[list(some)].ravel(), minlength=7).astype(float), wanted)
        for some in combinations(range(12), 6)
    ]
    chosen = matched(rows, wanted, 6, np.random.default_rng(seed))
    assert chosen.sum() == 6
    found = mismatch(np.bincount(rows[chosen].ravel(), minlength=7).astype(float), wanted)
    assert (np.array(losses) < found - 1e-12).mean() < 0.03


def test_a_choice_that_fits_exactly_is_come_near_to() -> None:
    rows = cells(2000, 0)
    wanted = np.array([500.0, 300, 200, 100, 300, 300, 300])
    found = np.bincount(rows[matched(rows, wanted, 1000, np.random.default_rng(0))].ravel(), minlength=7)
    assert np.abs(found - wanted).max() <= 3


@pytest.mark.parametrize("n", [0, 5])
def test_all_or_none_leave_no_choice(n: int) -> None:
    assert matched(cells(5, 0), np.ones(7), n, np.random.default_rng(0)).sum() == n
