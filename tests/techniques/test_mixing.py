"""Mixes come equally often for every label, given values are kept, and groups hold every row once."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.rng import Rng
from lookalike.techniques.mixing import mixes_of, seeds_in_turn, together


def test_every_mix_comes_equally_often_for_every_label() -> None:
    labels = np.arange(24) % 2
    mixes = mixes_of({"tone": ["a", "b"], "size": ["s", "m"]}, labels, Rng(0))
    counts = Counter((label, *mix.values()) for label, mix in zip(labels.tolist(), mixes, strict=True))
    assert set(counts.values()) == {3}
    assert len(counts) == 8


def test_given_values_are_kept_and_the_rest_takes_turns() -> None:
    mixes = mixes_of({"tone": ["a", "b"], "size": ["s", "m"]}, np.zeros(4, np.int64), Rng(0), {"tone": list("abab")})
    assert [list(mix) for mix in mixes] == [["tone", "size"]] * 4
    assert [mix["tone"] for mix in mixes] == list("abab")
    assert Counter(mix["size"] for mix in mixes) == {"s": 2, "m": 2}


@given(st.lists(st.integers(0, 2), max_size=30), st.integers(1, 5))
def test_groups_hold_every_row_once_and_share_a_label(labels: list[int], most: int) -> None:
    groups = together(np.array(labels, dtype=np.int64), [{}] * len(labels), most)
    assert sorted(row for group in groups for row in group) == list(range(len(labels)))
    assert all(len(group) <= most and len({labels[row] for row in group}) == 1 for group in groups)


def test_seeds_take_turns_within_their_label() -> None:
    labels = np.array([0, 1, 0, 0, 1, 0, 0], dtype=np.int64)
    seeds = seeds_in_turn(np.array([1, 0, 0, 1, 0]), labels, Rng(0))
    assert [np.array([1, 0, 0, 1, 0])[place] for place in seeds] == labels.tolist()
    first = [seed for seed, label in zip(seeds, labels, strict=True) if label == 0]
    assert sorted(first[:3]) == [1, 2, 4]
