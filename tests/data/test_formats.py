"""Values are written as they stood: digits after the point, dates, booleans, and types of the user's own."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.core.schema import Column
from lookalike.data.dateforms import date_formats
from lookalike.data.formats import arrow_type, parse_dates, typed, write_dates, write_numbers, written
from lookalike.data.table import BOOLEANS, Table, table_schema


@pytest.mark.parametrize(
    ("stored", "decimals", "value", "word"),
    [
        ("fixed", 2, 3.1, "3.10"),
        ("fixed", 0, 3.0, "3"),
        ("point", 1, 3.0, "3.0"),
        ("point", 3, 3.1416, "3.142"),
        ("short", 2, 3.0, "3"),
        ("short", 2, 3.25, "3.25"),
        ("fixed", 1, -0.01, "0.0"),
        ("point", None, 1e-7, "1e-7"),
        ("point", None, 0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_numbers(stored: str, decimals: int | None, value: float, word: str) -> None:
    column = Column(name="x", kind="number", stored=stored, decimals=decimals)
    assert write_numbers(np.array([value]), column) == [word]


@pytest.mark.parametrize(
    "word",
    [
        "2021-03-04", "2021/03/04", "04.03.2021", "03/04/2021", "04-03-2021", "04 Mar 2021", "04-Mar-2021",
        "2021-03-04 05:06", "2021-03-04T05:06:07", "2021-03-04 05:06:07.125", "2021-03-04T05:06:07.000001",
        "1969-12-31 23:59:59.5", "4/2/2021", "14/2/2021", "4/22/2021", "05/11/21", "5/11/21", "5.11.2021", "05.11.21",
        "12:15", "7:58", "07:58", "16:49:03", "2021-03-04 5:06", "4/22/2021 7:58", "10/11/2021",
        "05-Mar-21", "5-MAR-21", "05-MAY-2021", "5 May 2021", "05 March 2021", "Mar 5, 2021", "September 15, 2021",
        "04/Mar/21", "1/5/2021 3:04 PM", "01/05/2021 12:04:59 AM", "12:00 pm", "9:05am", "03-JAN-21 11:15:00 PM",
    ],
)  # fmt: skip
def test_dates_are_written_as_they_were_read(word: str) -> None:
    forms = date_formats(word)
    parsed = [parse_dates(pa.array([word, None]), form, exact=True) for form in forms]
    fit = [not np.isnat(dates[0]) for dates in parsed]
    assert any(fit)
    assert all(np.isnat(dates[1]) for dates in parsed)
    for form, dates, fits in zip(forms, parsed, fit, strict=True):
        assert not fits or write_dates(dates[:1], form) == [word]


def test_letters_that_would_be_written_in_another_way_do_not_fit() -> None:
    words = pa.array(["05-MAR-21", "05-Mar-21", "05-mar-21"])
    assert np.isnat(parse_dates(words, "%d-%^b-%y", exact=True)).tolist() == [False, True, True]
    assert np.isnat(parse_dates(words, "%d-%b-%y", exact=True)).tolist() == [True, False, True]
    assert parse_dates(pa.array(["1:00 am", "12:30 am", "12:30 PM"]), "%-I:%M %P", exact=True).astype(str).tolist() == [
        "1900-01-01T01:00:00.000000", "1900-01-01T00:30:00.000000", "NaT"]  # fmt: skip


@pytest.mark.parametrize("word", ["", "7", "2021-3-4", "1.2.10", "yesterday", "2021-03-04x", "5 mar 2021", "3 PM"])
def test_what_is_no_date(word: str) -> None:
    assert date_formats(word) == []


def test_moments_of_several_zones_are_written_in_utc() -> None:
    form = "%Y-%m-%dT%H:%M%z"
    words = pa.array(["2021-03-04T10:00+01:00", "2021-03-04T10:00Z"])
    assert write_dates(parse_dates(words, form), form) == ["2021-03-04T09:00Z", "2021-03-04T10:00Z"]


def test_a_date_that_would_be_written_otherwise_does_not_fit() -> None:
    form = "%Y-%m-%d"
    assert np.isnat(parse_dates(pa.array(["2021-03-04", "2021-3-4", "2021-02-30"]), form, exact=True)).tolist() == [
        False,
        True,
        True,
    ]


@settings(max_examples=40, deadline=None)
@given(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)))
def test_any_moment_comes_back(moment: object) -> None:
    given = np.array([moment], dtype="datetime64[us]")
    form = "%Y-%m-%d %H:%M:%S.%6f"
    assert (parse_dates(pa.array(write_dates(given, form)), form, exact=True) == given).all()


TYPES = {
    "a": Column(name="a", kind="integer", stored="int8"),
    "b": Column(name="b", kind="number", stored="float", decimals=1),
    "c": Column(name="c", kind="number", stored="decimal128(10, 2)", decimals=2),
    "d": Column(name="d", kind="boolean", stored="bool", categories=BOOLEANS),
    "e": Column(name="e", kind="boolean", stored="int64", categories=BOOLEANS),
    "f": Column(name="f", kind="datetime", stored="date32[day]"),
    "g": Column(name="g", kind="datetime", stored="timestamp[ns, tz=UTC]"),
    "h": Column(name="h", kind="category", stored="string", categories=("u", "v")),
    "i": Column(name="i", kind="ordinal", stored="dictionary ordered", categories=("v", "u")),
    "j": Column(name="j", kind="category", stored="int64", categories=("0", "7")),
    "k": Column(name="k", kind="id", stored="large_string"),
}


def test_columns_get_the_types_of_the_users_own() -> None:
    schema = table_schema([column.model_copy(update={"optional": True}) for column in TYPES.values()])
    table = Table.of(
        {name: ["x", None] if name == "k" else np.array([1.0, -1.0 if name in "dehij" else np.nan]) for name in TYPES},
        schema,
    )
    found = typed(table)
    for name, column in TYPES.items():
        kind = found.column(name).type
        if column.stored.startswith("dictionary"):
            assert pa.types.is_dictionary(kind)
            assert kind.ordered
        else:
            assert kind == arrow_type(column.stored), name
        assert found.column(name).null_count == 1
    row = found.slice(0, 1).to_pylist()[0]
    assert [row[name] for name in "adehij"] == [1, True, 1, "v", "u", 7]
    assert str(row["f"]) == "1970-01-01"
    words = written(table).to_pylist()
    assert words[0] == {
        "a": "1", "b": "1", "c": "1", "d": "true", "e": "1", "f": "1970-01-01", "g": "1970-01-01 00:00:01",
        "h": "v", "i": "u", "j": "7", "k": "x",
    }  # fmt: skip
    assert words[1] == dict.fromkeys(TYPES)


def test_keys_that_are_left_empty_have_their_type() -> None:
    schema = table_schema([Column(name="user_id", kind="text", stored="int32")])
    found = typed(Table.of({"user_id": ["", ""]}, schema)).column("user_id")
    assert (found.type, found.null_count) == (pa.int32(), 2)
