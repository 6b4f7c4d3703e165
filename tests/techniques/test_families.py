"""How alike siblings are: by plain loops, and where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.techniques.families import likeness, sums_of_codes, sums_of_numbers


def families(seed: int, shared: float, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of which siblings share a part of the variance, and the family of each."""
    draw = np.random.default_rng(seed)
    owner = np.repeat(np.arange(n), draw.integers(0, 8, n))
    own, all_ = draw.normal(size=len(owner)), draw.normal(size=n)
    return np.sqrt(shared) * all_[owner] + np.sqrt(1 - shared) * own, owner


@pytest.mark.parametrize("shared", [0.0, 0.4, 0.9])
def test_the_likeness_of_numbers_is_what_siblings_share(shared: float) -> None:
    values, owner = families(0, shared)
    found, beside = likeness(sums_of_numbers(values, owner, 400, 0.0)[:, None])
    assert abs(found[0] - shared) < 0.08
    assert abs(beside[0] - shared) < 0.08


def test_equal_siblings_are_all_alike_and_single_ones_say_nothing() -> None:
    owner = np.array([0, 0, 1, 1])
    assert likeness(sums_of_numbers(np.array([1.0, 1, 3, 3]), owner, 2, 2.0)[:, None])[0].tolist() == [1]
    assert likeness(sums_of_codes(np.array([0, 0, 1, 1]), owner, 2, np.array([0.5, 0.5]))[:, None])[0].tolist() == [1]
    assert likeness(sums_of_numbers(np.array([1.0, 3]), np.array([0, 1]), 2, 2.0)[:, None])[0].tolist() == [0]
    assert likeness(sums_of_numbers(np.array([2.0, 2]), np.array([0, 0]), 1, 2.0)[:, None])[0].tolist() == [0]


def test_sums_are_those_of_plain_loops() -> None:
    draw = np.random.default_rng(1)
    owner = np.repeat(np.arange(6), [3, 0, 1, 5, 2, 0])
    values = np.where(draw.random(11) < 0.2, np.nan, draw.normal(size=11))
    codes, share = draw.integers(0, 3, 11), np.array([0.5, 0.3, 0.2])
    corners = np.eye(3)[codes]
    numbers, categories = sums_of_numbers(values, owner, 6, 0.3), sums_of_codes(codes, owner, 6, share)
    for family in range(6):
        own = values[owner == family]
        own = own[~np.isnan(own)]
        within = ((own - own.mean()) ** 2).sum() if len(own) else 0
        steps = (np.diff(own) ** 2).sum() / 2
        expected = [within, max(len(own) - 1, 0), steps, ((own - 0.3) ** 2).sum(), len(own)]
        np.testing.assert_allclose(numbers[family], expected, atol=1e-12)
        rows = corners[owner == family]
        within = ((rows - rows.mean(axis=0)) ** 2).sum() if len(rows) else 0
        steps = (np.diff(rows, axis=0) ** 2).sum() / 2
        expected = [within, max(len(rows) - 1, 0), steps, ((rows - share) ** 2).sum(), len(rows)]
        np.testing.assert_allclose(categories[family], expected, atol=1e-12)
