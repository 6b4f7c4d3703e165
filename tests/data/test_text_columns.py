"""Which column holds the texts and which the labels: by name, by content, with alternatives, or none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.data.text_columns import MOST_LABELS, choose_label, choose_text, facts_of

WORDS = "one two three four five six seven eight nine ten".split()


def long(row: int, words: int = 12) -> str:
    return " ".join(WORDS[(row * 7 + place * place) % 10] for place in range(words)) + f" {row}"


def choose(rows: int = 40, **columns: Any) -> tuple[Any, Any]:
    """Return both choices for columns that are given as functions of the row."""
    records = [{name: make(row) for name, make in columns.items()} for row in range(rows)]
    count, found = facts_of(records)
    text = choose_text(count, found)
    return text, choose_label(count, found, text.name)


def test_usual_names_are_believed_whatever_their_case() -> None:
    text, label = choose(
        Title=lambda row: long(row, 4), Review=long, Stars=lambda row: row % 5, shop=lambda row: row % 2
    )
    assert (text.name, text.why, text.others) == ("Review", "by its name", ("Title",))
    assert (label.name, label.why, label.others) == ("Stars", "by its name", ("shop",))


def test_other_names_are_found_by_what_they_hold() -> None:
    text, label = choose(
        id=lambda row: f"a{row}", said=long, about=lambda row: "ab"[row % 2], place=lambda row: "abc"[row % 3]
    )
    assert (text.name, text.why, text.others) == ("said", "it holds the longest texts", ())
    assert (label.name, label.why, label.others) == ("about", "its 2 values repeat", ("place",))


def test_a_usual_name_with_short_cells_gives_way_to_much_longer_texts() -> None:
    text, _ = choose(text=lambda row: f"part {row}", story=lambda row: long(row, 60))
    assert (text.name, text.others) == ("story", ("text",))


def test_single_words_under_a_usual_name_are_texts_but_numbers_are_not() -> None:
    assert choose(text=lambda row: f"word{row}")[0].name == "text"
    text, _ = choose(content=lambda row: row * 1.5, note=long)
    assert (text.name, text.others) == ("note", ())


def test_scripts_without_spaces_are_texts() -> None:
    assert choose(id=lambda row: f"{row:032x}", a=lambda row: "这部电影非常好看我很喜欢" + str(row))[0].name == "a"


@pytest.mark.parametrize(
    "make",
    [
        lambda row: row,
        lambda row: f"{row:032x}",
        lambda row: '{"a": "one two three"}' + str(row),
        lambda row: "always the same words",
        lambda row: long(row) if row < 10 else "",
        lambda row: None,
    ],
)
def test_columns_that_are_no_texts(make: Any) -> None:
    text, _ = choose(a=make)
    assert (text.name, text.why) == ("", "no column holds texts of several words")


@pytest.mark.parametrize(
    "make",
    [
        lambda row: "same",
        lambda row: row,
        lambda row: "ab"[row % 2] if row < 10 else None,
        lambda row: f"once {row}" if row < 2 else "ab"[row % 2],
        lambda row: "x" * 70 + str(row % 2),
        lambda row: row % (MOST_LABELS + 1),
    ],
)
def test_columns_that_are_no_labels(make: Any) -> None:
    _, label = choose(2000 if make(150) == 150 % (MOST_LABELS + 1) else 40, text=long, other=make)
    assert label.name == ""
    assert label.why == "no other column has 2 to 100 short values that repeat"


@given(st.lists(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(), max_size=4), max_size=30))
def test_any_records_are_looked_at_without_a_crash(records: list[dict[str, Any]]) -> None:
    rows, found = facts_of(records)
    text = choose_text(rows, found)
    label = choose_label(rows, found, text.name)
    assert not text.name or text.name in found
    assert not label.name or label.name != text.name
    assert all(facts.told() for facts in found.values())


def test_what_columns_hold_is_told_in_words() -> None:
    count, found = facts_of(
        {"a": long(row), "b": row, "c": row % 2, "d": None, "e": "[1]", "f": f"w{row}"} for row in range(40)
    )
    assert {name: facts.told() for name, facts in found.items()} == {
        "a": "texts of 13 words",
        "b": "numbers",
        "c": "2 values",
        "d": "empty",
        "e": "lists or objects",
        "f": "single words",
    }
    assert count == 40
