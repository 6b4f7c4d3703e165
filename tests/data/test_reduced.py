"""What is left of rows gives the rows back, and whatever is drawn gives rows that meet the constraints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.test_holding import RULE, RULES, bills

from lookalike.core.schema import Column
from lookalike.data.clock import Clock
from lookalike.data.holding import constrained
from lookalike.data.reduced import Computed, Difference, Joined, Reduction, reduction_of
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table, table_schema


def held(data: Table, *rules: dict[str, Any]) -> Table:
    return constrained(data, [RULE.validate_python(rule) for rule in rules])


def numbers(label: str | None = None, **columns: list[float]) -> Table:
    kinds = [Column(name=name, kind="integer", optional=bool(np.isnan(v).any())) for name, v in columns.items()]
    return Table.of({name: np.array(v) for name, v in columns.items()}, table_schema(kinds, label))


def same(first: Table, second: Table) -> bool:
    return first.fingerprint() == second.fingerprint()


def test_rows_come_back_as_they_were_but_for_rounding() -> None:
    data = held(bills(), *RULES)
    way = reduction_of(data)
    assert {type(step) for step in way.steps} == {Computed, Difference, Joined, Clock}
    small = way.reduce(data)
    assert [column.name for column in small.schema.columns] == [
        "start",
        "start time",
        "end",
        "school",
        "price",
        "count",
        "key",
    ]
    assert small.schema.constraints == ()
    back = way.restore(small)
    for name in ("start", "end", "school", "years", "price", "count"):
        assert np.array_equal(np.asarray(back.values(name)), np.asarray(data.values(name)), equal_nan=True), name
    # A tie may be rounded up by one and down by the other.
    assert np.abs(back.numbers("total sum") - data.numbers("total sum")).max() <= 0.1 + 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_independent_columns_meet_every_constraint(seed: int) -> None:
    data = held(bills(), *RULES)
    way = Reduction.model_validate_json(reduction_of(data).model_dump_json())
    drawn = shuffled_columns(way.reduce(data), np.random.default_rng(seed))
    made = way.restore(drawn)
    assert made.problems() == {}
    assert made.schema == data.schema
    assert shuffled_columns(data, np.random.default_rng(seed)).problems()


def test_a_chain_of_inequalities_is_kept() -> None:
    draw = np.random.default_rng(0)
    a, b, c = np.sort(draw.integers(0, 90, (3, 50)), axis=0).astype(float)
    data = held(
        numbers(a=a.tolist(), b=b.tolist(), c=c.tolist()),
        {"rule": "inequality", "low": "a", "high": "b"},
        {"rule": "inequality", "low": "b", "high": "c"},
    )
    way = reduction_of(data)
    assert len(way.steps) == 2
    assert same(way.restore(way.reduce(data)), data)
    made = way.restore(shuffled_columns(way.reduce(data), draw))
    assert made.problems() == {}
    assert made.numbers("c").max() <= c.max()


def test_a_computed_column_may_be_part_of_another_formula() -> None:
    data = held(
        numbers(a=[1, 2, 3], b=[4, 5, 6], c=[5, 7, 9], d=[10, 14, 18]),
        {"rule": "formula", "column": "c", "equals": "a + b"},
        {"rule": "formula", "column": "d", "equals": "2 * c"},
    )
    way = reduction_of(data)
    assert [column.name for column in way.reduce(data).schema.columns] == ["a", "b"]
    assert same(way.restore(way.reduce(data)), data)


def test_the_label_is_never_replaced() -> None:
    rules = {"rule": "inequality", "low": "a", "high": "b"}, {"rule": "formula", "column": "b", "equals": "a + 3"}
    data = held(numbers("b", a=[1, 2, 3], b=[4, 5, 6]), rules[0])
    step = reduction_of(data).steps[0]
    assert isinstance(step, Difference)
    assert step.target == "a"
    assert same(reduction_of(data).restore(reduction_of(data).reduce(data)), data)
    assert reduction_of(held(numbers("b", a=[1, 2, 3], b=[4, 5, 6]), rules[1])).steps == ()


def test_what_would_lose_values_is_left_to_rejection() -> None:
    gap = float("nan")
    data = numbers(a=[1, gap, 3], b=[4, 5, 6], c=[5, 6, 9])
    assert reduction_of(held(data, {"rule": "inequality", "low": "a", "high": "b"})).steps == ()
    assert reduction_of(held(data, {"rule": "formula", "column": "c", "equals": "a + b"})).steps == ()
    assert reduction_of(held(data, {"rule": "unique", "columns": ["c"]})).steps == ()
    assert len(reduction_of(held(data, {"rule": "inequality", "low": "b", "high": "a", "allow": 0.9})).steps) == 1


def test_columns_that_none_determines_become_one() -> None:
    gap = float("nan")
    data = held(numbers(a=[1, 1, 2, 2, gap], b=[1, 2, 1, 1, 3]), {"rule": "combination", "columns": ["a", "b"]})
    way = reduction_of(data)
    assert [column.name for column in way.left().columns] == ["a + b"]
    assert len(way.left().columns[0].categories) == 4
    assert same(way.restore(way.reduce(data)), data)


def test_real_rows_that_may_break_an_inequality_never_make_others_do() -> None:
    data = held(numbers(a=[1, 2, 9], b=[4, 5, 6]), {"rule": "inequality", "low": "a", "high": "b", "allow": 0.4})
    way = reduction_of(data)
    assert way.reduce(data).numbers("b").tolist() == [3, 3, 0]


values = st.lists(st.tuples(st.integers(-900, 900), st.integers(0, 900)), min_size=1, max_size=20)


@settings(deadline=None)
@given(values, st.sampled_from([(0, 2), (2, 0), (1, 1), (3, None)]), st.booleans())
def test_decimal_numbers_keep_their_order(rows: list[tuple[int, int]], digits: Any, strict: bool) -> None:
    columns, arrays = [], []
    raw = np.array([[low, low + gap + 1] for low, gap in rows]) / 7
    for place, decimals in enumerate(digits):
        columns.append(Column(name="ab"[place], kind="number", decimals=decimals))
        arrays.append(raw[:, place] if decimals is None else np.round(raw[:, place] + place, decimals))
    data = Table.of(dict(zip("ab", arrays, strict=True)), table_schema(columns))
    rule = {"rule": "inequality", "low": "a", "high": "b", "strict": strict}
    data = data.take(np.flatnonzero(arrays[0] < arrays[1]))
    if len(data):
        way = reduction_of(held(data, rule))
        assert way.restore(shuffled_columns(way.reduce(data), np.random.default_rng(0))).problems() == {}


@pytest.mark.parametrize(("low", "high"), [("moment", "day"), ("day", "moment")])
@pytest.mark.parametrize("strict", [False, True])
def test_days_beside_moments_stay_days_and_in_order(low: str, high: str, strict: bool) -> None:
    rng = np.random.default_rng(0)
    moments = rng.integers(0, 700 * 1440, 200) * 60.0
    sign = 1 if high == "day" else -1
    days = np.floor(moments / 86400 + sign * (1 + rng.integers(0, 9, 200))) * 86400
    columns = [Column(name=name, kind="datetime") for name in ("moment", "day")]
    table = Table.of({"moment": moments, "day": days}, table_schema(columns, None))
    data = held(table, {"rule": "inequality", "low": low, "high": high, "strict": strict})
    way = reduction_of(data)
    made = way.restore(shuffled_columns(way.reduce(data), np.random.default_rng(1)))
    target = way.steps[0].replaced[0]
    assert np.mod(made.numbers(target), 86400).any() == (target == "moment")
    assert not np.mod(made.numbers("day"), 86400).any() or target == "moment"
    assert not (made.numbers(low) > made.numbers(high)).any()


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows_are_enough(n: int) -> None:
    data = held(bills(n), *RULES)
    way = reduction_of(data)
    assert way.restore(way.reduce(data)).problems() == {}
    assert len(way.restore(Table.empty(way.left()))) == 0


def test_a_column_without_values_is_left_alone() -> None:
    gap = [float("nan")] * 3
    data = numbers(a=gap, b=[1, 2, 3], c=[2, 4, 6])
    rules: list[dict[str, Any]] = [
        {"rule": "inequality", "low": "a", "high": "b"},
        {"rule": "formula", "column": "a", "equals": "2 * b"},
        {"rule": "combination", "columns": ["a", "c"]},
    ]
    data = held(data, *rules)
    way = reduction_of(data)
    assert same(way.restore(way.reduce(data)), data)


DAY_COLUMNS = {"moment": "%d.%m.%Y %H:%M", "day": "%Y-%m-%d"}


def stays(low: str, high: str, strict: bool, gap: int = 0) -> Table:
    """Return 300 rows of a moment and a day, many of both on the same day unless none may."""
    rng = np.random.default_rng(0)
    moments = rng.integers(0, 700 * 1440, 300) * 60.0
    sign = 1 if high == "day" else -1
    days = np.floor(moments / 86400 + sign * rng.integers(gap + strict, 3, 300)) * 86400
    columns = [Column(name=name, kind="datetime", stored=form) for name, form in DAY_COLUMNS.items()]
    table = Table.of({"moment": moments, "day": days}, table_schema(columns, None))
    return held(table, {"rule": "inequality", "low": low, "high": high, "strict": strict})


@pytest.mark.parametrize(("low", "high"), [("moment", "day"), ("day", "moment")])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("fixed", [(), ("day",), ("moment",)])
def test_a_day_and_a_moment_are_compared_by_day(low: str, high: str, strict: bool, fixed: tuple[str, ...]) -> None:
    data = stays(low, high, strict)
    way = Reduction.model_validate_json(reduction_of(data, fixed=fixed).model_dump_json())
    kept = [step for step in way.steps if isinstance(step, Difference)]
    assert len(kept) == (0 if (low, high) == ("moment", "day") and fixed == ("day",) else 1)
    assert same(way.restore(way.reduce(data)), data)
    made = way.restore(shuffled_columns(way.reduce(data), np.random.default_rng(1)))
    assert not np.mod(made.numbers("day"), 86400).any()
    by_day = np.floor(made.numbers("moment") / 86400) - np.floor(made.numbers("day") / 86400)
    apart = by_day if high == "moment" else -by_day
    if kept:
        assert made.problems() == {}
        assert apart.min() >= strict
        assert (apart == strict).mean() > 0.2
    assert bool(made.problems()) == bool((apart < strict).any())
