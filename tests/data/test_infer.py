"""What a column is taken for, and why: every kind, every hard case, and what the user declares."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.core.errors import DataError
from lookalike.data.declared import Declared
from lookalike.data.facts import Facts
from lookalike.data.infer import Inferred, infer
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
        (["-1", "+2", "0", "0"], {"kind": "integer", "stored": "fixed +1234.5"}),
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
        (["10", "9", "x"] * 2, {"kind": "category", "categories": ("10", "9", "x")}),
        (["007", "010", "007"], {"kind": "category", "categories": ("007", "010")}),
        (["2021-01-01", "2021-02-01"], {"kind": "datetime", "stored": "%Y-%m-%d"}),
        (["2021-01-01T10:00:00Z"] * 2, {"kind": "datetime", "stored": "%Y-%m-%dT%H:%M:%SZ"}),
        (["2021-01-01 10:00+02:00"] * 2, {"kind": "datetime", "stored": "%Y-%m-%d %H:%M+02:00"}),
        ([f"key-{k}" for k in range(30)], {"kind": "id", "form": "key-{30..999}"}),
        (
            [*(f"key-{k}" for k in range(30)), *[None] * 10],
            {"kind": "id", "form": "key-{30..999}", "optional": True, "lacking": 0.25},
        ),
        ([str(k) for k in range(100, 130)], {"kind": "id", "stored": "int64", "form": "{130..999}"}),
        ([str(7 * k * k) for k in range(30)], {"kind": "integer", "grid": 7.0}),
        ([f"a longer note about thing {k}" for k in range(30)], {"kind": "text"}),
        (["a", None, "b", "b", "a", "NA", "?"], {"kind": "category", "categories": ("a", "b"), "optional": True}),
        ([None, "", "NA"], {"kind": "category", "optional": True}),
        (["only"] * 3, {"kind": "category", "categories": ("only",)}),
        (["a"], {"kind": "category", "categories": ("a",)}),
        (["P0", "P1"], {"kind": "id", "form": "P{2..99}"}),
        (["Ann Berg", "Bo Berg"], {"kind": "text"}),
        (["Oslo", "Oslo", "Rome", "Paris"], {"kind": "category", "categories": ("Oslo", "Paris", "Rome")}),
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
    assert kind(["a", "a"]).reason == "one value only"
    assert kind([None, None]).reason == "no value in any row"
    assert "leading zeros" in kind(["007", "008"] * 2).reason
    assert kind(["k1", "k2", "k2"], name="user_id").reason.startswith(
        "2 different values; called like a key, but 1 cells repeat one"
    )
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


def test_few_rows_keep_their_names_to_themselves() -> None:
    people = [f"P{k}" for k in range(12)]
    assert kind(people).column.kind == "id"
    assert "set kind: category" in kind(people).reason
    assert ";" not in kind([f"P{k}" for k in range(30)]).reason
    assert kind(people, label=True).column.kind == "category"
    assert set(kind(people, kind="category").column.categories) == set(people)
    assert kind(["5", "42", "79"], "user_id").column.kind == "id"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([f"u{k % 160}@mail.de" for k in range(200)], "120 of 200 cells hold a value that no other row has"),
        ([f"Anna{k // 2}" for k in range(200)], "100 different values in 200 cells"),
    ],
)
def test_values_that_nearly_name_the_rows_are_not_learnt(values: list[str | None], told: str) -> None:
    found = kind(values, "name")
    assert found.column.kind == "text"
    assert found.reason == f"{told}; set kind: category to learn it, and real values are given out"
    assert kind(values, "name", kind="category").column.kind == "category"
    assert kind([f"Anna{k // 3}" for k in range(300)], "name").column.kind == "category"
    assert kind([f"Anna{k // 2}" for k in range(100)], "name").column.kind == "category"


def test_values_of_one_row_each_are_told() -> None:
    names = ["Meier"] * 200 + [f"Z{k}" for k in range(12)]
    told = "; 12 of its values belong to one row each: they may be given out"
    assert kind(names).reason == f"13 different values{told}"
    assert kind(names, kind="category").reason == f"declared{told}"
    assert kind(names, kind="category", categories=sorted(set(names))).reason == "declared"
    assert kind(names[:203]).reason == "4 different values" + told.replace("12", "3")
    assert ";" not in kind(["a", "a", "b", "b"]).reason
    assert kind(["a", "a", "a", "b", "c"]).reason.endswith(
        "; 2 of its values belong to one row each: they may be given out"
    )


GAPS = [str(7 * k * k) for k in range(30)]


@pytest.mark.parametrize("name", ["customer_nr", "orderNo", "account number", "Kundennummer", "zip-code", "id", "no"])
def test_whole_numbers_called_like_keys_are_keys(name: str) -> None:
    assert kind(GAPS, name).column.model_dump(exclude_defaults=True) == {
        "name": name, "kind": "id", "stored": "int64", "form": "{5900..9999}",
    }  # fmt: skip
    assert kind(GAPS, name, kind="integer").column.kind == "integer"
    assert kind(GAPS, name, low=0).column.kind == "integer"


def test_whole_numbers_that_never_repeat_are_told() -> None:
    assert kind(GAPS, "order").reason.endswith("; unique in every row: if it is a key, set kind: id")
    assert ";" not in kind(GAPS[:10], "order").reason


def test_keys_of_another_table_are_no_amounts() -> None:
    found = kind([str(7 * k) for k in range(10)] * 3, "user_id")
    assert (found.column.kind, found.column.stored, len(found.column.categories)) == ("category", "int64", 10)
    assert "called like a key, but 20 cells repeat one: codes, or keys of another table" in found.reason
    mostly = kind([*map(str, range(1000, 1100)), "1000"], "user_id")
    assert (mostly.column.kind, mostly.column.stored) == ("text", "")
    assert mostly.reason.startswith("called like a key, and 99 of 101 cells hold a value that no other row has;")
    assert kind([str(7 * k) for k in range(10)] * 3, "amount").column.kind == "integer"
    typed = infer(facts([str(7 * k) for k in range(10)] * 3, "user_id"), Declared(), "int32")
    assert (typed.column.kind, typed.column.stored) == ("category", "int32")


def test_a_declared_key_is_a_number_where_real_ones_are() -> None:
    found = kind(GAPS, "order", kind="id").column
    assert (found.stored, found.form) == ("int64", "{5900..9999}")
    assert kind(["007", "010", "9"], kind="id").column.stored == ""
    assert kind([str(10**17 + 7 * k) for k in range(9)], kind="id").column.stored == ""
    typed = infer(facts([str(7 * k) for k in range(30)], "order"), Declared(kind="id"), "uint16").column
    assert (typed.stored, typed.form) == ("uint16", "{210..999}")
    assert infer(facts([str(8 * k) for k in range(30)], "order"), Declared(kind="id"), "uint8").column.form == ""


@pytest.mark.parametrize(
    ("words", "form", "told"),
    [
        (["4/22/2021", "5/1/2021", "12/10/2021"], "%-m/%-d/%Y", ""),
        (["12/10/2021", "4/5/2021", "5/1/2021"], "%-m/%-d/%Y", "; %-d/%-m/%Y would fit as well: set format"),
        (["22/4/2021", "5/1/2021"], "%-d/%-m/%Y", ""),
        (["12/10/2021", "11/12/2021"], "%m/%d/%Y", "; %d/%m/%Y would fit as well: set format"),
        (["05/11/21", "12/02/21"], "%m/%d/%y", "; %d/%m/%y would fit as well: set format"),
        (["25/11/21", "12/02/21"], "%d/%m/%y", ""),
        (["5.11.2021", "25.1.2021"], "%-d.%-m.%Y", ""),
        (["05.11.21", "25.01.21"], "%d.%m.%y", ""),
        (["12:15", "07:58"], "%H:%M", ""),
        (["12:15", "7:58"], "%-H:%M", ""),
    ],
)
def test_short_dates_and_times(words: list[str | None], form: str, told: str) -> None:
    for size in (1, 7):
        found = infer(facts(words * 3, batch=size), Declared())
        assert (found.column.kind, found.column.stored) == ("datetime", form)
        assert (";" in found.reason) == bool(told)
        assert told in found.reason
    assert ("times written" in found.reason) == ("/" not in form and "." not in form)


@pytest.mark.parametrize("typed", ["double", "float", "decimal128(10, 0)", "decimal256(50, 0)"])
def test_whole_numbers_of_another_type_stay_whole(typed: str) -> None:
    found = infer(facts(["20", "35", None, "41", "20"]), Declared(), typed=typed)
    assert (found.column.kind, found.column.decimals, found.column.stored) == ("number", 0, typed)
    assert found.reason == "whole numbers from 20 to 41"
    steps = infer(facts([f"{25 * k}" for k in range(20)]), Declared(), typed=typed)
    assert steps.column.grid == 25
    assert infer(facts(["20", "35.5"]), Declared(), typed=typed).column.decimals == 1


def test_mixed_dates_and_times_are_words() -> None:
    assert kind(["12:15", "23:59:00"] * 3).column.kind == "category"
    assert kind(["75:30", "12:15"] * 3).column.kind == "category"
    assert kind(["2021-01-01", "4:15"] * 3).column.kind == "category"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["30"] * 5, "one value only, 30"),
        (["-1.50"] * 5, "one value only, -1.5"),
        (["12 %"] * 5, "one value only, 12, written like 1234.5 %"),
        (["0", "0.0"], "one value only, 0"),
        (["x", "x"], "one value only"),
        (["2021-03-04"] * 3, "one value only, dates written as %Y-%m-%d"),
        (["5", "12000", "5"], "whole numbers from 5 to 12,000"),
        (["0.5", "1234567.5", "0.5"], "numbers from 0.5 to 1,234,568, 1 digit after the point"),
        (["0.5", "1e30", "0.5"], "numbers from 0.5 to 1e+30"),
        ([None, None], "no value in any row"),
    ],
)
def test_ranges_are_told_in_plain_words(values: list[str | None], reason: str) -> None:
    assert kind(values).reason == reason
