"""Whole numbers that are all dates are dates; keys and amounts stay; dates in several formats are named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.data.test_infer import facts, kind

from lookalike.core.errors import DataError
from lookalike.data.asked import asked_values
from lookalike.data.declared import Declared
from lookalike.data.formats import written
from lookalike.data.infer import infer
from lookalike.data.table import Table, table_schema
from lookalike.data.tabular import decoded

DAYS = [f"2021{month:02}{day:02}" for month in (1, 2, 11) for day in (1, 3, 5, 9, 14, 20, 25, 28)]
MOMENTS = [f"{day}{hour:02}0500" for day, hour in zip(DAYS, range(24), strict=True)]


@pytest.mark.parametrize(("values", "form"), [(DAYS, "%Y%m%d"), (DAYS * 2, "%Y%m%d"), (MOMENTS, "%Y%m%d%H%M%S")])
def test_whole_numbers_that_are_all_dates(values: list[str], form: str) -> None:
    found = kind([*values, None])
    assert (found.column.kind, found.column.stored) == ("datetime", form)
    assert found.reason == f"dates written as {form}; whole numbers, all of them dates: set kind: integer for amounts"
    table = Table(pa.table({"x": decoded(pa.array(values), found.column)}), table_schema([found.column]))
    assert written(table).column("x").to_pylist() == values
    assert kind(values, kind="integer").column.kind == "integer"
    assert kind(values, grid=1.0).column.kind == "integer"


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        (DAYS[:19], "x", "integer"),  # few
        ([*DAYS, "20210230"], "x", "integer"),  # no day
        ([*DAYS, "21010101"], "x", "integer"),  # beyond 2100
        ([*DAYS, "18991231"], "x", "integer"),
        ([*DAYS, "7"], "x", "integer"),
        (["7", *DAYS], "x", "integer"),
        ([*DAYS, MOMENTS[0]], "x", "integer"),
        ([str(20210301 + k) for k in range(25)], "x", "id"),  # counting on
        (DAYS, "order_no", "id"),
        (DAYS * 2, "date_key", "category"),
        (DAYS, "number", "id"),
        ([day.replace("2021", "0121") for day in DAYS * 2], "x", "category"),  # leading zeros
    ],
)
def test_keys_and_amounts_stay(values: list[str], name: str, expected: str) -> None:
    assert kind(values, name).column.kind == expected


def test_types_and_labels_stay() -> None:
    assert infer(facts(DAYS), Declared(), "int64").column.kind == "integer"
    assert kind(DAYS, label=True).column.kind == "integer"


def test_such_dates_are_declared_bounded_and_asked_for() -> None:
    assert kind(DAYS[:3], kind="datetime").column.stored == "%Y%m%d"
    found = kind(DAYS, low=20200101, high="2022-01-01").column
    assert (found.low, found.high) == (1577836800.0, 1640995200.0)
    with pytest.raises(DataError, match="low must be a date written as %Y%m%d"):
        kind(DAYS, low=0)
    for value in (20210305, "20210305", "2021-03-05"):
        asked = asked_values(1, table_schema([found]), {"x": value}, "m")["x"]
        assert np.asarray(asked).tolist() == [1614902400.0]


SEVERAL = ["01.02.2021", "2021-03-05", "13.01.2020", "2020-12-31"]


@pytest.mark.parametrize(
    ("values", "expected", "looks"),
    [
        (SEVERAL, "text", "99.99.9999, 9999-99-99"),
        (SEVERAL * 9, "category", "99.99.9999, 9999-99-99"),
        (["01.2.2021", "1.02.2021"], "text", "99.9.9999, 9.99.9999"),
        (["01/13/2021", "13/01/2021"], "text", "99/99/9999"),
        (["3 May 2021", "04.06.2021 10:00"], "text", "9 a 9999, 99.99.9999 99:99"),
    ],
)
def test_dates_in_several_formats_are_named(values: list[str], expected: str, looks: str) -> None:
    found = kind(values)
    assert found.column.kind == expected
    assert f"; dates in several formats, which look like {looks}: write them in one" in found.reason


@pytest.mark.parametrize(
    "values", [["01.02.2021", "soon"], ["01.02.2021", "2021-02-30"], ["01.02.2021"] * 2, ["a", "b"]]
)
def test_other_words_are_no_dates_in_several_formats(values: list[str]) -> None:
    assert "several" not in kind(values).reason
