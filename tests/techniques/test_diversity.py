"""Farthest points against a brute-force twin and the bound of the paper."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from lookalike.techniques.diversity import farthest_points


def test_each_point_is_the_farthest_from_those_before() -> None:
    x_ND = np.random.default_rng(0).standard_normal((40, 3))
    chosen = farthest_points(x_ND, 10).tolist()
    assert len(set(chosen)) == 10
    for number in range(1, 10):
        nearest = np.linalg.norm(x_ND[:, None] - x_ND[chosen[:number]][None], axis=2).min(axis=1)
        assert np.isclose(nearest[chosen[number]], nearest.max())


def test_the_radius_is_at_most_twice_the_best() -> None:
    x_ND = np.random.default_rng(1).standard_normal((14, 2))

    def radius(chosen: list[int]) -> float:
        return float(np.linalg.norm(x_ND[:, None] - x_ND[chosen][None], axis=2).min(axis=1).max())

    best = min(radius(list(some)) for some in combinations(range(14), 3))
    assert radius(farthest_points(x_ND, 3).tolist()) <= 2 * best


def test_few_and_equal_rows() -> None:
    assert farthest_points(np.zeros((3, 2)), 5).tolist() == [0, 1, 2]
    assert farthest_points(np.zeros((0, 2)), 5).tolist() == []
