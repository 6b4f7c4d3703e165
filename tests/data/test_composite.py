"""Keys of several columns: rows come to their owners by all of them, and what is wrong with them is one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from tests.data.orders import write_regions

from lookalike.core.errors import DataError
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.data.integrity import keys_of
from lookalike.data.readers.tables import Tables
from lookalike.data.reading import read_notes
from lookalike.data.relations import Relations
from lookalike.generators.tables.nested import Nested


def read(folder: Path, tables: dict[str, Any]) -> Relations:
    number = len([*folder.glob("read*")])
    (folder / f"read{number}").mkdir()
    return Tables(tables=tables).read(folder / f"read{number}")


def cells(data: Relations, name: str, *columns: str) -> list[tuple[str, ...]]:
    """Return some columns row by row, as words."""
    table, found = data.tables[name], []
    for column in columns:
        about = table.schema.column(column)
        if about.categories:
            found.append([about.categories[code] for code in table.codes(column)])
        else:
            found.append([str(value) for value in table.table.column(column).to_pylist()])
    return list(zip(*found, strict=True))


def test_rows_come_to_their_owners_by_all_columns(tmp_path: Path) -> None:
    data = read(tmp_path, write_regions(tmp_path))
    files = {name: pd.read_csv(tmp_path / f"{name}.csv", dtype=str) for name in data.tables}
    orders, lines = cells(data, "orders", "region", "number"), cells(data, "lines", "region", "number", "line_no")
    assert orders == list(files["orders"][["region", "number"]].itertuples(index=False, name=None))
    assert [line[:2] for line in lines] == [orders[row] for row in data.owners("lines")]
    assert sorted(lines) == sorted(files["lines"][["region", "number", "line_no"]].itertuples(index=False, name=None))
    assert cells(data, "parcels", "area", "of", "line") == [lines[row] for row in data.owners("parcels")]
    counts = files["parcels"].groupby(["area", "of", "line"]).size()
    assert data.sizes["parcels"].tolist() == [counts.get(line, 0) for line in lines]


def test_made_keys_are_unique_and_refer_to_rows(tmp_path: Path) -> None:
    data = read(tmp_path, write_regions(tmp_path))
    model = Nested().fit(data, Rng(0), lambda _: None)
    made = model.sample(700, Rng(1))
    assert made.schema == data.schema
    assert not made.problems()
    orders, lines = cells(made, "orders", "region", "number"), cells(made, "lines", "region", "number", "line_no")
    assert len(set(orders)) == 700
    assert len(set(lines)) == len(lines)
    assert not set(orders) & set(cells(data, "orders", "region", "number"))
    assert [line[:2] for line in lines] == [orders[row] for row in made.owners("lines")]
    assert cells(made, "parcels", "area", "of", "line") == [lines[row] for row in made.owners("parcels")]
    for rows in (data, made):
        price, north = (
            rows.tables["lines"].numbers("price"),
            [line[0] == "N" for line in cells(rows, "lines", "region")],
        )
        assert price[north].mean() == pytest.approx(20, abs=1.5)
        assert price[np.logical_not(north)].mean() == pytest.approx(40, abs=1.5)
        assert [(one.table, one.column, one.refers, one.wrong) for one in keys_of(rows)] == [
            ("orders", "region + number", "", 0),
            ("lines", "region + number + line_no", "", 0),
            ("lines", "region + number", "orders", 0),
            ("parcels", "area + of + line", "lines", 0),
        ]
    # Parts of one dataset have no key in common.
    parts = [model.sample(300, Rng(1).child("shard", start).child("rows")) for start in (0, 300)]
    assert not set(cells(parts[0], "orders", "number")) & set(cells(parts[1], "orders", "number"))
    model.save(tmp_path / "model")
    assert Nested().load(tmp_path / "model").sample(700, Rng(1)).fingerprint() == made.fingerprint()


def test_wrong_keys_of_several_columns_are_counted(tmp_path: Path) -> None:
    data = read(tmp_path, write_regions(tmp_path))
    orders = data.tables["orders"]
    twice = Relations(
        {**data.tables, "orders": orders.take(np.maximum(np.arange(200) - 1, 0))}, data.sizes, data.schema
    )
    found = {one.column: one.wrong for one in keys_of(twice) if one.table != "parcels"}
    assert found["region + number"] > 0
    assert next(one.wrong for one in keys_of(twice) if one.table == "orders") == 1


@pytest.mark.parametrize("further", [1, 2])
def test_what_makes_rows_of_one_owner_differ_may_be_words(tmp_path: Path, further: int) -> None:
    """Lines named by letters, or by letters and a side: two of one order never have the same."""
    tables = write_regions(tmp_path)
    lines = pd.read_csv(tmp_path / "lines.csv")
    letters, names = np.array(list("ABCDEFGHIJ")), ["region", "number", "line_no", "side"][: 2 + further]
    lines["line_no"] = [letters[(2 * place + row) % 10] for row, place in enumerate(lines["line_no"])]
    lines["side"] = np.random.default_rng(0).choice(["l", "r"], len(lines))
    lines.drop_duplicates(names).to_csv(tmp_path / "lines.csv", index=False)
    tables.pop("parcels")
    data = read(tmp_path, {**tables, "lines": {**tables["lines"], "key": names}})
    made = Nested().fit(data, Rng(0), lambda _: None).sample(300, Rng(1))
    assert not made.problems()
    kept = cells(made, "lines", *names)
    assert len(set(kept)) == len(kept) > 0


def test_orphans_of_several_columns_stop_or_are_dropped(tmp_path: Path) -> None:
    tables = write_regions(tmp_path)
    with (tmp_path / "lines.csv").open("a") as file:
        file.write("N,9999,1,5\nE,1,1,5\n,2,1,5\n")
    with pytest.raises(
        DataError, match=r"table lines: of \d+ keys in region \+ number, found 2 that orders lacks and 1"
    ):
        read(tmp_path, tables)
    tables["lines"] = {**tables["lines"], "orphans": "drop"}
    assert len(read(tmp_path, tables).tables["lines"]) == len(pd.read_csv(tmp_path / "lines.csv")) - 3


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        ("orders", {"key": ["region", "nummer"]}, "orders: key names nummer, which is no column; columns: region,"),
        ("lines", {"parent": {"orders": ["region", "no"]}, "key": None},
         "table lines: parent names no, which is no column; columns: region,"),
        ("orders", {"key": ["region", "paid"]}, r"table orders: \d+ of 200 rows have the region \+ paid of an earlier"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_rows_is_one_line(tmp_path: Path, table: str, changes: Any, words: str) -> None:
    tables = write_regions(tmp_path)
    tables.pop("parcels")
    with pytest.raises(DataError, match=words) as error:
        read(tmp_path, {**tables, table: {**tables[table], **changes}})
    assert "\n" not in str(error.value)


def test_a_missing_part_of_a_key_stops(tmp_path: Path) -> None:
    tables = write_regions(tmp_path)
    orders = pd.read_csv(tmp_path / "orders.csv", dtype=str)
    orders.loc[3, "region"] = ""
    orders.to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(DataError, match=r"table orders: 1 of 200 rows have no key in region \+ number; fill them"):
        read(tmp_path, tables)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"orders": {"key": ["region", "region"]}}, "a key of several columns needs two or more different ones"),
        ({"orders": {"key": ["region"]}}, "a key of several columns needs two or more different ones"),
        ({"lines": {"parent": {"orders": ["region", "number", "line_no"]}}},
         "keys of orders in region, number, line_no, but the key of orders is region, number; name as many"),
        ({"lines": {"parent": {"orders": "number"}}}, "keys of orders in number, but the key of orders is region"),
        ({"lines": {"parent": {"orders": ["number", "number"]}}}, "table lines names number twice in parent and links"),
        ({"orders": {"key": "number"}}, "keys of orders in region, number, but the key of orders is number"),
        ({"lines": {"key": ["region", "number"]}}, "lines has region, number both for its key and for that of its"),
        ({"orders": {"links": {"towns": [["a", "b"]]}}, "towns": {"key": ["a", "b"], "shared": True}},
         "links take keys of one column"),
        ({"towns": {"key": ["a", "b"], "shared": True}, "orders": {"links": {"towns": "paid"}}},
         "table towns is shared or kept and has a key of several columns; give it a key of one column"),
        ({"lines": {"constraints": [{"rule": "formula", "column": "number", "equals": "line_no + 1"}]}},
         "table lines: a formula gives number, which holds keys of its owner; leave the formula out"),
        ({"lines": {"leave_out": ["number"]}}, "table lines: leave_out names number, which holds keys"),
    ],
)  # fmt: skip
def test_keys_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    tables = write_regions(tmp_path)
    for name, more in changes.items():
        tables[name] = {"read": "csv", "path": str(tmp_path / "orders.csv"), **tables.get(name, {}), **more}
    with pytest.raises(ValidationError, match=words):
        Tables(tables=tables)


def single(folder: Path, key: list[str], owners: pd.DataFrame, seed: int = 0, **more: Any) -> dict[str, Any]:
    """Write owners with a key of several columns, and two rows for each, and return the settings that read them."""
    rows = owners.loc[owners.index.repeat(2), key].assign(cost=np.random.default_rng(seed).integers(0, 50, 400))
    for name, frame in (("owners", owners), ("rows", rows)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    about = {name: {"read": "csv", "path": str(folder / f"{name}.csv")} for name in ("owners", "rows")}
    return {
        "owners": {**about["owners"], "key": key, **more},
        "rows": {**about["rows"], "parent": {"owners": key}},
    }


def marked(folder: Path, **more: Any) -> dict[str, Any]:
    """Return 200 owners that day and city name together, and how pleased they are."""
    days = np.repeat(pd.date_range("2024-01-01", periods=50).strftime("%Y-%m-%d"), 4)
    draw = np.random.default_rng(0)
    owners = pd.DataFrame({"day": days, "city": ["Bonn", "Ulm", "Trier", "Kiel"] * 50})
    owners["mood"], owners["rate"] = draw.integers(1, 90, 200), (np.arange(200) / 8).round(3)
    return single(folder, ["day", "city"], owners, **more)


@pytest.mark.parametrize("way", ["shared", "keep"])
def test_what_refers_to_another_table_gets_no_new_keys(tmp_path: Path, way: str) -> None:
    """Reviews of 40 staff in 5 years: most values has the column that holds keys of the staff."""
    staff = pd.DataFrame({"emp": [f"E{k:03d}" for k in range(40)], "pay": np.arange(40) * 3 % 17})
    reviews = pd.DataFrame([(emp, year) for emp in staff["emp"] for year in range(2020, 2025)], columns=["emp", "year"])
    staff.to_csv(tmp_path / "staff.csv", index=False)
    tables = single(tmp_path, ["emp", "year"], reviews.assign(grade=list("abcde") * 40), links={"staff": "emp"})
    data = read(
        tmp_path, {**tables, "staff": {"read": "csv", "path": str(tmp_path / "staff.csv"), "key": "emp", way: True}}
    )
    assert "owners: year gets the new keys of emp + year" in read_notes(tmp_path / "read0")
    made = Nested().fit(data, Rng(0), lambda _: None).sample(300, Rng(1))
    assert not [one for one in keys_of(made) if one.wrong]
    assert len(set(cells(made, "owners", "emp", "year"))) == 300


def test_what_is_copied_from_the_owner_gets_no_new_keys(tmp_path: Path) -> None:
    """Lines numbered within their customer, whose key an order has too: customer and number name a line."""
    draw = np.random.default_rng(0)
    customers = pd.DataFrame({"cust": [f"C{k:03d}" for k in range(100)], "age": draw.integers(18, 90, 100)})
    orders = pd.DataFrame(
        {"order": np.arange(150) + 900, "cust": customers["cust"].to_numpy()[draw.integers(0, 100, 150)]}
    )
    lines = orders.loc[np.repeat(np.arange(150), 1 + draw.poisson(1, 150))].assign(pieces=3)
    lines["pieces"] = draw.integers(1, 60, len(lines))
    lines["seq"] = lines.groupby("cust").cumcount() + 1
    tables: dict[str, Any] = {}
    for name, frame in (("customers", customers), ("orders", orders), ("lines", lines)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        tables[name] = {"read": "csv", "path": str(tmp_path / f"{name}.csv")}
    tables["customers"] |= {"key": "cust"}
    tables["orders"] |= {"key": "order", "parent": {"customers": "cust"}}
    tables["lines"] |= {"key": ["cust", "seq"], "parent": {"orders": "order"}}
    made = Nested().fit(read(tmp_path, tables), Rng(0), lambda _: None).sample(100, Rng(1))
    assert not [one for one in keys_of(made) if one.wrong]
    tables["lines"]["columns"] = {"seq": {"kind": "integer"}}
    words = "no column of its key can get new ones: cust is copied from the owner, seq is declared as integer;"
    with pytest.raises(DataError, match=words):
        read(tmp_path, tables)


def test_dates_of_a_key_stay_dates(tmp_path: Path) -> None:
    data = read(tmp_path, marked(tmp_path))
    assert [data.root.schema.column(name).kind for name in ("day", "city")] == ["datetime", "id"]
    made = Nested().fit(data, Rng(0), lambda _: None).sample(100, Rng(1))
    assert set(made.root.numbers("day")) <= set(data.root.numbers("day"))
    assert not [one for one in keys_of(made) if one.wrong]


@pytest.mark.parametrize(
    ("key", "more", "words"),
    [
        (["day", "rate"], {}, "day holds dates or decimals, rate holds dates or decimals; one of whole numbers"),
        (["day", "city"], {"label": "city"}, "day holds dates or decimals, city is the label;"),
        (["day", "city"], {"columns": {"city": {"kind": "category"}}}, "decimals, city is declared as category;"),
    ],
)  # fmt: skip
def test_no_column_for_new_keys_is_one_line(tmp_path: Path, key: list[str], more: Any, words: str) -> None:
    marked(tmp_path)
    tables = single(tmp_path, key, pd.read_csv(tmp_path / "owners.csv"), **more)
    with pytest.raises(DataError, match=f"table owners: no column of its key can get new ones: .*{words}") as error:
        read(tmp_path, tables)
    assert "\n" not in str(error.value)


def test_a_declared_column_gets_no_new_keys(tmp_path: Path) -> None:
    tables = write_regions(tmp_path)
    bounds = {"number": {"kind": "integer", "low": 1, "high": 99}}
    data = read(tmp_path, {**tables, "orders": {**tables["orders"], "columns": bounds}})
    assert [data.root.schema.column(name).kind for name in ("region", "number")] == ["id", "integer"]
    made = Nested().fit(data, Rng(0), lambda _: None).sample(100, Rng(1))
    assert not [one for one in keys_of(made) if one.wrong]
    with pytest.raises(DataError, match="table lines: column number holds keys but is declared as integer; leave its"):
        read(tmp_path, {**tables, "lines": {**tables["lines"], "columns": bounds}})


RULES: list[dict[str, Any]] = [
    {"rule": "range", "column": "number", "low": 1},
    {"rule": "inequality", "low": "number", "high": "thousand"},
    {"rule": "formula", "column": "thousand", "equals": "number * 1000"},
    {"rule": "combination", "columns": ["region", "number"]},
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("table", ["orders", "lines"])
def test_rules_of_new_keys_are_refused(tmp_path: Path, rule: dict[str, Any], table: str) -> None:
    tables = write_regions(tmp_path)
    frame = pd.read_csv(tmp_path / f"{table}.csv")
    frame.assign(thousand=frame["number"] * 1000).to_csv(tmp_path / f"{table}.csv", index=False)
    with pytest.raises(DataError, match=rf"table {table}: constraint .* names number, which holds keys: new ones are"):
        read(tmp_path, {**tables, table: {**tables[table], "constraints": [rule]}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order": "number"}, "order names number, which is a key of the owner: all rows of one are alike in it;"),
        ({"order": "cost", "key": ["cost", "price"], "columns": {"price": {"kind": "number"}}},
         "order names cost, which gets new keys; name another column of numbers"),
        ({"order": "cost", "rising": True}, "order names cost, which holds keys; allowed: number"),
    ],
)  # fmt: skip
def test_an_order_by_keys_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    tables = write_regions(tmp_path)
    tables.pop("parcels")
    lines = pd.read_csv(tmp_path / "lines.csv")
    lines["cost"], lines["price"] = np.arange(len(lines)) // 2 + 1, np.arange(len(lines)) % 2 + 0.5
    if changes.pop("rising", False):
        lines["cost"] = np.arange(len(lines)) + 500
    lines.to_csv(tmp_path / "lines.csv", index=False)
    with pytest.raises(DataError, match=f"table lines: {words}"):
        read(tmp_path, {**tables, "lines": {**tables["lines"], **changes}})


@pytest.mark.parametrize("words", [["0", "1", "2"], ["N", "Y", "M"]])
def test_two_values_of_a_key_are_those_of_the_file(tmp_path: Path, words: list[str]) -> None:
    """Orders of three sites of which two have lines: their site alone would be a boolean."""
    orders = pd.DataFrame({"site": np.repeat(words, 80), "number": [*range(1, 81)] * 3, "mood": np.arange(240) % 7})
    lines = orders.loc[np.repeat(np.arange(160), 2), ["site", "number"]].assign(cost=np.arange(320) % 23)
    for name, frame in (("orders", orders), ("lines", lines)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    tables = {
        "orders": {"read": "csv", "path": str(tmp_path / "orders.csv"), "key": ["site", "number"]},
        "lines": {"read": "csv", "path": str(tmp_path / "lines.csv"), "parent": {"orders": ["site", "number"]}},
    }
    data = read(tmp_path, tables)
    assert data.sizes["lines"].tolist() == [2] * 160 + [0] * 80
    made = Nested().fit(data, Rng(0), lambda _: None).sample(100, Rng(1))
    assert not [one for one in keys_of(made) if one.wrong]


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        ("lines", {"key": ["region", False]}, "key has false in the place of a column: YAML reads no, off, yes and o"),
        ("orders", {"key": [1, 2]}, "key takes the name of a column, or a list of names, found 1; quote a name that"),
        ("orders", {"key": {"region": 1}}, "key takes the name of a column, or a list of names, found {'region': 1};"),
        ("orders", {"key": ""}, "key takes the name of a column, or a list of names, found nothing; write COLUMN"),
        ("lines", {"parent": {"orders": None}}, "parent: orders takes the name of a column, or a list of names, foun"),
        ("lines", {"parent": {"orders": []}}, "parent: orders takes the name of a column, or a list of names, found"),
        ("lines", {"parent": {"orders": ["region", True]}}, "parent: orders has true in the place of a column: YAML"),
        ("lines", {"parent": {"orders": "a", "towns": "b"}}, "parent takes one table, found 2: orders, towns; keep t"),
        ("lines", {"parent": "orders"}, "parent takes a table and its column here, found orders; write {TABLE: COLUM"),
        ("lines", {"order": ["a", "b"]}, "order takes the name of a column, found ['a', 'b']; write COLUMN"),
        ("lines", {"links": "towns"}, "links take tables and columns here, found towns; write {TABLE: COLUMN}"),
        ("lines", {"links": {"towns": False}}, "links: towns has false in the place of a column: YAML reads no, off,"),
        ("lines", {"links": {"towns": None}}, "links: towns takes the name of a column, or a list of names, found no"),
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_column_is_one_line(table: str, changes: dict[str, Any], words: str) -> None:
    tables: dict[str, Any] = {"orders": {"read": "csv", "key": ["region", "number"]},
                              "lines": {"read": "csv", "parent": {"orders": ["region", "number"]}}}  # fmt: skip
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        configured("readers", "tables", {"tables": {**tables, table: {**tables[table], **changes}}}, "data")
    assert "\n" not in str(error.value)
