"""What is asked of columns: names, dates and numbers in the form of a table, or one line that says what is possible."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.errors import ConfigError
from lookalike.core.schema import Column, Schema
from lookalike.data.asked import asked_values
from lookalike.data.table import BOOLEANS, table_schema


def _schema(label: str | None = "town") -> Schema:
    return table_schema(
        [
            Column(name="age", kind="integer", optional=True),
            Column(name="born", kind="datetime"),
            Column(name="smokes", kind="boolean", categories=BOOLEANS),
            Column(name="town", kind="category", categories=("Ulm", "Bonn")),
            Column(name="note", kind="text"),
        ],
        label,
    )


def test_one_value_or_one_for_each_row() -> None:
    where = {"age": [3, None], "born": "1970-01-02", "smokes": True, "label": ["Bonn", "Ulm"]}
    found = asked_values(2, _schema(), where, "m")
    assert found["born"] == pytest.approx([86_400.0, 86_400.0])
    np.testing.assert_array_equal(np.asarray(found["age"]), [3.0, np.nan])
    assert np.asarray(found["smokes"]).tolist() == [1, 1]
    assert np.asarray(found["town"]).tolist() == [1, 0]
    assert asked_values(2, _schema(), None, "m") == {}


def test_a_column_called_label_is_meant_before_the_label() -> None:
    schema = table_schema(
        [Column(name="label", kind="integer"), Column(name="town", kind="category", categories=("Ulm",))], "town"
    )
    assert list(asked_values(1, schema, {"label": 4}, "m")) == ["label"]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"note": "a"}, "m cannot choose by 'note'; allowed: age, born, smokes, town"),
        ({"town": "Kiel"}, "town has no value 'Kiel'; allowed: Ulm, Bonn"),
        ({"town": None}, "town is never missing"),
        ({"age": [1, 2, 3]}, "3 values of age for 2 rows"),
        ({"age": float("inf")}, "age needs a finite number"),
        ({"born": "soon"}, "born needs a date such as 1970-01-01 00:00:00, found 'soon'"),
    ],
)
def test_what_cannot_be_asked_is_one_line(where: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        asked_values(2, _schema(), where, "m")


def test_without_a_label_it_cannot_be_asked_for() -> None:
    with pytest.raises(ConfigError, match="cannot choose by 'label'"):
        asked_values(1, _schema(None), {"label": "Ulm"}, "m")


def test_plain_values_are_taken_as_those_that_are_looked_at_one_by_one() -> None:
    schema = table_schema(
        [
            Column(name="n", kind="number", optional=True),
            Column(name="c", kind="category", categories=("a", "b"), optional=True),
            Column(name="s", kind="category", categories=("a", "b")),
        ]
    )
    found = asked_values(3, schema, {"n": [1.0, None, 2.5], "c": ["b", None, "a"], "s": ["b", "b", "a"]}, "x")
    slow = asked_values(3, schema, {"n": [1, None, np.float64(2.5)], "c": [np.str_("b"), None, "a"]}, "x")
    np.testing.assert_array_equal(found["n"], slow["n"])
    assert list(found["c"]) == list(slow["c"]) == [1, -1, 0]
    assert list(found["s"]) == [1, 1, 0]
    for where, words in (
        ({"n": [1.0, float("inf"), 2.0]}, "needs a finite number"),
        ({"n": [1.0, float("nan"), None]}, "needs a finite number"),
        ({"s": ["a", "b", "z"]}, "s has no value 'z'"),
        ({"s": ["a", "b", None]}, "s is never missing"),
    ):
        with pytest.raises(ConfigError, match=words):
            asked_values(3, schema, where, "x")


def test_values_are_asked_for_as_the_column_writes_them_or_as_they_are_held() -> None:
    schema = table_schema(
        [
            Column(name="ok", kind="boolean", categories=BOOLEANS, stored="no|yes"),
            Column(name="odd", kind="boolean", categories=BOOLEANS, stored="1|0"),
            Column(name="bit", kind="boolean", categories=BOOLEANS, stored="int8"),
            Column(name="day", kind="datetime", stored="%d.%m.%Y"),
            Column(name="code", kind="category", categories=("7", "08")),
            Column(name="cost", kind="number", decimals=2),
            Column(name="n", kind="integer"),
        ]
    )

    def one(name: str, value: object) -> float:
        return float(np.asarray(asked_values(1, schema, {name: value}, "m")[name])[0])

    assert [one("ok", value) for value in ("no", "false", "False", False, 0)] == [0] * 5
    assert [one("ok", value) for value in ("yes", "true", True, np.True_, 1)] == [1] * 5
    assert [one("odd", value) for value in ("1", 1, False)] == [0] * 3
    assert [one("bit", value) for value in (1, "1", True, "true")] == [1] * 4
    assert [one("day", value) for value in ("05.04.2021", "2021-04-05", "2021-04-05T00:00:00+00:00", 1617580800)] == [
        1617580800.0
    ] * 4
    assert (one("code", 7), one("code", "08")) == (0, 1)
    assert (one("cost", "12.50"), one("cost", 0.1 + 0.2), one("n", "40")) == (12.5, 0.3, 40)
    for where, words in (
        ({"ok": "maybe"}, "ok has no value 'maybe'; allowed: no, yes"),
        ({"cost": 1234.567}, "cost has 2 digits after the point, found 1234.567; ask for 1234.57"),
        ({"cost": [1.5, 1.555, 2.0]}, "found 1.555"),
        ({"n": 40.5}, "n holds whole numbers, found 40.5; ask for 40"),
        ({"day": "5 May"}, "day needs a date such as 01.01.1970"),
    ):
        with pytest.raises(ConfigError, match=words):
            asked_values(3, schema, where, "m")


@pytest.mark.parametrize(
    ("stored", "word", "number"),
    [
        ("fixed € 1.234,5", "€ 1.500,00", 1500.0),
        ("fixed € 1.234,5", "1500,00", None),
        ("fixed € 1.234,5", "1.500,25", 1500.25),
        ("fixed 1234,5 °C", "37,5 °C", 37.5),
        ("fixed 1234,5 °C", "37,5", 37.5),
        ("fixed 1234,5 °C", "37.5", 37.5),
        ("fixed 1234.5 %", "-12 %", -12.0),
        ("fixed 1234,5", "-0,5", -0.5),
    ],
)
def test_numbers_are_asked_for_as_the_column_writes_them(stored: str, word: str, number: float | None) -> None:
    schema = table_schema([Column(name="x", kind="number", decimals=2, stored=stored)], None)
    if number is None:
        with pytest.raises(ConfigError, match="x needs a number"):
            asked_values(2, schema, {"x": word}, "method")
    else:
        assert asked_values(2, schema, {"x": word}, "method")["x"].tolist() == [number, number]
