"""What a column is taken for, and why: every kind, every hard case, and what the user declares."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.data.facts import Facts
from lookalike.data.infer import Declared, Inferred, infer
from lookalike.data.tabular import MISSING, cells


def facts(values: list[str | None], name: str = "x", batch: int = 7) -> Facts:
    found = Facts(name)
    for start in range(0, len(values), batch):
        found.add(cells(pa.array(values[start : start + batch], pa.string()), MISSING))
    found.close()
    return found


def kind(values: list[str | None], name: str = "x", label: bool = False, **declared: Any) -> Inferred:
    return infer(facts(values, name), Declared(**declared), is_label=label)


NUMBERS = [str(value) for value in range(30, 90)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2", "3", "3"], {"kind": "integer"}),
        (["-1", "+2", "0", "0"], {"kind": "integer"}),
        (["1.5", "2.25", "1.5"], {"kind": "number", "decimals": 2, "stored": "point"}),
        (["1.50", "2.25", "1.50"], {"kind": "number", "decimals": 2, "stored": "fixed"}),
        (["1.5", "2", "2"], {"kind": "number", "decimals": 1, "stored": "short"}),
        (["1e5", "2.5", "2.5"], {"kind": "number", "stored": "short"}),
        ([".5", "5.", "5."], {"kind": "number", "decimals": 1, "stored": "short"}),
        (["5.0", "10.0", "25.0"] * 2, {"kind": "number", "decimals": 1, "stored": "point", "grid": 5.0}),
        ([f"{5 * k}" for k in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)] * 2, {"kind": "integer", "grid": 5.0}),
        (["true", "False", "true"], {"kind": "boolean", "stored": "False|true"}),
        (["Yes", "No", "Yes"], {"kind": "boolean", "stored": "No|Yes"}),
        (["0", "1", "1"], {"kind": "boolean", "stored": "0|1"}),
        (["a", "b", "a"], {"kind": "category", "categories": ("a", "b")}),
        (["10", "9", "x"], {"kind": "category", "categories": ("10", "9", "x")}),
        (["007", "010", "007"], {"kind": "category", "categories": ("007", "010")}),
        (["2021-01-01", "2021-02-01"], {"kind": "datetime", "stored": "%Y-%m-%d"}),
        (["2021-01-01T10:00:00Z"] * 2, {"kind": "datetime", "stored": "%Y-%m-%dT%H:%M:%SZ"}),
        (["2021-01-01 10:00+02:00"] * 2, {"kind": "datetime", "stored": "%Y-%m-%d %H:%M+02:00"}),
        ([f"key-{k}" for k in range(30)], {"kind": "id"}),
        ([str(k) for k in range(100, 130)], {"kind": "id", "stored": "int64"}),
        ([str(7 * k * k) for k in range(30)], {"kind": "integer", "grid": 7.0}),
        ([f"a longer note about thing {k}" for k in range(30)], {"kind": "text"}),
        (["a", None, "b", "NA", "?"], {"kind": "category", "categories": ("a", "b"), "optional": True}),
        ([None, "", "NA"], {"kind": "category", "optional": True}),
        (["only"] * 3, {"kind": "category", "categories": ("only",)}),
        (["4"], {"kind": "integer"}),
        (["4", "5"], {"kind": "integer"}),
        (["123456789012345678", "12"] * 2, {"kind": "category", "categories": ("12", "123456789012345678")}),
        (["a"] * 9 + ["seen once"], {"kind": "category", "categories": ("a", "seen once")}),
    ],
)  # fmt: skip
def test_what_a_column_is_taken_for(values: list[str | None], expected: dict[str, Any]) -> None:
    if expected["kind"] == "boolean":
        expected = {**expected, "categories": ("false", "true")}
    assert kind(values).column.model_dump(exclude_defaults=True) == {"name": "x", **expected}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["1", "2.5", "-3.25", "07", "a", "", "true", "2021-01-01", "1e3"]), min_size=1),
    st.integers(1, 9),
)
def test_batches_do_not_matter(values: list[str], size: int) -> None:
    whole, cut = facts(list(values), batch=1000), facts(list(values), batch=size)
    assert cut.odd == whole.odd
    assert infer(cut, Declared()).column == infer(whole, Declared()).column


def test_reasons_are_told() -> None:
    assert kind(["1", "9", "9"]).reason == "whole numbers from 1 to 9"
    assert kind(["a", "a"]).reason == "one value only, 1 different value"
    assert kind([None, None]).reason == "no value in any row"
    assert "leading zeros" in kind(["007", "008"] * 2).reason
    assert kind(["k1", "k2", "k2"], name="user_id").reason.endswith("; called like a key, but 1 cells repeat one")
    assert "; %d/%m/%Y would fit as well" in kind(["03/04/2021"] * 2).reason
    assert kind(["25/04/2021", "01/04/2021"]).column.stored == "%d/%m/%Y"
    zones = kind(["2021-03-01T10:00:00+01:00", "2021-06-01T10:00:00+02:00"])
    assert zones.reason.endswith("; 2 time zones, brought to UTC")


def test_a_label_of_few_whole_numbers_has_classes() -> None:
    found = kind(["3", "4", "5"] * 4, label=True)
    assert found.column.categories == ("3", "4", "5")
    assert "classes" in found.reason
    assert kind(["3", "4", "5"] * 4, label=True, kind="integer").column.kind == "integer"
    assert kind(NUMBERS, label=True).column.kind in ("integer", "id")


@pytest.mark.parametrize(
    ("values", "declared", "message"),
    [
        ([*NUMBERS, "unknown"], {}, r"mixes 60 numbers and 1 other values \(the first in row 61\).*data.missing"),
        (["1.5", "inf", "2.5"], {}, "holds 1 infinite values.*data.missing"),
        (["1e999", "2.5"], {}, "holds 1 infinite values"),
        (["2021-01-01T10:00Z", "2021-01-01T10:00"], {}, "with a time zone and dates without one"),
        (["2021-01-01T10:00", "2021-01-01T10:00Z"], {}, "with a time zone and dates without one"),
        (["1", "x"], {"kind": "integer"}, r"declared as integer, but holds cells that are no whole number.*row 2"),
        (["1", "1.5"], {"kind": "integer"}, "no whole number"),
        (["1", "x"], {"kind": "number"}, "no number"),
        (["a", "b", "c"], {"kind": "boolean"}, "more than two"),
        (["a", "a"], {"kind": "boolean"}, "cannot be told"),
        (["a", "a"], {"kind": "id"}, "repeats some of its values, so it is no key"),
        (["a", "b"], {"kind": "ordinal"}, r"without its order; give categories: \[lowest"),
        (["a", "b"], {"kind": "ordinal", "categories": ["a"]}, "1 values that are not among the 1 declared"),
        (["a", None], {"optional": False}, "declared as never missing, but 1 of 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(values: list[str | None], declared: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        kind(values, **declared)


def test_what_is_declared_holds() -> None:
    ordinal = kind(["low", "high"], kind="ordinal", categories=["low", "mid", "high"]).column
    assert (ordinal.kind, ordinal.categories) == ("ordinal", ("low", "mid", "high"))
    age = kind(["3", "4", "4"], kind="integer", low=0, high=120, unit="years", optional=True).column
    assert (age.low, age.high, age.unit, age.optional) == (0, 120, "years", True)
    assert kind(["3", "4"], kind="category").column.categories == ("3", "4")
    assert kind([*NUMBERS, "unknown"], kind="category").column.kind == "category"
    assert kind(["2.0", "3.0"], kind="integer").column.kind == "integer"
    assert kind(["u", "v"], kind="boolean").column.stored == "u|v"
    assert kind(["yes"], kind="boolean").column.stored == "no|yes"
    assert kind(["1st of May"], kind="datetime", format="%dst of %b").column.stored == "%dst of %b"
    assert kind(["1", "2"], kind="number").column.decimals == 0
    assert Declared(categories=[True, 1, "x"]).categories == ("true", "1", "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("paid", "integer"), ("valid", "integer"), ("patientId", "id"), ("Patient ID", "id"), ("rowid", "id")],
)
def test_what_is_called_like_a_key(name: str, expected: str) -> None:
    assert kind([str(7 * k * k) for k in range(30)], name).column.kind == expected


def test_many_values_are_counted_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.data.facts.MOST_LEVELS", 10)
    monkeypatch.setattr("lookalike.data.facts.MOST_NUMBERS", 5)
    keys = facts([f"k{value}" for value in range(40)])
    assert (keys.many, keys.repeated, keys.different) == (True, 0, 40)
    assert infer(keys, Declared()).column.kind == "id"
    repeated = facts([f"k{value}" for value in [*range(39), 3]])
    assert repeated.repeated == 1
    assert infer(repeated, Declared()).column.kind == "text"
    assert facts([f"k{value}" for value in [0, 0, *range(38)]]).repeated == 2
    numbers = [str(value % 8) for value in range(40)]
    assert facts(numbers).many
    assert infer(facts(numbers), Declared()).column.kind == "integer"
    coded = Facts("x", coded=True)
    coded.add(pa.array(numbers, pa.large_string()))
    assert infer(coded, Declared(kind="category")).column.categories == tuple("01234567")
