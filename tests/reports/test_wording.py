from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.reports import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.12, "1.12"), (96.4, "96.4"), (999.6, "1,000"), (-0.0003, "−0.000300"), (123456, "123,000"),
     (None, "–"), (float("nan"), "–"), (float("inf"), "–"), (True, "–"), ("3", "–")],
)  # fmt: skip
def test_figures_have_three_digits(value: object, text: str) -> None:
    assert wording.figure(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_figure_shows_more_than_three_digits_that_matter(value: float) -> None:
    text = wording.figure(value).split("\u202f")[0]
    digits = re.sub(r"[^0-9]", "", text).lstrip("0")
    assert len(digits.rstrip("0")) <= 4  # rounding 9.999 up gives 10.00


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.97, "97.0\u202f%"), (1.0, "100\u202f%"), (0.0123, "1.2\u202f%"), (0.0007, "0.07\u202f%"), (0, "0\u202f%"),
     (-0.02, "−2.0\u202f%"), (None, "–"), (1e-9, "0\u202f%")],
)  # fmt: skip
def test_shares_are_written_in_per_cent(share: object, text: str) -> None:
    assert wording.percent(share) == text


def test_signed_shares_say_plus() -> None:
    assert wording.percent(0.007, signed=True) == "+0.7\u202f%"


def test_intervals_say_their_unit_once() -> None:
    assert wording.interval([0.9, 0.923], "share") == "90.0 to 92.3\u202f%"
    assert wording.interval([1, 2], "") == "1.00 to 2.00"
    for bad in (None, [], [1], [None, 2], [float("nan"), 1]):
        assert wording.interval(bad, "share") == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.172, "172 ms"), (38.6, "38.6 s"), (59.9, "59.9 s"), (141.2, "2 min 21 s"), (3700, "1 h 2 min"), (None, "–")],
)  # fmt: skip
def test_times_suit_their_size(seconds: object, text: str) -> None:
    assert wording.duration(seconds).replace("\u202f", " ") == text


@pytest.mark.parametrize(("size", "text"), [(9, "9 bytes"), (182_333, "182 kB"), (2e9, "2.00 GB"), (None, "–")])
def test_sizes(size: object, text: str) -> None:
    assert wording.size(size).replace("\u202f", " ") == text


def test_lists_read_as_a_sentence() -> None:
    assert wording.words(["a", "b", "c"]) == "a, b and c"
    assert wording.words(["a"]) == "a"
    assert wording.words([]) == ""
