"""Columns that equal one of the owner in all rows are found, whatever their kinds, and become as those are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.data.inherited import inherited
from lookalike.data.integrity import keys_of
from lookalike.data.readers.tables import Tables
from lookalike.data.reading import read_notes
from lookalike.data.relations import Relations

N = 60


def parents(**more: object) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    return pd.DataFrame({"id": np.arange(N) + 100, "rest": draw.integers(0, 90, N), **more})


def read(folder: Path, owners: pd.DataFrame, rows: pd.DataFrame, owner: dict[str, Any] | None = None,
         **more: Any) -> Relations:  # fmt: skip
    """Return owners and the rows that belong to them."""
    for name, frame in (("owners", owners), ("rows", rows)):
        (frame.to_parquet if more.get("read") == "parquet" else frame.to_csv)(folder / name, index=False)
    (folder / "read").mkdir(exist_ok=True)
    kind = more.get("read", "csv")
    tables = {
        "owners": {"read": kind, "path": str(folder / "owners"), "key": "id", **(owner or {})},
        "rows": {"read": kind, "path": str(folder / "rows"), "parent": {"owners": "of"}, **more},
    }
    return Tables(tables=tables).read(folder / "read")


def children(owners: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return two rows for each owner in a mixed order, each with all that its owner says under other names."""
    rows = pd.concat([owners, owners]).sample(frac=1, random_state=seed).rename(columns={"id": "of"})
    return rows.assign(own=np.random.default_rng(1).integers(0, 50, len(rows)))


def pairs(data: Relations) -> dict[str, str]:
    return dict(data.schema.tables[1].inherited)


def test_what_equals_the_owner_is_found_and_becomes_as_that(tmp_path: Path) -> None:
    """Names that none of the owners share are text there, and categories with real names in rows without the code."""
    draw = np.random.default_rng(0)
    owners = parents(
        name=[f"Name {k} {chr(65 + k % 26)}" for k in range(N)],
        land=draw.choice(["DE", "FR", ""], N),
        amount=np.where(draw.random(N) < 0.2, np.nan, draw.gamma(3, 10, N).round(2)),
        day=(pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 90, N), "D")).strftime("%Y-%m-%d"),
    )
    data = read(tmp_path, owners, children(owners).rename(columns={"rest": "left"}))
    assert pairs(data) == {"left": "rest", "name": "name", "land": "land", "amount": "amount", "day": "day"}
    table, beside = data.tables["rows"], data.root.take(data.owners("rows"))
    for mine, other in pairs(data).items():
        assert table.schema.column(mine) == data.root.schema.column(other).model_copy(update={"name": mine})
        assert table.table.column(mine).equals(beside.table.column(other))
    notes = read_notes(tmp_path / "read")
    assert "rows: left is rest of the owner: copied" in notes
    assert not [note for note in notes if note.startswith("rows: column name:")]


def test_a_single_row_that_differs_is_enough(tmp_path: Path) -> None:
    owners = parents(land=["DE", "FR", ""] * 20)
    for value in ("FR", ""):
        rows = children(owners)
        rows.iloc[-1, rows.columns.get_loc("land")] = value if rows.iloc[-1]["land"] != value else "DE"
        assert pairs(read(tmp_path, owners, rows)) == {"rest": "rest"}


def test_what_nearly_all_owners_share_tells_nothing(tmp_path: Path) -> None:
    """Of 60 owners 10, 20 and 30 have the other value: 16.7, 26.7 and 30 would differ from their rows by chance."""
    owners = parents(none="x", **{f"some{k}": [*["y"] * k, *["x"] * (N - k)] for k in (10, 20, 30)})
    assert pairs(read(tmp_path, owners, children(owners))) == {"rest": "rest", "some20": "some20", "some30": "some30"}
    rows = children(owners)
    # Of those without rows nothing is known.
    assert pairs(read(tmp_path, owners, rows[rows["of"] < 112])) == {}


