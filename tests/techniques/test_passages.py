"""Passages hold every word of a document once, in order, and are never too long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lookalike.techniques.passages import passages_of


@given(st.text(alphabet="abc .!\n", max_size=300), st.integers(1, 40))
def test_nothing_is_lost_and_nothing_too_long(document: str, longest: int) -> None:
    parts = passages_of(document, longest)
    assert all(0 < len(part) <= longest for part in parts)
    assert "".join("".join(part.split()) for part in parts) == "".join(document.split())


def test_cuts_lie_between_sentences() -> None:
    assert passages_of("One is short. Two is too.\nThree ends.", 26) == ["One is short. Two is too.", "Three ends."]
