"""Names of keys are told from others, and values that nearly name the rows by how often they come."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lookalike.data.facts import Facts
from lookalike.data.keynames import (
    called_like_a_key,
    called_like_an_index,
    given_out,
    mostly_single,
    new_form,
    single_rows,
)


@pytest.mark.parametrize(
    ("name", "key", "index"),
    [
        ("user_id", True, False), ("orderNo", True, False), ("zip-code", True, False), ("e-mail", True, False),
        ("account number", True, False), ("Kundennummer", True, False), ("index", False, True), ("no", False, True),
        ("code", False, True), ("paid", False, False), ("casino", False, False), ("education-num", False, False),
        ("number of children", False, False), ("zipcode", False, False),
    ],
)  # fmt: skip
def test_names_of_keys(name: str, key: bool, index: bool) -> None:
    assert (called_like_a_key(name), called_like_an_index(name)) == (key, index)


@pytest.mark.parametrize(
    ("values", "single", "mostly"),
    [
        (["a"], 1, False),
        (["a", "b"], 2, True),
        (["a", "b", "b", "a"], 0, False),
        (["a", "b", "c", "c", "c", "c"], 2, False),
        (["a", "b", "c", "c", "c"], 2, False),
        (["a", "b", "c", "d", "d"], 3, True),
        ([str(k // 2) for k in range(102)], 0, True),
        ([str(k // 2) for k in range(100)], 0, False),
    ],
)
def test_values_of_single_rows(values: list[str], single: int, mostly: bool) -> None:
    facts = Facts("x")
    facts.add(pa.array(values, pa.large_string()))
    assert (single_rows(facts), mostly_single(facts)) == (single, mostly)


def test_new_keys_have_the_form_of_their_type() -> None:
    facts = Facts("x")
    facts.add(pa.array([str(k) for k in range(300, 320)], pa.large_string()))
    assert [new_form(facts, stored) for stored in ("int64", "int8", "")] == ["{320..999}", "", "{320..999}"]
    facts.add(pa.array([str(2**60)], pa.large_string()))
    assert new_form(facts, "int64") == ""


@pytest.mark.parametrize(
    ("single", "told"),
    [
        (0, ""),
        (1, "; 1 of its values belongs to one row: it may be given out"),
        (3, "; 3 of its values belong to one row each: they may be given out"),
    ],
)
def test_values_of_one_row_are_told_in_large_tables_too(single: int, told: str) -> None:
    facts = Facts("x")
    facts.add(pa.array(["a", "b"] * 400 + [f"code {k}" for k in range(single)], pa.large_string()))
    assert given_out(facts) == told
