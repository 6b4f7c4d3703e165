"""MAUVE: equal clouds score 1, apart ones near 0, and the frontier is that of the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.techniques.mauve import area, frontier, mauve


def test_equal_histograms_give_one() -> None:
    same = np.array([0.2, 0.3, 0.5])
    assert area(frontier(same, same)) == pytest.approx(1.0)


def test_the_frontier_of_disjoint_histograms_is_known() -> None:
    curve = frontier(np.array([1.0, 0.0]), np.array([0.0, 1.0]), points=9)
    share = np.linspace(0, 1, 11)[1:-1]
    assert curve[1:-1, 0] == pytest.approx(-np.log(1 - share))
    assert curve[1:-1, 1] == pytest.approx(-np.log(share))
    # exp(-5 * -log x) = x^5: the area under ((1 - t)^5, t^5) is a beta integral, 5 B(6, 5) = 1 / 252.
    fine = frontier(np.array([1.0, 0.0]), np.array([0.0, 1.0]), points=2000)
    assert area(fine) == pytest.approx(1 / 252, rel=1e-3)


def test_clouds_apart_score_less_than_clouds_that_meet() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(400, 4)), draw.normal(size=(400, 4))
    near = mauve(first, second, 20, 0)
    assert near > 0.9
    assert mauve(first, second + 1, 20, 0) < near - 0.2
    assert mauve(first, second + 20, 20, 0) < 0.05
