"""Ways of writing numbers that digits after the point do not say: signs, exponents, significant digits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.data.digits import Numbers, way_of_digits, write_way


def numbers(words: list[str]) -> Numbers:
    found = Numbers()
    found.add(pa.array(words, pa.large_string()), np.ones(len(words), dtype=np.int64))
    return found


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (["1e3", "2.5e4"], "e1.1"),
        (["1E+03", "2.25E-04"], "E+2.2"),
        (["1e3", "25"], ""),
        (["1e3", "1E4"], ""),
        (["43.2", "0.0704"], "general3"),
        (["43.2", "0.704"], "general3"),
        (["10.125", "1.5"], ""),
        (["12.50", "0.0704"], ""),
        (["4,3", "1e3"], ""),
    ],
)
def test_ways(words: list[str], way: str) -> None:
    plain = [word.replace(",", ".") for word in words]
    assert way_of_digits(words, numbers(plain)) == way
    if way:
        assert write_way(np.array([float(word) for word in words]), way) == words
    assert write_way(np.zeros(1), "fixed") is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=9), st.integers(2, 5))
def test_significant_digits_come_back(values: list[float], digits: int) -> None:
    words = [f"{value:.{digits}g}" for value in values]
    way = way_of_digits(words, numbers(words))
    if way:
        assert write_way(np.array([float(word) for word in words]), way) == words


def test_signs() -> None:
    found = [numbers(words) for words in (["+5", "-3", "0"], ["+5", "3"], ["-1"])]
    assert [(one.plus, one.unsigned) for one in found] == [(True, False), (True, True), (False, False)]
