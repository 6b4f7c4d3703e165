"""Numbers with marks are told apart over the whole column, whatever its batches, and written back as they stood."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.data.declared import Declared
from lookalike.data.facts import Facts
from lookalike.data.formats import read_numbers, write_numbers
from lookalike.data.infer import Inferred, infer
from lookalike.data.marks import Look, way_and_look


def looked(words: list[str], size: int = 100, name: str = "x", **declared: object) -> Inferred:
    known = Declared.model_validate(declared)
    facts = Facts(name, marked=known.marked)
    for start in range(0, len(words), size):
        facts.add(pa.array(words[start : start + size], pa.large_string()))
    facts.close()
    return infer(facts, known)


def back(words: list[str], found: Inferred) -> list[str]:
    values = read_numbers(pa.array(words, pa.large_string()), found.column).to_numpy()
    return write_numbers(values, found.column)


@pytest.mark.parametrize(
    ("words", "kind", "stored", "value"),
    [
        (["739,19", "5,20", "739,19"], "number", "fixed 1234,5", 739.19),
        (["15.271,10", "5,20", "-1.000.000,00"], "number", "fixed 1.234,5", 15271.1),
        (["1,200", "950", "1,000,000"], "integer", "fixed 1,234.5", 1200),
        (["1,200.5", "950.0", "12.5"], "number", "point 1,234.5", 1200.5),
        (["1 200", "950"], "integer", "fixed 1 234.5", 1200),
        (["1'200.50", "950.00"], "number", "fixed 1'234.5", 1200.5),
        (["1\u202f200,5", "950,0"], "number", "point 1\u202f234,5", 1200.5),
        (["12.3 %", "0.5 %"], "number", "point 1234.5 %", 12.3),
        (["66%", "7%"], "integer", "fixed 1234.5%", 66),
        (["EUR 5.20", "EUR 12.00"], "number", "fixed EUR 1234.5", 5.2),
        (["€7,50", "€5,00"], "number", "fixed €1234,5", 7.5),
        (["-$7.50", "$5.00", "$12.00"], "number", "fixed -$1234.5", -7.5),
        (["€ -7.50", "€ 5.00"], "number", "fixed € 1234.5", -7.5),
        (["5.8 kg", "12 kg"], "number", "short 1234.5 kg", 5.8),
        (["3 m2", "12 m2"], "integer", "fixed 1234.5 m2", 3),
        (["1.200 €", "950 €", "2.500 €"], "integer", "fixed 1.234,5 €", 1200),
        (["100,000,000", "250,000,000"], "integer", "fixed 1,234.5", 100_000_000),
        (["+5", "-3", "0", "+12"], "integer", "fixed +1234.5", 5),
        (["+5,50 %", "-3,25 %"], "number", "fixed +1234,5 %", 5.5),
        (["1e3", "2.5e4", "-1e-7"], "number", "e1.1", 1000),
        (["1.50E+10", "2.25E+04"], "number", "", 1.5e10),
        (["1.5E+10", "2.25E+04"], "number", "E+2.2", 1.5e10),
        (["43.2", "0.0704", "1.16e+04"], "number", "general3", 43.2),
        (["0.00123", "12.3", "-99"], "number", "general3", 0.00123),
        (["1.5", "2", "3"], "number", "short", 1.5),
        (["1,5", "2", "3"], "number", "short 1234,5", 1.5),
    ],
)
def test_marks_are_seen_and_written_back(words: list[str], kind: str, stored: str, value: float) -> None:
    for size in (1, 2, 100):
        column = looked(words, size).column
        assert column.kind == kind
        assert column.stored == stored or not stored
    assert read_numbers(pa.array(words[:1]), column).to_pylist() == [value]
    assert back(words, looked(words)) == words or not stored


@pytest.mark.parametrize(
    "words",
    [
        ["12 kg", "12"],
        ["12 kg", "12 g"],
        ["1,2,3", "1,200"],
        ["1,20", "1.20"],
        ["A100", "A200", "A100"],
        ["1000-DE", "2000-DE", "1000-DE"],
        ["192.168.0.1", "10.0.0.1"],
        ["555 123 456", "555 123 457"],
        ["12:15", "16:49", "12:15"],
        ["#5", "#6", "#5"],
        ["1000A", "1001A", "1002A"],
        ["01,5", "02,5"],
    ],
)
def test_what_is_no_number(words: list[str]) -> None:
    assert looked(words * 2 if len(words) < 3 else words).column.kind not in ("number", "integer")


def test_what_could_be_read_in_two_ways_is_told_and_declared() -> None:
    words = ["1,200", "2,500", "9,125"]
    found = looked(words)
    assert found.column.stored == "fixed 1,234.5"
    assert found.reason.endswith("; , is taken to stand between thousands: set decimal: ',' if that is wrong")
    told = looked(words, decimal=",")
    assert (told.column.kind, told.column.decimals, told.column.stored) == ("number", 3, "fixed 1234,5")
    points = looked(["1.200", "2.500", "9.125"])
    assert (points.column.decimals, points.column.stored) == (3, "fixed")
    assert points.reason.endswith("; . is taken to be the decimal mark: set decimal: ',' if that is wrong")
    declared = looked(["1.200", "2.500", "9.125"], decimal=",").column
    assert (declared.kind, declared.stored) == ("integer", "fixed 1.234,5")
    assert ";" not in looked(["1.25", "2.50", "9.12"]).reason
    with pytest.raises(DataError, match="declared with decimal: ',', but its numbers have a point"):
        looked(["1.25", "2.5"], decimal=",")


def test_a_prefix_or_suffix_of_any_kind_is_declared() -> None:
    words = ["INV 10", "INV 12", "INV 10"]
    assert looked(words).column.kind == "category"
    assert looked(words, prefix="INV ").column.stored == "fixed INV 1234.5"
    assert looked(["1/2", "5/2", "1/2"], suffix="/2").column.unit == "/2"
    assert looked(["5 kg", "7 kg", "5 kg"], kind="category").column.categories == ("5 kg", "7 kg")
    assert looked(["5 kg", "7 kg", "5 kg"], unit="kilo").column.unit == "kilo"
    assert looked(["0800 555", "0800 556"] * 2, name="phone").column.kind == "category"


LOOKS = st.builds(
    lambda marks, ends: Look(marks[0], marks[1], *ends),
    st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (".", "'")]),
    st.sampled_from([("", ""), ("€ ", ""), ("", " kg"), ("", "%"), ("US$", "")]),
)


@settings(max_examples=80, deadline=None)
@given(LOOKS, st.lists(st.integers(-(10**7), 10**7), min_size=2, max_size=8), st.integers(0, 3), st.integers(1, 9))
def test_any_column_comes_back(look: Look, units: list[int], decimals: int, size: int) -> None:
    plain = [f"{unit / 10**decimals:.{decimals}f}" for unit in units]
    # Written on its own: by Python's groups of thousands.
    words = []
    for word in plain:
        sign, _, digits = word.rpartition("-")
        whole, _, rest = digits.partition(".")
        grouped = f"{int(whole):,}".replace(",", look.thousands)
        sign = "-" if word.startswith("-") else ""
        words.append(f"{look.prefix}{sign}{grouped}{look.decimal if rest else ''}{rest}{look.suffix}")
    found = looked(words, size, kind="number")
    assert found.column == looked(words, kind="number").column
    if decimals in (1, 2):
        assert back(words, found) == words
        assert way_and_look(found.column.stored)[1].decimal == look.decimal


def test_a_prefix_without_digits_and_signs() -> None:
    with pytest.raises(ValidationError, match="prefix"):
        Declared(prefix="+49 ")
    assert looked(["+5", "5", "+6"]).column.stored == ""


def test_memory_is_bounded() -> None:
    facts = Facts("x")
    for start in range(0, 3000, 100):
        facts.add(pa.array([f"{value},5 kg" for value in range(start, start + 100)], pa.large_string()))
    assert len(facts.marked._fits or {}) <= 8
