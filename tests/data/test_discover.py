"""Planted constraints are proposed, with evidence; independent columns give no proposal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookalike.core.schema import Column
from lookalike.data.discover import candidates
from lookalike.data.holding import constrained
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table, table_schema


def planted(n: int, seed: int = 0) -> Table:
    draw = np.random.default_rng(seed)
    school = draw.integers(0, 4, n)
    start = 1e9 + 86400.0 * draw.integers(0, 100, n)
    price, many = np.round(1 + 9 * draw.random(n), 2), draw.integers(1, 9, n).astype(float)
    fee = np.round(draw.random(n), 2)
    schema = table_schema(
        [
            Column(name="school", kind="category", categories=("a", "b", "c", "d")),
            Column(name="school-years", kind="integer"),
            Column(name="start", kind="datetime"),
            Column(name="end", kind="datetime", optional=True),
            Column(name="price", kind="number", decimals=2),
            Column(name="many", kind="integer"),
            Column(name="service fee", kind="number", decimals=2),
            Column(name="sum", kind="number", decimals=2),
            Column(name="total", kind="number", decimals=2),
            Column(name="cents", kind="number", decimals=0),
        ]
    )
    columns: dict[str, Any] = {
        "school": school,
        "school-years": np.array([9.0, 10, 12, 16])[school],
        "start": start,
        "end": np.where(draw.random(n) < 0.1, np.nan, start + 86400 * draw.integers(0, 50, n)),
        "price": price,
        "many": many,
        "service fee": fee,
        "sum": np.round(price * many, 2),
        "total": np.round(np.round(price * many, 2) + fee, 2),
        "cents": np.round(fee * 100),
    }
    return Table.of(columns, schema)


def test_what_was_planted_is_proposed_and_holds() -> None:
    data = planted(400)
    found = candidates(data)
    titles = {one.rule.title for one in found}
    assert {
        "school, school-years: combinations that occur",
        "start <= end",
        "sum = price * many",
        "total = `service fee` + sum",
        "cents = 100 * `service fee`",
    } <= titles
    assert len(titles) <= 7
    assert constrained(data, [one.rule for one in found]).problems() == {}
    assert any("school -> school-years: holds in 400 of 400 rows" in one.evidence for one in found)


@pytest.mark.parametrize("seed", range(5))
def test_independent_columns_give_no_proposal(seed: int) -> None:
    data = planted(400, seed)
    assert candidates(shuffled_columns(data, np.random.default_rng(seed))) == []


@pytest.mark.parametrize("n", [0, 1, 19])
def test_few_rows_prove_nothing(n: int) -> None:
    assert candidates(planted(n)) == []


def test_one_broken_row_is_enough_against_a_proposal() -> None:
    data = planted(400)
    columns: dict[str, Any] = {column.name: data.values(column.name) for column in data.schema.columns}
    columns["school-years"] = np.where(np.arange(400) == 399, 11, columns["school-years"])
    columns["sum"] = np.where(np.arange(400) == 399, 0, columns["sum"])
    columns["end"] = np.where(np.arange(400) == 399, 0, columns["end"])
    titles = {one.rule.title for one in candidates(Table.of(columns, data.schema))}
    assert not titles & {"school, school-years: combinations that occur", "start <= end", "sum = price * many"}


def test_huge_constant_and_missing_columns_are_looked_at_in_peace() -> None:
    draw = np.random.default_rng(0)
    values = {
        "huge": draw.normal(size=60) * 1e300,
        "more": draw.normal(size=60) * 1e300,
        "same": np.full(60, 3.0),
        "gone": np.full(60, np.nan),
        "rare": np.where(np.arange(60) < 3, np.arange(60), np.nan),
    }
    schema = table_schema([Column(name=name, kind="number", optional=True) for name in values])
    assert candidates(Table.of(dict(values), schema)) == []
