"""What rows have of their owners they have of made owners too: at every level, by any link, under constraints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.clinic import write_clinic
from tests.data.orders import write_orders

from lookalike.core.events import Event, Note
from lookalike.core.rng import Rng
from lookalike.data.formats import typed
from lookalike.data.integrity import keys_of
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations
from lookalike.generators.tables.nested import Nested


def read(folder: Path, tables: dict[str, Any]) -> Relations:
    (folder / "read").mkdir(exist_ok=True)
    return Tables(tables=tables).read(folder / "read")


def kept(data: Relations) -> dict[str, float]:
    """Return for every inherited column the share of rows that have what their owner has."""
    found = {}
    for member in data.owned:
        beside = data.tables[str(member.parent)].take(data.owners(member.name))
        for mine, other in member.inherited:
            pair = data.tables[member.name].table.column(mine).to_pylist(), beside.table.column(other).to_pylist()
            found[f"{member.name}.{mine}"] = float(np.mean([one == two for one, two in zip(*pair, strict=True)]))
    return found


def test_orders_and_lines_have_what_their_owners_have(tmp_path: Path) -> None:
    tables = write_orders(tmp_path)
    lines, orders = (pd.read_csv(tmp_path / f"{name}.csv", dtype=str) for name in ("lines", "orders"))
    # What the customer says comes down by two levels.
    lines.merge(orders[["order_id", "country"]]).to_csv(tmp_path / "lines.csv", index=False)
    data = read(tmp_path, tables)
    model = Nested().fit(data, Rng(0), lambda _: None)
    made = model.sample(300, Rng(1))
    names = ["orders.customer_name", "orders.country", "lines.customer_id", "lines.currency", "lines.country"]
    assert kept(made) == dict.fromkeys(names, 1.0)
    assert all(one.wrong == 0 for one in keys_of(made))
    assert [one.refers for one in keys_of(made) if (one.table, one.column) == ("lines", "customer_id")] == ["customers"]
    assert made.schema == data.schema
    assert not set(made.tables["lines"].strings("customer_id")) & set(data.tables["lines"].strings("customer_id"))
    assert made.tables["lines"].missing("country").any()
    # What is learnt is still there: the currency of an order goes with its country.
    for rows in (data, made):
        table = rows.tables["lines"]
        dollars = table.codes("currency") == table.schema.column("currency").categories.index("USD")
        there = table.codes("country") == table.schema.column("country").categories.index("US")
        assert dollars[~there].mean() < 0.02
        assert dollars[there].mean() == pytest.approx(0.8, abs=0.1)
    model.save(tmp_path / "model")
    assert Nested().load(tmp_path / "model").sample(300, Rng(1)).fingerprint() == made.fingerprint()


def test_the_doctor_of_the_owner_is_that_of_the_row(tmp_path: Path) -> None:
    """Bills of visits name the doctor once more: by a link, or as a column that happens to hold the key."""
    tables = write_clinic(tmp_path)
    visits = pd.read_csv(tmp_path / "visits.csv", dtype={"doctor": str})
    visits.insert(0, "visit", np.arange(len(visits)) + 1)
    visits.to_csv(tmp_path / "visits.csv", index=False)
    bills = pd.concat([visits, visits[::2]])[["visit", "doctor"]].rename(columns={"doctor": "seen"})
    bills["sum"] = np.random.default_rng(0).integers(5, 90, len(bills))
    bills.to_csv(tmp_path / "bills.csv", index=False)
    tables["visits"]["key"] = "visit"
    tables["bills"] = {"read": "csv", "path": str(tmp_path / "bills.csv"), "parent": {"visits": "visit"}}
    for more in ({}, {"links": {"doctors": "seen"}}):
        data = read(tmp_path, {**tables, "bills": {**tables["bills"], **more}})
        model = Nested().fit(data, Rng(0), lambda _: None)
        made = model.sample(150, Rng(1))
        assert kept(made) == {"bills.seen": 1.0}
        assert all(one.wrong == 0 for one in keys_of(made))
        assert made.tables["bills"].missing("seen").any()
        model.save(tmp_path / f"model{len(more)}")
        assert Nested().load(tmp_path / f"model{len(more)}").sample(5, Rng(1)).fingerprint()


def test_constraints_hold_beside_what_is_copied(tmp_path: Path) -> None:
    """A difference leaves the copied end as it is; a formula is stronger than the owner; numbers come once."""
    draw = np.random.default_rng(0)
    owners = pd.DataFrame({"id": range(200), "least": draw.integers(1, 60, 200), "base": draw.integers(1, 40, 200)})
    rows = owners.loc[np.repeat(np.arange(200), 1 + draw.poisson(2, 200))].rename(columns={"id": "of"})
    rows["no"] = rows.groupby("of").cumcount() + 1
    rows["top"] = rows["least"] + draw.integers(0, 9, len(rows))
    rows["low"] = rows["least"] - draw.integers(0, 9, len(rows))
    rows["tax"] = draw.integers(1, 5, len(rows))
    rows["less"] = rows["base"] - rows["tax"]
    for name, frame in (("owners", owners), ("rows", rows)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    rules = [
        {"rule": "inequality", "low": "least", "high": "top"},
        {"rule": "inequality", "low": "low", "high": "least"},
        {"rule": "formula", "column": "base", "equals": "less + tax"},
        {"rule": "unique", "columns": ["of", "no"]},
    ]
    place = {name: str(tmp_path / f"{name}.csv") for name in ("owners", "rows")}
    data = read(tmp_path, {"owners": {"read": "csv", "path": place["owners"], "key": "id"},
                           "rows": {"read": "csv", "path": place["rows"], "parent": {"owners": "of"},
                                    "constraints": rules}})  # fmt: skip
    told: list[Event] = []
    made = Nested().fit(data, Rng(0), told.append).sample(300, Rng(1))
    assert not made.problems()
    found = kept(made)
    assert found["rows.least"] == 1
    assert found["rows.base"] < 1
    assert not [event.message for event in told if isinstance(event, Note) and "rejecting" in event.message]


def test_an_order_that_all_rows_of_an_owner_share_is_none(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    owners = pd.DataFrame({"id": range(100), "day": draw.integers(1, 60, 100)})
    rows = owners.loc[np.repeat(np.arange(100), 1 + draw.poisson(2, 100))].rename(columns={"id": "of"})
    rows["price"] = draw.integers(1, 60, len(rows))
    for name, frame in (("owners", owners), ("rows", rows)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    place = {name: str(tmp_path / f"{name}.csv") for name in ("owners", "rows")}
    data = read(tmp_path, {"owners": {"read": "csv", "path": place["owners"], "key": "id"},
                           "rows": {"read": "csv", "path": place["rows"], "parent": {"owners": "of"},
                                    "order": "day"}})  # fmt: skip
    made = Nested().fit(data, Rng(0), lambda _: None).sample(100, Rng(1))
    assert kept(made) == {"rows.day": 1.0}


def test_keys_of_owners_need_no_room_of_their_own(tmp_path: Path) -> None:
    """Keys in 16 bits: 5,000 of the owner have room, where new ones for each of their rows had none."""
    draw = np.random.default_rng(0)
    owners = pd.DataFrame({"id": np.arange(1, 101, dtype=np.int16), "x": draw.integers(0, 9, 100)})
    of = np.repeat(owners["id"], draw.integers(1, 12, 100)).to_numpy()
    rows = pd.DataFrame({"of": of, "again": of, "y": draw.integers(0, 9, len(of))})
    for name, frame in (("owners", owners), ("rows", rows)):
        frame.to_parquet(tmp_path / name)
    place = {name: str(tmp_path / name) for name in ("owners", "rows")}
    data = read(tmp_path, {"owners": {"read": "parquet", "path": place["owners"], "key": "id"},
                           "rows": {"read": "parquet", "path": place["rows"], "parent": {"owners": "of"}}})  # fmt: skip
    made = Nested().fit(data, Rng(0), lambda _: None).sample(5000, Rng(1))
    assert kept(made) == {"rows.again": 1.0}
    assert all(one.wrong == 0 for one in keys_of(made))
    assert [str(typed(made.tables["rows"]).schema.field(name).type) for name in ("of", "again")] == ["int16", "int16"]
