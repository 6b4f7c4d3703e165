"""Train and holdout, against a brute-force count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.data.split import shared_rows, split


def labelled(counts: list[int]) -> Images:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return Images(
        np.zeros((len(labels), 1, 1, 1), np.uint8), labels, image_schema(1, 1, 1, [str(k) for k in range(len(counts))])
    )


@given(st.lists(st.integers(2, 30), min_size=1, max_size=6), st.floats(0.01, 0.99), st.integers(0, 9))
def test_every_row_once_and_every_class_on_both_sides(counts: list[int], share: float, seed: int) -> None:
    data = labelled(counts)
    train, holdout = split(data, share, Rng(seed))
    assert sorted([*train, *holdout]) == list(range(len(data)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(holdout) > 0).all()
    held = np.bincount(data.labels[holdout], minlength=len(counts))
    for got, count in zip(held, counts, strict=True):
        assert 1 <= got <= count - 1
        assert abs(got - share * count) <= 1
    # Only classes that the limits touched may move the total.
    if all(1 <= np.floor(share * c) and np.ceil(share * c) <= c - 1 for c in counts):
        assert held.sum() == round(float(sum(share * c for c in counts)))


def test_the_choice_is_keyed_and_spread() -> None:
    data = labelled([50, 50])
    first = split(data, 0.2, Rng(0))[1]
    assert (first == split(data, 0.2, Rng(0))[1]).all()
    assert not (first == split(data, 0.2, Rng(1))[1]).all()
    seen = np.zeros(100)
    for seed in range(300):
        seen[split(data, 0.2, Rng(seed))[1]] += 1
    # Binomial(300, .2) has mean 60 and deviation 7.
    assert 30 < seen.min() < seen.max() < 95


def test_a_share_of_zero_holds_out_nothing() -> None:
    train, holdout = split(labelled([1, 3]), 0, Rng(0))
    assert train.tolist() == [0, 1, 2, 3]
    assert holdout.shape == (0,)
    assert holdout.dtype == np.int64


@pytest.mark.parametrize(("counts", "share"), [([1, 5], 0.2), ([0, 5], 0.5), ([5, 5], 1.0), ([5, 5], -0.1)])
def test_an_impossible_split_says_so(counts: list[int], share: float) -> None:
    with pytest.raises(DataError, match="impossible split"):
        split(labelled(counts), share, Rng(0))


def test_shared_rows_counts_copies_in_the_holdout(some: Any) -> None:
    data = some(10)
    assert shared_rows(data.take(np.arange(5)), data.take(np.arange(5, 10))) == 0
    # Rows 1 and 1 and 2 of the holdout are in train; a copy within train changes nothing.
    assert shared_rows(data.take(np.array([1, 1, 2, 3])), data.take(np.array([1, 1, 2, 9]))) == 3
