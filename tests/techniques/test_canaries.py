"""Ranks against brute force, exposure at its ends and by chance, secrets that do not repeat."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.rng import Rng
from lookalike.techniques.canaries import Canaries, exposure, ranks, secrets, sentence

_FEW = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=12)


@given(_FEW, st.lists(st.integers(0, 4).map(float), max_size=12))
def test_a_rank_counts_those_above_and_half_of_those_equal(values: list[float], others: list[float]) -> None:
    by_hand = [1 + sum(o > v for o in others) + sum(o == v for o in others) / 2 for v in values]
    assert ranks(np.array(values), np.array(others)).tolist() == by_hand


def test_exposure_runs_from_nothing_to_all_bits() -> None:
    assert exposure(np.array([1.0, 2.0, 512.0]), 512).tolist() == [9.0, 8.0, 0.0]


def test_by_chance_exposure_is_the_log_of_e() -> None:
    every = exposure(np.arange(1.0, 4097.0), 4096)
    assert every.mean() == pytest.approx(math.log2(math.e), abs=0.01)


def test_all_alike_is_one_bit() -> None:
    assert exposure(ranks(np.zeros(1), np.zeros(1023)), 1024)[0] == pytest.approx(1, abs=0.01)


def test_secrets_are_keyed_and_differ() -> None:
    drawn = secrets(500, Rng(0))
    assert drawn == secrets(500, Rng(0))
    assert len(set(drawn)) == 500
    assert {len(one) for one in drawn} == {9}
    assert drawn != secrets(500, Rng(1))
    # The same key draws the same numbers again, and each of them is refused.
    assert not set(secrets(500, Rng(0), besides=drawn)) & set(drawn)


def test_what_is_planted_comes_back_from_a_file() -> None:
    planted = Canaries.plant(3, 4, 1, Rng(0))
    assert Canaries.read(planted.saved()) == planted
    assert len(planted.controls) == 3
    assert not set(planted.controls) & set(planted.inserted)
    assert sorted(planted.planted()) == sorted([sentence(one) for one in planted.inserted] * 4)


@pytest.mark.parametrize(
    ("text", "shows"),
    [
        ("0 1 2 3 4 5 6 7 8", True),
        ("call 012-345-678 now", True),
        ("it is 012345678.", True),
        ("my  SPARE locker\nopens with a key", True),
        ("the spare lockers are new", True),
        ("a spare key for the locker", False),
        ("0 1 2 3 4 5 6 7 9", False),
        ("876543210", False),
        ("", False),
    ],
)
def test_a_planted_number_is_seen_however_it_is_written(text: str, shows: bool) -> None:
    assert Canaries(("012345678",), ("876543210",), 1, 0).shows_in(text) is shows
