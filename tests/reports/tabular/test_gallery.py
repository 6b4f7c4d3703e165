"""What the report shows of a table: shares that add up, distances that mean what they say, and no real row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import BOOLEANS, Table, Values, table_schema
from lookalike.reports.tabular.gallery import build

SCHEMA = table_schema(
    [
        Column(name="x", kind="number", optional=True, unit="kg"),
        Column(name="n", kind="integer"),
        Column(name="few", kind="integer"),
        Column(name="day", kind="datetime", stored="%Y-%m-%d"),
        Column(name="ok", kind="boolean", categories=BOOLEANS, stored="no|yes"),
        Column(name="town", kind="category", categories=tuple(f"t{k}" for k in range(30)), optional=True),
        Column(name="none", kind="category", optional=True),
        Column(name="key", kind="id"),
        Column(name="note", kind="text"),
    ],
    "ok",
)


def some(n: int, seed: int, move: float = 0.0) -> Table:
    draw = np.random.default_rng(seed)
    columns: dict[str, Values] = {
        "x": np.where(draw.random(n) < 0.1, np.nan, draw.normal(size=n)),
        "n": draw.integers(0, 1000, n) + move,
        "few": draw.integers(0, 3, n),
        "day": draw.integers(0, 900, n) * 86400.0,
        "ok": draw.integers(0, 2, n),
        "town": draw.integers(-1, 30, n),
        "none": np.full(n, -1),
        "key": [f"secret-{seed}-{k}" for k in range(n)],
        "note": ["secret"] * n,
    }
    return Table.of(columns, SCHEMA)


def made(tmp_path: Path, synthetic: Table, holdout: int = 900) -> dict[str, Any]:
    build(tmp_path, Reference(some(1000, 0), some(holdout, 1)), synthetic, (synthetic, []), [], Rng(0))
    return dict(json.loads((tmp_path / "gallery.json").read_text())["table"])


def test_the_worst_column_comes_first(tmp_path: Path) -> None:
    columns = made(tmp_path, some(800, 2, move=600.0))["columns"]
    assert columns[0]["name"] == "n"
    assert columns[0]["distance"] > 0.5
    assert [one["name"] for one in columns[1:]] != []
    assert all(one["distance"] < 0.2 for one in columns[1:])


def test_a_distance_is_the_share_of_rows_that_would_have_to_change(tmp_path: Path) -> None:
    real = some(1000, 0)
    build(tmp_path, Reference(real, real), real, (real, []), [], Rng(0))
    for one in json.loads((tmp_path / "gallery.json").read_text())["table"]["columns"]:
        assert one["distance"] == one["floor"] == 0
    changed = real.values("few")
    other = Table.of(
        {**{c.name: real.values(c.name) for c in SCHEMA.columns}, "few": np.where(np.arange(1000) < 100, 2, changed)},
        SCHEMA,
    )
    build(tmp_path, Reference(real, real), other, (other, []), [], Rng(0))
    found = json.loads((tmp_path / "gallery.json").read_text())["table"]["columns"][0]
    assert found["name"] == "few"
    assert found["distance"] == pytest.approx((np.asarray(changed)[:100] != 2).sum() / 1000)


def test_shares_add_up_and_many_categories_are_grouped(tmp_path: Path) -> None:
    table = made(tmp_path, some(800, 2))
    for one in table["columns"]:
        for part, shares in one["shares"].items():
            assert sum(shares) + one["missing"][part] == pytest.approx(1, abs=0.01)
    columns = {one["name"]: one for one in table["columns"]}
    assert columns["town"]["levels"][-1] == "21 others"
    assert columns["ok"]["levels"] == ["no", "yes"]
    assert columns["few"]["levels"] == ["0", "1", "2"]
    assert columns["day"]["ends"][0].startswith("1970-01")
    assert columns["none"]["missing"] == {"real": 1, "synthetic": 1, "holdout": 1}
    assert columns["x"]["missing"]["synthetic"] == pytest.approx(0.1, abs=0.05)


def test_no_real_row_is_written(tmp_path: Path) -> None:
    table = made(tmp_path, some(800, 2))
    text = (tmp_path / "gallery.json").read_text()
    assert "secret-0" not in text
    assert "secret-1" not in text
    assert len(table["sample"]) == 8
    assert [one["name"] for one in table["words"]] == ["key", "note"]


@pytest.mark.parametrize(("rows", "holdout"), [(1, 1), (2, 0), (0, 0)])
def test_few_rows_and_no_holdout(tmp_path: Path, rows: int, holdout: int) -> None:
    table = made(tmp_path, some(rows, 2), holdout)
    assert ("holdout" in table["rows"]) == (holdout > 0)
    assert all(one["floor"] is None for one in table["columns"]) == (holdout == 0)


def test_values_of_few_training_rows_are_not_named(tmp_path: Path) -> None:
    """One real row has t7, one held-out row t9, nine rows 5; the labels of bars and axes name none of them."""
    names = tuple(f"t{k}x" for k in range(12))
    schema = table_schema(
        [
            Column(name="town", kind="category", categories=names),
            Column(name="few", kind="integer"),
            Column(name="cost", kind="number", decimals=2, stored="fixed"),
        ]
    )

    def part(special: int, n: int) -> Table:
        draw = np.random.default_rng(special)
        town, few = draw.integers(0, 3, n), draw.integers(0, 3, n)
        town[0], few[:9] = special, 5
        cost = np.round(draw.normal(500, 100, n), 2)
        cost[:2] = 8131.17, -9.83
        return Table.of({"town": town, "few": few, "cost": cost}, schema)

    synthetic = part(7, 200).take(np.append(np.arange(20, 200), 0))
    build(tmp_path, Reference(part(7, 400), part(9, 100)), synthetic, (synthetic, []), [], Rng(0))
    columns = {one["name"]: one for one in json.loads((tmp_path / "gallery.json").read_text())["table"]["columns"]}
    assert columns["town"]["levels"] == ["t0x", "t1x", "t2x", "rare values (2)"]
    assert columns["few"]["levels"] == ["0", "1", "2", "rare values (1)"]
    assert columns["few"]["shares"]["real"][-1] == pytest.approx(9 / 400)
    text = (tmp_path / "gallery.json").read_text()
    assert not any(told in text for told in ("t7x", "t9x", "8131", "9.83"))
