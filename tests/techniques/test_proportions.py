"""Exact and Wilson intervals against published and independent values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from lookalike.techniques.proportions import clopper_pearson, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (81, 263)])
def test_they_equal_an_independent_implementation(hits: int, n: int) -> None:
    exact = binomtest(hits, n).proportion_ci(method="exact")
    assert clopper_pearson(hits, n) == pytest.approx((exact.low, exact.high))
    approximate = binomtest(hits, n).proportion_ci(method="wilson")
    centre, half = wilson(hits, n)
    assert (centre - half, centre + half) == pytest.approx((approximate.low, approximate.high), abs=1e-9)


def test_the_exact_one_covers_as_promised() -> None:
    for share in (0.001, 0.1, 0.5):
        ends = np.array([clopper_pearson(k, 50) for k in range(51)])
        inside = (ends[:, 0] <= share) & (share <= ends[:, 1])
        assert binom.pmf(np.arange(51), 50, share)[inside].sum() >= 0.95


def test_no_tries_leave_everything_open() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)
