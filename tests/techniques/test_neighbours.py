"""k-nearest neighbours against the brute-force twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from lookalike.core.errors import DataError
from lookalike.techniques import neighbours
from lookalike.techniques.neighbours import count_within, k_nearest, radii


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_QUERY_BLOCK", 7)
    monkeypatch.setattr(neighbours, "_REFERENCE_BLOCK", 11)
    monkeypatch.setattr(neighbours, "_PAIR_BYTES", 1 << 10)


def _twin(query: np.ndarray, reference: np.ndarray, k: int, exclude_self: bool = False) -> np.ndarray:
    distance = cdist(query, reference)
    if exclude_self:
        np.fill_diagonal(distance, np.inf)
    return np.sort(distance, axis=1)[:, :k]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000), n=st.integers(1, 25), m=st.integers(1, 40), d=st.integers(1, 9), levels=st.integers(1, 5)
)
def test_equals_brute_force_with_many_ties(seed: int, n: int, m: int, d: int, levels: int) -> None:
    r = np.random.default_rng(seed)
    query, reference = r.integers(0, levels, (n, d)).astype(float), r.integers(0, levels, (m, d)).astype(float)
    k = int(r.integers(1, m + 1))
    distance, index = k_nearest(query, reference, k)
    np.testing.assert_allclose(distance, _twin(query, reference, k), atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(cdist(query, reference), index, axis=1), distance, atol=1e-12)
    assert all(len(set(row)) == k for row in index.tolist())


def test_self_is_excluded_but_an_equal_row_is_not() -> None:
    x = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)
    x[17] = x[3]
    distance, index = k_nearest(x, x, 4, exclude_self=True)
    np.testing.assert_allclose(distance, _twin(x.astype(float), x.astype(float), 4, exclude_self=True), rtol=1e-12)
    assert not (index == np.arange(30)[:, None]).any()
    assert (index[3, 0], index[17, 0], distance[3, 0]) == (17, 3, 0.0)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_near_identical_rows_keep_their_distance_and_order(offset: float) -> None:
    """float32 products cannot see these gaps: |x|^2 is 10^10 times larger than the squared distances."""
    r = np.random.default_rng(1)
    base = offset + r.standard_normal(64)
    steps = np.concatenate([np.arange(30)[::-1] * 1e-4, [5.0, 6.0]])
    reference = base + steps[:, None] * np.eye(64)[0]
    distance, index = k_nearest(base[None], reference, 5)
    np.testing.assert_array_equal(index[0], [29, 28, 27, 26, 25])
    np.testing.assert_allclose(distance[0], np.arange(5) * 1e-4, atol=1e-10)
    assert distance[0, 0] == 0


def test_near_identical_rows_far_from_the_centre_are_searched_again() -> None:
    """Taking the mean away does not help two clusters that lie far apart: float32 sees all rows of one as equal."""
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(40)
        reference = np.zeros((80, 4))
        reference[:40, 0], reference[40:, 0] = 1e3, -1e3
        reference[:, 1] = np.tile(order * 1e-3, 2)
        distance, index = k_nearest(np.array([[1e3, 0.0, 0.0, 0.0]]), reference, 4)
        np.testing.assert_array_equal(index[0], np.argsort(order)[:4])
        np.testing.assert_allclose(distance[0], np.arange(4) * 1e-3, atol=1e-12)


def test_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    r = np.random.default_rng(2)
    query, reference = r.standard_normal((20, 6)), r.standard_normal((50, 6))
    small = k_nearest(query, reference, 3)
    monkeypatch.setattr(neighbours, "_QUERY_BLOCK", 1024)
    monkeypatch.setattr(neighbours, "_REFERENCE_BLOCK", 8192)
    large = k_nearest(query, reference, 3)
    np.testing.assert_array_equal(small[0], large[0])
    np.testing.assert_array_equal(small[1], large[1])


def test_radii_of_copies_are_zero() -> None:
    x = np.repeat(np.random.default_rng(3).standard_normal((5, 3)), 4, axis=0)
    assert (radii(x, 3) == 0).all()
    assert (radii(x, 4) > 0).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), levels=st.integers(1, 4))
def test_count_within_equals_brute_force(seed: int, levels: int) -> None:
    r = np.random.default_rng(seed)
    query, reference = r.integers(0, levels, (23, 3)) / 3, r.integers(0, levels, (31, 3)) / 3
    radius = radii(reference, 3)
    pairs = np.sqrt(((query[:, None] - reference[None]) ** 2).sum(axis=2))
    np.testing.assert_array_equal(count_within(query, reference, radius), (pairs <= radius).sum(axis=1))


def test_the_boundary_belongs_to_the_ball() -> None:
    """A row at exactly the k-th distance is inside: exact copies of a set must all be inside its own balls."""
    x = np.random.default_rng(4).standard_normal((40, 8)).astype(np.float32)
    radius = radii(x, 1)
    _, nearest = k_nearest(x, x, 1, exclude_self=True)
    for row in range(40):
        assert count_within(x[nearest[row]], x[[row]], radius[[row]])[0] == 1
    assert (count_within(np.repeat(x, 2, axis=0), np.repeat(x, 2, axis=0), np.zeros(80)) == 2).all()


def test_no_query_rows() -> None:
    distance, index = k_nearest(np.zeros((0, 3)), np.zeros((4, 3)), 2)
    assert distance.shape == index.shape == (0, 2)


@pytest.mark.parametrize(
    ("query", "reference", "k", "exclude", "words"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), 1, False, "equal D"),
        (np.zeros((2, 3)), np.zeros((0, 3)), 1, False, "at least 1"),
        (np.zeros((2, 3)), np.zeros((2, 3)), 3, False, r"1\.\.2"),
        (np.zeros((2, 3)), np.zeros((2, 3)), 2, True, r"1\.\.1"),
        (np.zeros((2, 3)), np.zeros((3, 3)), 1, True, "one set of rows"),
        (np.full((2, 3), np.nan), np.zeros((3, 3)), 1, False, "not finite"),
    ],
)
def test_bad_input(query: np.ndarray, reference: np.ndarray, k: int, exclude: bool, words: str) -> None:
    with pytest.raises(DataError, match=words):
        k_nearest(query, reference, k, exclude_self=exclude)
