"""Constraints find the rows that break them, as a loop over the rows does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lookalike.core.constraints import Constraint
from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data.holding import broken, constrained, different, differing, repeated, together
from lookalike.data.table import Table, table_schema

RULE: TypeAdapter[Any] = TypeAdapter(Constraint)
SCHOOLS = ("low", "high", "top")


def bills(n: int = 40) -> Table:
    """Rows that keep every rule below, with gaps."""
    draw = np.random.default_rng(0)
    start = 1e9 + 86400.0 * draw.integers(0, 100, n)
    school = draw.integers(0, 3, n)
    price, count = np.round(draw.random(n) * 9, 2), draw.integers(1, 5, n).astype(float)
    gone = np.arange(n) % 7 == 0
    schema = table_schema(
        [
            Column(name="start", kind="datetime"),
            Column(name="end", kind="datetime", optional=True),
            Column(name="school", kind="category", categories=SCHOOLS),
            Column(name="years", kind="integer"),
            Column(name="price", kind="number", decimals=2),
            Column(name="count", kind="integer"),
            Column(name="total sum", kind="number", decimals=1),
            Column(name="key", kind="id"),
        ]
    )
    columns: dict[str, Any] = {
        "start": start,
        "end": np.where(gone, np.nan, start + 86400 * draw.integers(0, 5, n)),
        "school": school,
        "years": np.array([9.0, 12.0, 16.0])[school],
        "price": price,
        "count": count,
        "total sum": np.round(price * count, 1),
        "key": [f"k{row}" for row in range(n)],
    }
    return Table.of(columns, schema)


RULES = [
    {"rule": "inequality", "low": "start", "high": "end"},
    {"rule": "range", "column": "count", "low": 1, "high": 4},
    {"rule": "combination", "columns": ["school", "years"]},
    {"rule": "formula", "column": "total sum", "equals": "price * count"},
    {"rule": "unique", "columns": ["key"]},
]


def changed(data: Table, name: str, row: int, value: float | str) -> Table:
    columns: dict[str, Any] = {column.name: data.values(column.name) for column in data.schema.columns}
    columns[name] = [value if k == row else old for k, old in enumerate(columns[name])]
    return Table.of(columns, data.schema)


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    list(zip(RULES, ["end", "count", "years", "total sum", "key"], [9e8, 5, 12, 99.0, "k1"], strict=True)),
)
def test_one_broken_row_is_found_and_told_without_its_value(rule: Any, name: str, value: Any) -> None:
    data = bills()
    held = constrained(data, [RULE.validate_python(rule)])
    assert held.problems() == {}
    assert len(held.schema.constraints) == 1
    row = 5 if name != "years" else int(np.flatnonzero(data.codes("school") == 0)[0])
    bad = changed(held, name, row, value)
    assert list(bad.problems()) == [row]
    assert bad.problems()[row].startswith("breaks ")
    if rule["rule"] != "combination":
        with pytest.raises(DataError, match=rf"in 1 of 40 rows \(rows {row + 1}, .*allow to 0.025") as told:
            constrained(bad, [RULE.validate_python(rule)])
        assert str(value) not in str(told.value).replace("0.025", "")
        assert constrained(bad, [RULE.validate_python({**rule, "allow": 0.025})]).problems()


def test_a_strict_inequality_is_broken_by_equal_values() -> None:
    rule = RULE.validate_python({**RULES[0], "strict": True})
    data = bills()
    assert (broken(data, rule) == (data.numbers("start") == data.numbers("end"))).all()


def test_a_result_that_cannot_be_computed_is_broken_and_a_gap_is_not() -> None:
    values, wanted = np.array([1.0, np.nan, 1.0, 1.04]), np.array([np.inf, 3.0, np.nan, 1.0])
    assert differing(values, wanted, 0.05).tolist() == [True, False, False, False]
    assert differing(values, np.array(1.0), 0.01).tolist() == [False, False, False, True]


cells = st.one_of(st.just(float("nan")), st.sampled_from([0.0, -0.0, 1.0, 2.5]))


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=30))
def test_keys_of_rows_are_those_of_a_loop(rows: list[tuple[float, float]]) -> None:
    found = together([np.array(column) for column in zip(*rows, strict=True)])
    names = [tuple("gone" if np.isnan(cell) else cell for cell in row) for row in rows]
    assert [[a == b for b in names] for a in names] == [[bool(a == b) for b in found] for a in found]
    assert repeated(found).tolist() == [name in names[:k] for k, name in enumerate(names)]


def test_no_rows_break_nothing() -> None:
    data = bills()
    held = constrained(data, [RULE.validate_python(rule) for rule in RULES])
    assert Table.empty(held.schema).problems() == {}
    assert type(held.schema).model_validate_json(held.schema.model_dump_json()) == held.schema


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "inequality", "low": "start", "high": "ende"}, "no column is called 'ende'; did you mean 'end'"),
        ({"rule": "inequality", "low": "start", "high": "count"}, "a date and a number cannot be compared"),
        ({"rule": "range", "column": "school", "low": 1}, "column school is of kind category; allowed: number, inte"),
        ({"rule": "formula", "column": "end", "equals": "start + 5"}, "column end is of kind datetime"),
        ({"rule": "combination", "columns": ["key", "years"]}, "keys and free texts have no combinations"),
        ({"rule": "combination", "columns": ["school", "years"], "tuples": [["none", 9]]}, "column school cannot"),
    ],
)
def test_a_rule_that_does_not_fit_the_columns_is_refused(rule: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        constrained(bills(), [RULE.validate_python(rule)])


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": "inequality", "low": "a", "high": "a"},
        {"rule": "range", "column": "a"},
        {"rule": "range", "column": "a", "low": 2, "high": 1},
        {"rule": "combination", "columns": ["a"]},
        {"rule": "combination", "columns": ["a", "b"], "tuples": [["x"]]},
        {"rule": "formula", "column": "a", "equals": "a + b"},
        {"rule": "formula", "column": "a", "equals": "exp(b)"},
        {"rule": "nonsense"},
        {"rule": "unique", "columns": ["a"], "alow": 0.1},
    ],
)
def test_a_rule_that_says_nothing_is_refused(rule: Any) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python(rule)


@given(st.lists(st.integers(-3, 2**62)))
def test_different_values_are_those_that_numpy_finds(values: list[int]) -> None:
    some = np.array(values, dtype=np.int64)
    assert different(some).tolist() == np.unique(some).tolist()
    assert different(some.astype(np.uint64)).dtype == np.uint64