def test_of_equal_columns_that_of_the_same_name_is_taken(tmp_path: Path) -> None:
    owners = parents().assign(first=lambda frame: frame["rest"], last=lambda frame: frame["rest"])
    assert pairs(read(tmp_path, owners, children(owners)[["of", "own", "last", "first"]])) == {
        "last": "last",
        "first": "first",
    }


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_second_key_of_the_owner_is_a_key(tmp_path: Path, form: str) -> None:
    """The key of the owner once more, and its other key: real ones without the code, as categories or as numbers."""
    owners = parents(other=np.random.default_rng(2).permutation(N) + 7000)
    data = read(tmp_path, owners, children(owners).assign(again=lambda frame: frame["of"]), {"columns": {
        "other": {"kind": "id"}}}, read=form)  # fmt: skip
    assert pairs(data) == {"rest": "rest", "other": "other", "again": "id"}
    for name in ("other", "again"):
        column = data.tables["rows"].schema.column(name)
        assert (column.kind, column.stored) == ("id", "int64")
    found = {one.column: (one.refers, one.cells, one.wrong) for one in keys_of(data) if one.table == "rows"}
    assert found == {name: ("owners", 2 * N, 0) for name in ("of", "other", "again")}


def test_wrong_keys_of_the_owner_are_counted(tmp_path: Path) -> None:
    owners = parents()
    data = read(tmp_path, owners, children(owners).assign(again=lambda frame: frame["of"]))
    turned = data.tables["rows"].take(np.arange(2 * N)[::-1])
    wrong = Relations({**data.tables, "rows": turned}, data.sizes, data.schema)
    assert {one.column: one.wrong for one in keys_of(wrong) if one.table == "rows"} == {"of": 0, "again": 2 * N}


def test_what_is_declared_otherwise_stays_so(tmp_path: Path) -> None:
    owners = parents(land=["DE", "FR", "US"] * 20)
    rows = children(owners)
    assert pairs(read(tmp_path, owners, rows, columns={"land": {"kind": "text"}})) == {"rest": "rest"}
    both = {"land": {"kind": "category"}}
    assert pairs(read(tmp_path, owners, rows, columns=both)) == {"rest": "rest", "land": "land"}
    ruled = [{"rule": "range", "column": "rest", "low": 0, "high": 90}]
    assert pairs(read(tmp_path, owners, rows, constraints=ruled)) == {"rest": "rest", "land": "land"}
    # Kinds that differ would leave a constraint without its numbers, and a label without its classes.
    unique = owners.assign(land=[f"Land {k} {k % 7}" for k in range(N)])
    assert pairs(read(tmp_path, unique, children(unique))) == {"rest": "rest", "land": "land"}
    assert pairs(read(tmp_path, unique, children(unique), label="land")) == {"rest": "rest"}
    other = {"columns": {"rest": {"kind": "category"}}}
    assert pairs(read(tmp_path, owners, rows, other)) == {"rest": "rest", "land": "land"}
    assert pairs(read(tmp_path, owners, rows, other, constraints=ruled)) == {"land": "land"}


def test_links_are_inherited_where_both_go_to_one_table(tmp_path: Path) -> None:
    owners = parents(land=["DE", "FR", "US"] * 20)
    data = read(tmp_path, owners, children(owners))
    table, owners, owner = data.tables["rows"], data.root, data.owners("rows")
    for links, expected in (
        (({}, {}), True),
        (({"land": "lands"}, {"land": "lands"}), True),
        (({}, {"land": "lands"}), True),
        (({"land": "lands"}, {}), False),
        (({"land": "lands"}, {"land": "others"}), False),
    ):
        assert ("land" in inherited(table, owners, owner, ("of",), links)) == expected
    assert inherited(table, owners, owner, ("of", "land"), ({}, {})) == {"rest": "rest"}


def test_two_values_are_compared_as_they_stand_in_the_file(tmp_path: Path) -> None:
    """Owners of three sites, of which two have rows: 0 and 1 are a boolean there."""
    owners = parents(site=np.arange(N) % 3, paid=["yes", "no"] * (N // 2))
    rows = children(owners).query("site < 2")
    data = read(tmp_path, owners, rows.assign(paid=rows["paid"].map({"yes": "Y", "no": "N"})))
    assert pairs(data) == {"rest": "rest", "site": "site", "paid": "paid"}


def test_what_a_formula_gives_is_not_said_to_be_copied(tmp_path: Path) -> None:
    owners = parents(price=np.random.default_rng(0).integers(1, 40, N))
    rows = children(owners)
    rule = {"rule": "formula", "column": "price", "equals": "total / own"}
    rows["own"] += 1
    read(tmp_path, owners, rows.assign(total=rows["price"] * rows["own"]), constraints=[rule])
    notes = read_notes(tmp_path / "read")
    assert "rows: rest is rest of the owner: copied" in notes
    assert not [note for note in notes if note.startswith("rows: price is price")]
