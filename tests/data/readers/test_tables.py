"""Several files become one dataset: rows come to their owners, keys are checked, and what is wrong is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from tests.data.desk import write_desk
from tests.data.shop import write_shop

from lookalike.core.errors import DataError
from lookalike.data.formats import typed
from lookalike.data.readers.tables import Tables
from lookalike.data.reading import read_notes
from lookalike.data.relations import Relations


def read(folder: Path, tables: dict[str, Any]) -> Relations:
    place = folder / "read"
    place.mkdir()
    return Tables(tables=tables).read(place)


def changed(tables: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    return {**tables, name: {key: value for key, value in {**tables[name], **changes}.items() if value is not None}}


def test_rows_come_to_their_owners_in_order(tmp_path: Path) -> None:
    data = read(tmp_path, write_shop(tmp_path))
    assert [member.name for member in data.schema.tables] == ["shops", "sales", "items", "lands"]
    assert len(data) == 60
    sales = pd.read_csv(tmp_path / "sales.csv").sort_values("day", kind="stable")
    for place, shop in enumerate(data.tables["shops"].strings("shop")):
        own = data.owners("sales") == place
        assert set(np.array(data.tables["sales"].strings("shop"))[own]) <= {shop}
        found = data.tables["sales"].numbers("price")[own]
        np.testing.assert_array_equal(found, sales.loc[sales["shop"] == shop, "price"])
    assert data.sizes["sales"].tolist() == [int((sales["shop"] == f"s{k}").sum()) for k in range(60)]
    keys = np.array(data.tables["sales"].strings("sale"))[data.owners("items")]
    assert keys.tolist() == data.tables["items"].strings("sale")
    assert data.tables["sales"].schema.column("land").kind == "category"
    assert read_notes(tmp_path / "read") == ["lands: kept; its 3 real rows are given out as they are"]


def test_a_table_may_come_from_elsewhere_and_has_its_own_settings(tmp_path: Path) -> None:
    tables = write_shop(tmp_path)
    pd.read_csv(tmp_path / "items.csv").to_parquet(tmp_path / "items.parquet")
    tables["items"] = {**tables["items"], "read": "parquet", "path": str(tmp_path / "items.parquet")}
    tables = changed(tables, "sales", constraints=[{"rule": "range", "column": "price", "low": 0}])
    data = read(tmp_path, tables)
    assert data.tables["items"].schema.column("weight").stored == "int64"
    assert data.tables["sales"].schema.constraints[0].title == "0 <= price"


def test_keys_that_are_numbers_stay_numbers(tmp_path: Path) -> None:
    tables = write_shop(tmp_path)
    lands = {"DE": 10, "FR": 20, "IT": 30}
    for name in ("sales", "lands"):
        frame = pd.read_csv(tmp_path / f"{name}.csv")
        frame.assign(land=frame["land"].map(lands)).to_csv(tmp_path / f"{name}.csv", index=False)
    pd.read_csv(tmp_path / "lands.csv").to_parquet(tmp_path / "lands.parquet")
    tables["lands"] = {**tables["lands"], "read": "parquet", "path": str(tmp_path / "lands.parquet")}
    data = read(tmp_path, tables)
    sales = typed(data.tables["sales"])
    assert set(sales.column("land").to_pylist()) == {10, 20}
    assert str(sales.schema.field("sale").type) == str(typed(data.tables["items"]).schema.field("sale").type) == "int64"


@pytest.mark.parametrize("lost", ["sales", "items"])
def test_orphans_stop_or_are_dropped_and_counted(tmp_path: Path, lost: str) -> None:
    tables = write_shop(tmp_path)
    column = {"sales": "shop", "items": "sale"}[lost]
    frame = pd.read_csv(tmp_path / f"{lost}.csv", dtype=str)
    frame.loc[:2, column] = "x9"
    frame.loc[3, column] = None
    frame.to_csv(tmp_path / f"{lost}.csv", index=False)
    stopped = changed(tables, "items", orphans="drop") if lost == "sales" else tables
    with pytest.raises(DataError, match=rf"table {lost}: of {len(frame)} keys in {column}, found 3 that \w+ lacks"):
        read(tmp_path, stopped)
    dropped = changed(changed(tables, lost, orphans="drop"), "items", orphans="drop")
    data = Tables(tables=dropped).read(fresh(tmp_path))
    assert len(data.tables[lost]) == len(frame) - 4
    assert any(note.startswith(f"{lost}: dropped 4 of") for note in read_notes(tmp_path / "again"))


def fresh(folder: Path) -> Path:
    (folder / "again").mkdir()
    return folder / "again"


def test_links_to_nothing_stop_or_are_dropped(tmp_path: Path) -> None:
    tables = write_shop(tmp_path)
    (tmp_path / "lands.csv").write_text("land,name\nDE,Germany\n")
    with pytest.raises(DataError, match=r"table sales: of \d+ keys in land, found \d+ that lands lacks; correct them"):
        read(tmp_path, tables)
    tables = changed(changed(tables, "sales", orphans="drop"), "items", orphans="drop")
    data = Tables(tables=tables).read(fresh(tmp_path))
    assert data.tables["sales"].schema.column("land").categories == ("DE",)


def test_unknown_keys_in_a_circle_go_and_their_rows_stay(tmp_path: Path) -> None:
    tables = write_desk(tmp_path, 50)
    # T0 lacks its topic, T1 is under T0, and T2 under T1: if rows went, so would all of them, and their tickets.
    (tmp_path / "topics.csv").write_text("topic,depth,above\nT2,2,T1\nT1,1,T0\nT0,0,T9\nT3,0,\n")
    tickets = pd.read_csv(tmp_path / "tickets.csv", dtype=str)
    tickets["topic"] = ["T2", "T3"] * 25
    tickets.to_csv(tmp_path / "tickets.csv", index=False)
    with pytest.raises(DataError, match="table topics: of 4 keys in above, found 1 that topics lacks"):
        read(tmp_path, tables)
    data = Tables(tables=changed(tables, "topics", orphans="drop")).read(fresh(tmp_path))
    assert data.tables["topics"].strings("above") == ["T1", "T0", None, None]
    assert len(data) == 50
    told = [note for note in read_notes(tmp_path / "again") if note.startswith("topics: 1 of 4 keys in above")]
    assert told == ["topics: 1 of 4 keys in above that topics lacks are missing now; their rows stay"]


def test_shared_tables_that_only_refer_to_each_other_are_refused(tmp_path: Path) -> None:
    tables = changed(write_desk(tmp_path, 10), "tickets", links={"topics": "topic"})
    with pytest.raises(ValidationError, match="table departments is shared but no table that is made links to it"):
        Tables(tables=tables)


def test_what_is_wrong_with_the_rows_is_one_line(tmp_path: Path) -> None:
    tables = write_shop(tmp_path)
    rows = (tmp_path / "shops.csv").read_text()
    for content, words in (
        (rows + "s1,big,3\n", "table shops: column shop is declared as id, but repeats some of its values"),
        (rows + ",big,3\n", "table shops: 1 of 61 rows have no key in shop; fill them"),
    ):
        (tmp_path / "shops.csv").write_text(content)
        with pytest.raises(DataError, match=words) as error:
            Tables(tables=tables).read(cleared(tmp_path / "place"))
        assert "\n" not in str(error.value)
    (tmp_path / "shops.csv").write_text(rows)
    for changes, words in (
        (
            {"order": "means"},
            "table sales: order names means, which is no column of numbers or dates; allowed: price",
        ),
        ({"order": "nothing"}, "table sales: order names nothing"),
        ({"parent": {"shops": "store"}}, "table sales: sales.csv has no column 'store'"),
    ):
        with pytest.raises(DataError, match=words):
            Tables(tables=changed(tables, "sales", **changes)).read(cleared(tmp_path / "place"))


def cleared(folder: Path) -> Path:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def test_tables_that_make_no_tree_are_refused(tmp_path: Path) -> None:
    tables = write_shop(tmp_path)
    for name, changes, words in (
        (
            "sales",
            {"parent": {"stores": "shop"}},
            "table sales refers to 'stores', which is no table here",
        ),
        ("shops", {"key": None}, "table sales refers to shops, which has no key; give it key: COLUMN"),
        ("shops", {"parent": {"sales": "area"}}, "parents go in a circle: shops -> sales -> shops"),
        (
            "sales",
            {"parent": None, "order": None},
            "one table must be the root, .* found shops, sales",
        ),
        ("shops", {"keep": True}, "table sales has the parent shops, whose rows are kept; write links"),
        ("items", {"links": {"shops": "weight"}}, "table items links to shops, which owns or is owned; make"),
        ("shops", {"shared": True}, "table sales has the parent shops, whose rows are shared; write links"),
        ("lands", {"shared": True}, "kept as it is or shared and made anew; give keep or shared, not both"),
        ("items", {"shared": True}, "a table with shared: true belongs to no row"),
        ("lands", {"keep": False, "shared": True, "key": None}, "refers to lands, which has no key"),
        ("lands", {"keep": False}, "table sales links to lands, .* or set shared: true for lands if it has no parent"),
        ("sales", {"links": {"lands": ["land", "land"]}}, "table sales names land twice in parent and links"),
        ("sales", {"links": {"lands": "sale"}}, "table sales has sale both for its key and for that of a row"),
        ("sales", {"leave_out": ["land"]}, "table sales: leave_out names land, which holds keys"),
        ("sales", {"key": "shop"}, "table sales has shop both for its key and for that of its owner"),
        ("lands", {"parent": {"shops": "name"}}, "a table with keep: true is given out as it is"),
        ("shops", {"order": "area"}, "order needs a parent"),
        ("shops", {"columns": {"shop": {"kind": "number"}}}, "column shop holds keys but is declared as number"),
        ("shops", {"read": "folder"}, "table shops: reader folder reads no table; allowed: csv, parquet, hf, sql"),
        ("shops", {"pth": "x"}, r"tables.shops.*pth"),
        ("items", {"key": "item", "links": {"items": "other"}}, "table items links to itself, but owns or is owned"),
    ):
        with pytest.raises(ValidationError, match=words):
            Tables(tables=changed(tables, name, **changes))
    with pytest.raises(ValidationError, match="name the tables"):
        Tables()


def test_a_change_of_any_file_is_noticed(tmp_path: Path) -> None:
    reader = Tables(tables=write_shop(tmp_path))
    before = reader.state()
    (tmp_path / "items.csv").write_text("sale,weight\n")
    assert reader.state() != before
