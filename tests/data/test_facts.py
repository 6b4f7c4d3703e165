"""Figures of cells, counted in batches, are those of all cells at once, by brute force."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from functools import reduce

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.data.facts import Facts


def counted(words: list[str], size: int) -> Facts:
    found = Facts("x")
    for start in range(0, len(words), size):
        found.add(pa.array(words[start : start + size], pa.large_string()))
    found.close()
    return found


NUMBER = st.builds(
    lambda units, digits: f"{Decimal(units).scaleb(-digits):.{digits}f}",
    st.integers(-(10**6), 10**6),
    st.integers(0, 4),
)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(NUMBER, min_size=1, max_size=12), size=st.integers(1, 5))
def test_digits_and_steps(words: list[str], size: int) -> None:
    numbers = counted(words, size).numbers
    digits = [len(word.partition(".")[2]) for word in words]
    assert (numbers.decimals, numbers.fewest) == (max(digits), min(digits))
    assert (numbers.low, numbers.high) == (min(map(float, words)), max(map(float, words)))
    units = [int(abs(Fraction(word)) * 10 ** max(digits)) for word in words]
    assert numbers.step == reduce(math.gcd, units)
    assert numbers.padded == any(count >= 2 and word.endswith("0") for word, count in zip(words, digits, strict=True))


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.sampled_from(["a", "b c", "12", "x y z", "-3"]), min_size=1), size=st.integers(1, 5))
def test_values_and_lengths(words: list[str], size: int) -> None:
    found = counted(words, size)
    assert found.levels == Counter(words)
    assert found.repeated == len(words) - len(set(words))
    assert (found.characters, found.spaces) == (sum(map(len, words)), sum(word.count(" ") for word in words))
    odd = [place for place, word in enumerate(words, 1) if word not in ("12", "-3")]
    assert found.odd == (odd[0] if odd else 0)
