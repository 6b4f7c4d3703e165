"""`lookalike schema` on a folder or a database of several tables: what `init` finds, and every column with reasons."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.cli.calling import call, refused
from tests.data.desk import write_desk
from tests.data.orders import write_orders

from lookalike.cli.app import main
from lookalike.cli.schemas import described
from lookalike.cli.starter import starter


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    write_orders(tmp_path / "shop")
    return tmp_path / "shop"


def _shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr("sys.argv", ["lookalike", "schema", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return capsys.readouterr().out


def test_a_folder_is_shown_with_its_links_and_every_table(
    orders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert orders.is_dir()
    told, *tables = _shown(capsys, monkeypatch, "shop").split("\n\ntable ")
    lines = told.splitlines()
    assert lines[:3] == [
        "customers: 300 rows, 4 columns",
        "lines: 1,793 rows, 6 columns",
        "orders: 602 rows, 6 columns",
    ]
    assert "lines.order_id holds keys of orders.order_id (its owner)" in lines
    assert "orders.country is customers.country of its owner" in lines
    assert "lines.line_no numbers the rows of each owner from 1 on" in lines
    assert lines[-2:] == ["root: customers; shared by all: none",
                          "a recipe that says so, and runs: lookalike init shop"]  # fmt: skip
    assert [table.splitlines()[0] for table in tables] == ["customers: 300 rows", "lines: 1,793 rows",
                                                           "orders: 602 rows"]  # fmt: skip
    assert "could be its key: customer_id" in tables[0]
    assert "the key of the owner in orders" in tables[1]
    assert "copied from currency of the owner" in tables[1]
    assert "    lines:\n      columns:\n" in tables[1]
    assert "        currency:" not in tables[1]


def test_commands_that_are_told_can_be_pasted(
    orders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = orders.rename(orders.with_name("that's my " + "long " * 30 + "shop"))
    shown, command = _shown(capsys, monkeypatch, place.name).splitlines(), "lookalike init "
    line = next(line for line in shown if command in line)
    assert shlex.split(line[line.index(command) :]) == ["lookalike", "init", place.name]
    monkeypatch.setattr("sys.argv", ["lookalike", "init", place.name, "--out", "my recipe.yaml"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == ["why, and how to change it: lookalike schema 'my recipe.yaml'",
                         "wrote my recipe.yaml; next: lookalike run 'my recipe.yaml'"]  # fmt: skip
    assert "lookalike schema 'my recipe.yaml'\n" in Path("my recipe.yaml").read_text(encoding="utf-8")


def test_lines_for_programs(orders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert orders.is_dir()
    found = [json.loads(line) for line in _shown(capsys, monkeypatch, "shop", "--json").splitlines()]
    assert {"table": "orders", "columns": ["customer_id"], "refers": "customers", "key": ["customer_id"],
            "owner": True, "lost": 0.0} in found  # fmt: skip
    assert {"table": "customers", "likely_keys": ["customer_id"]} in found
    assert [one["why"] for one in found if (one["table"], one.get("column")) == ("lines", "currency")] == [
        "copied from currency of the owner"
    ]


def test_a_database_is_shown_as_a_folder_is(orders: Path) -> None:
    with closing(sqlite3.connect("shop.db")) as database:
        for path in sorted(orders.iterdir()):
            pd.read_csv(path).to_sql(path.stem, database, index=False)
    found, same = described("shop.db"), described("shop")
    assert list(found.tables) == list(same.tables)
    assert found.links == same.links


def test_columns_that_are_left_out_are_shown_in_their_place(orders: Path) -> None:
    """A name that is not always that of the customer would be given out as a category."""
    frame = pd.read_csv(orders / "orders.csv")
    frame.loc[:9, "customer_name"] = frame["customer_name"][20:30].tolist()
    frame.to_csv(orders / "orders.csv", index=False)
    columns = described("shop").tables["orders"].columns
    assert [one.column.name for one in columns] == list(frame.columns)
    told = {one.column.name: one.reason for one in columns}
    assert told["customer_name"] == "left out: names real rows of customers, not made yet"


def test_tables_that_refer_to_none_are_shown_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desk").mkdir()
    write_desk(tmp_path / "desk", 60)
    words = pd.DataFrame({"word": ["a", "b", "a"] * 9, "much": range(27)})
    words.to_csv("desk/words.csv", index=False)
    assert list(described("desk").tables) == ["departments", "notes", "staff", "tickets", "topics", "words"]
    Path("alone").mkdir()
    words.to_csv("alone/words.csv", index=False)
    words.rename(columns={"word": "mood", "much": "when"}).assign(when=3).to_csv("alone/moods.csv", index=False)
    found = described("alone")
    assert list(found.tables) == ["moods", "words"]
    assert found.told == ["no column of one table holds keys of another: each is a data set of its own"]
    # Each for a recipe of its own: none that reads several would take them.
    shown = _shown(capsys, monkeypatch, "alone")
    assert "tables:\n" not in shown
    assert shown.count("data:\n  columns:\n    ") == 2


def test_bad_tables_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    for name in ("a", "b"):
        (tmp_path / "shop" / f"{name}.csv").write_text("x,y\n")
    for command in ("schema", "init"):
        assert "none of the tables a, b has rows" in refused(capsys, command, "shop")


def test_a_table_without_rows_is_left_out(orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect("shop.db")) as database:
        for path in sorted(orders.iterdir()):
            pd.read_csv(path).to_sql(path.stem, database, index=False)
        database.execute("CREATE TABLE log (at TEXT)")
    for command in ("schema", "init"):
        code, _ = call(capsys, command, "shop.db")
        assert code == 0
    text, told = starter("shop.db", None, Path.cwd())
    assert "log: no rows, so it is left out" in told
    assert "log" not in yaml.safe_load(text)["data"]["tables"]
