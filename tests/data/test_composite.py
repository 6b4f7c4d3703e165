"""Keys of several columns: rows come to their owners by all of them, and what is wrong with them is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from tests.data.orders import write_regions

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.integrity import keys_of
from lookalike.data.readers.tables import Tables
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
    """Lines named by letters: two of one order never have the same. Of letter and side whole families are rejected."""
    tables = write_regions(tmp_path)
    lines = pd.read_csv(tmp_path / "lines.csv")
    letters, names = np.array(list("ABCDEFGHIJ")), ["region", "number", "line_no", "side"][: 2 + further]
    lines["line_no"] = [letters[(2 * place + row) % 10] for row, place in enumerate(lines["line_no"])]
    lines["side"] = np.random.default_rng(0).choice(["l", "r"], len(lines))
    lines.drop_duplicates(names).to_csv(tmp_path / "lines.csv", index=False)
    tables.pop("parcels")
    data = read(tmp_path, {**tables, "lines": {**tables["lines"], "key": names}})
    made = Nested().fit(data, Rng(0), lambda _: None).sample(300, Rng(1))
    wrong = made.problems()
    assert bool(wrong) == (further == 2)
    assert all("no two rows alike" in why for why in wrong.values())
    kept = cells(made.take(np.setdiff1d(np.arange(300), [*wrong])), "lines", *names)
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
