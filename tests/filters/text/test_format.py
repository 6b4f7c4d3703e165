"""Texts without the asked form go, each with its reason."""

from __future__ import annotations

import time

import pytest

from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.format import Format

SCHEMA = text_schema(["good", "bad"])


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("one two", {"min_words": 3}, "fewer than 3 words"),
        ("one two", {"max_words": 1}, "more than 1 words"),
        ("x" * 11, {"max_characters": 10}, "more than 10 characters"),
        (" GOOD: it is", {}, "its label in front"),
        ("good: it is", {"label_first": False}, ""),
        ("As an AI, I", {"without": ("as an ai",)}, "a part that no text may hold"),
        ("I love [product name]", {}, "a left-over blank"),
        ("I love <brand> a lot", {}, "a left-over blank"),
        ("see note [1] and x < y > z", {}, ""),
        ("I love [product name]", {"blanks": False}, ""),
        ("", {"min_words": 0}, ""),
    ],
)
def test_reasons(text: str, options: dict[str, object], reason: str) -> None:
    found = Format(**options).select(Corpus.of([text], [0], SCHEMA), None, Rng(0))
    assert found.reasons == ({0: f"format: {reason}"} if reason else {})


def test_a_megabyte_of_brackets_takes_no_time() -> None:
    started = time.monotonic()
    Format(max_characters=10**7).select(Corpus.of(["[a " * 350_000], [0], SCHEMA), None, Rng(0))
    assert time.monotonic() - started < 2
