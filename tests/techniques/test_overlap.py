"""ROUGE-L against the textbook recursion; quotations are found whatever case and white space."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.techniques.overlap import place_of, rouge_l, words_of


def _slow(a: list[str], b: list[str]) -> int:
    @cache
    def common(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return 0
        return 1 + common(i + 1, j + 1) if a[i] == b[j] else max(common(i + 1, j), common(i, j + 1))

    return common(0, 0)


WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


@given(WORDS, WORDS)
def test_rouge_l_is_the_textbook_one(a: list[str], b: list[str]) -> None:
    expected = 2 * _slow(a, b) / (len(a) + len(b)) if a or b else 0.0
    assert rouge_l(" ".join(a), " ".join(b)) == pytest.approx(expected)


def test_words_are_told_apart_by_letters_alone() -> None:
    assert words_of("Don't, STOP 3x") == ["don", "t", "stop", "3x"]
    assert rouge_l("Hello, World", "hello world!") == 1.0


@given(st.text(alphabet="ab .*(\n", min_size=1), st.text(alphabet="ab .*(\n"), st.text(alphabet="ab .*(\n"))
def test_a_quotation_is_found_where_it_stands(quotation: str, before: str, after: str) -> None:
    found = place_of(quotation, before + quotation + after)
    assert (found is None) == (not quotation.strip())
    if found:
        assert (before + quotation + after)[slice(*found)].split() == quotation.split()


def test_other_words_are_not_found() -> None:
    assert place_of("two dogs", "two big dogs") is None
