"""The command line on several tables: schema, run, sample, and bad input as one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests.cli.calling import call, refused
from tests.data.orders import write_orders, write_regions
from tests.data.shop import write_shop


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    return write_shop(tmp_path)


def recipe(tables: dict[str, Any], **changes: dict[str, Any]) -> str:
    tree = {
        "name": "shops",
        "data": {"read": "tables", "tables": {name: {**one, **changes.get(name, {})} for name, one in tables.items()}},
        "generator": "tables.nested",
        "sample": {"rows": 20},
    }
    Path("recipe.yaml").write_text(yaml.safe_dump(tree))
    return "recipe.yaml"


def test_schema_shows_every_table(tables: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe(tables)
    with pytest.raises(SystemExit):
        _main("schema", path)
    shown = capsys.readouterr().out
    assert "table shops: 60 rows\ncould be its key: shop\n" in shown
    assert "the key of the owner in shops" in shown
    assert "    sales:\n      columns:\n" in shown
    with pytest.raises(SystemExit):
        _main("schema", path, "--json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"table": "sales", "likely_keys": ["sale"]} in lines


def _main(*arguments: str) -> None:
    import sys

    from lookalike.cli.app import main

    sys.argv = ["lookalike", *arguments]
    main()


def test_run_and_sample(tables: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "run", recipe(tables), "--workers", "1")[0] == 0
    assert call(capsys, "sample", "runs/shops", "--rows", "7", "--out", "more", "--workers", "1")[0] == 0
    assert sorted(path.name for path in Path("more").iterdir()) == ["items", "lands", "sales", "shops"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sales": {"parent": {"stores": "shop"}}}, "table sales refers to 'stores', which is no table here"),
        ({"shops": {"key": None}}, "table sales refers to shops, which has no key"),
        ({"shops": {"key": "size"}}, "table shops: column size is declared as id, but repeats some of its values"),
        ({"shops": {"parent": {"sales": "area"}}}, "parents go in a circle: "),
        ({"shops": {"columns": {"shop": {"kind": "number"}}}}, "column shop holds keys but is declared as number"),
        ({"sales": {"parents": {"shops": "shop"}}}, "parents"),
        ({"items": {"path": "nowhere.csv"}}, "no CSV file at"),
    ],
)
def test_bad_tables_are_one_line(
    tables: dict[str, Any], changes: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in refused(capsys, "run", recipe(tables, **changes))


def test_orphans_are_one_line_with_the_way_out(tables: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    rows = Path("shops.csv").read_text().splitlines()
    Path("shops.csv").write_text("\n".join(rows[:-5]) + "\n")
    told = refused(capsys, "run", recipe(tables))
    assert "that shops lacks; correct them, or set orphans: drop for sales to leave such rows out" in told


def test_keys_of_several_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shards, files and further rows have keys that are unique and refer to rows; bad ones are one line."""
    monkeypatch.chdir(tmp_path)
    tables = write_regions(tmp_path)
    path = recipe(tables)
    assert call(capsys, "run", path, "--workers", "1", "--set", "sample.rows=1500", "--set", "write=[csv]")[0] == 0
    orders, lines, parcels = (pd.read_csv(f"runs/shops/written/csv/{name}.csv") for name in tables)
    assert list(orders.columns) == ["region", "number", "paid"]
    assert len(orders) == 1500
    assert not orders.duplicated(["region", "number"]).any()
    assert not lines.duplicated(["region", "number", "line_no"]).any()
    assert len(lines.merge(orders)) == len(lines)
    renamed = parcels.rename(columns={"area": "region", "of": "number", "line": "line_no"})
    assert len(renamed.merge(lines)) == len(parcels) > 0
    assert call(capsys, "sample", "runs/shops", "--rows", "7", "--out", "more", "--workers", "1")[0] == 0
    with pytest.raises(SystemExit):
        _main("schema", path)
    shown = capsys.readouterr().out
    assert "part of the key" in shown
    assert "the key of the row, with others: it gets the new ones" in shown
    assert "        number:" not in shown
    told = refused(capsys, "run", recipe(tables, orders={"key": ["region", "paid"]}), "--out", "again")
    assert "have the region + paid of an earlier row" in told
    told = refused(capsys, "run", recipe(tables, lines={"parent": {"orders": ["region"]}}), "--out", "again")
    assert "table lines has keys of orders in region, but the key of orders is region, number" in told


def test_schema_says_what_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does it propose to declare such a column: as one of another kind it would be learnt."""
    monkeypatch.chdir(tmp_path)
    path = recipe(write_orders(tmp_path))
    with pytest.raises(SystemExit):
        _main("schema", path)
    shown = capsys.readouterr().out
    assert shown.count("copied from customer_name of the owner") == 1
    assert shown.count("        customer_name:") == 1
    # Tables that do not fit are shown as they are.
    Path("lines.csv").write_text(Path("lines.csv").read_text() + "1,1,C1,EUR,nut,1\n")
    with pytest.raises(SystemExit):
        _main("schema", path)
    assert "copied" not in capsys.readouterr().out


def test_a_folder_in_the_place_of_a_file(tables: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("shop").mkdir()
    path = recipe(tables, sales={"read": "csv", "path": "shop"})
    assert "is a folder, where a file is needed" in refused(capsys, "run", path, "--workers", "1")
