"""Databases are read like tables: types, missing values, queries, and what was written comes back."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.data.readers.sql import Sql, _cell
from lookalike.data.table import Table


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (number INTEGER, price REAL, day TEXT, kind TEXT)")
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [
                (1, 2.5, "2021-01-02", "a"),
                (2, None, "2021-01-03", "b"),
                (2, 1.25, None, "a"),
                (3, 4.0, "2021-01-02", "b"),
            ],
        )
    connection.close()
    return path


def _read(tmp_path: Path, **options: Any) -> Table:
    target = tmp_path / "read"
    target.mkdir()
    return Sql(**options).read(target)


def test_a_table_is_read(tmp_path: Path, file: Path) -> None:
    table = _read(tmp_path, path=str(file), table="orders", label="kind")
    assert [column.kind for column in table.schema.columns] == ["integer", "number", "datetime", "category"]
    assert table.table.column("price").to_pylist() == [2.5, None, 1.25, 4.0]
    assert table.missing("day").tolist() == [False, False, True, False]
    assert table.classes == ("a", "b")


def test_a_query_is_read_from_a_url_in_the_environment(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP", f"sqlite:///{file}")
    table = _read(tmp_path, variable="SHOP", query="SELECT kind, price * 2 AS twice FROM orders WHERE price > 1")
    assert table.table.column_names == ["kind", "twice"]
    assert len(table) == 3


def test_a_change_is_noticed(file: Path) -> None:
    reader = Sql(path=str(file), table="orders")
    before = reader.state()
    assert before == reader.state()
    assert Sql(path=str(file), query="SELECT 1").state() != before
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM orders WHERE number = 3")
        connection.execute("CREATE TABLE more AS SELECT * FROM orders")
    connection.close()
    assert reader.state() != before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either table or query"),
        ({"table": "a", "query": "b"}, "give either table or query"),
        ({"table": "a", "path": "x", "url": "sqlite:///x"}, "give either path or url"),
        ({"table": "a", "url": "postgresql://me:hush@h/d"}, "does not belong in a recipe"),
        ({"table": "a", "url": "nothing"}, "no URL of a database"),
    ],
)
def test_settings_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Sql(**options)


def test_what_is_not_there(tmp_path: Path, file: Path) -> None:
    with pytest.raises(DataError, match="no SQLite file at"):
        Sql(path=str(tmp_path / "absent.db"), table="a").state()
    with pytest.raises(DataError, match="no such table: absent"):
        Sql(path=str(file), table="absent").rows()
    with pytest.raises(DataError, match=r"holds no rows"):
        _read(tmp_path, path=str(file), query="SELECT * FROM orders WHERE number > 9")


def test_cells_of_drivers() -> None:
    moment = datetime(2021, 1, 2, 3, 4, 5)
    values = [5, Decimal("2.50"), moment, moment.replace(tzinfo=UTC), date(2021, 1, 2), float("nan"), False, "a"]
    assert [_cell(value, "x") for value in values] == [
        "5", "2.50", "2021-01-02 03:04:05.000000", "2021-01-02 03:04:05.000000+00:00", "2021-01-02", None, "false", "a",
    ]  # fmt: skip
    with pytest.raises(DataError, match="column x holds bytes, which is no number"):
        _cell(b"a", "x")


def test_other_databases_are_read_by_sqlalchemy(tmp_path: Path, file: Path) -> None:
    pytest.importorskip("sqlalchemy")
    url = f"sqlite+pysqlite:///{file}"
    table = _read(tmp_path, url=url, table="orders")
    (tmp_path / "b").mkdir()
    assert _read(tmp_path / "b", path=str(file), table="orders").fingerprint() == table.fingerprint()
    query = Sql(url=url, query="SELECT * FROM orders WHERE number = 2")
    assert len(query.read(tmp_path / "b")) == 2
    assert query.state() != Sql(url=url, query="SELECT * FROM orders").state()
    with pytest.raises(
        DataError, match="the sqlite\\+pysqlite database refused: OperationalError; check the URL"
    ) as caught:
        Sql(url=url, table="absent").rows()
    assert str(file) not in str(caught.value)
