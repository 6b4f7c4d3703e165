"""What makes a text unusable, and what is cleaned."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lookalike.data.texts import clean, fault_of, lone_surrogate


@given(st.text(alphabet=st.characters(codec=None)))
def test_a_usable_text_can_be_stored(text: str) -> None:
    if not fault_of(text, 10):
        assert text.encode().decode() == text
        assert "\0" not in text
        assert 1 <= len(text) <= 10
    assert not lone_surrogate(clean(text))
    assert "\0" not in clean(text)


def test_other_types_are_named() -> None:
    assert fault_of(None, 5) == "has no text"
    assert fault_of(3, 5) == "holds int, not a text"
