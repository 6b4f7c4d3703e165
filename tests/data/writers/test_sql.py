"""Tables written into a database come back equal when they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data.readers.sql import Sql as Reader
from lookalike.data.table import BOOLEANS, Table, table_schema
from lookalike.data.writers.sql import Sql

TABLE = Table.of(
    {
        "n": np.array([1, np.nan, 3]),
        "x": np.array([0.5, 0.25, np.nan]),
        "ok": np.array([1, 0, -1]),
        "at": np.array([0.0, 86400.0, np.nan]),
        "town": np.array([0, 1, -1]),
    },
    table_schema(
        [
            Column(name="n", kind="integer", optional=True),
            Column(name="x", kind="number", optional=True),
            Column(name="ok", kind="boolean", categories=BOOLEANS, optional=True),
            Column(name="at", kind="datetime", stored="%Y-%m-%d", optional=True),
            Column(name="town", kind="category", categories=("Bonn", "Ulm"), optional=True),
        ]
    ),
)


def test_sqlite(tmp_path: Path) -> None:
    assert Sql(url="sqlite:///out.db").write(TABLE, tmp_path) == [tmp_path / "out.db"]
    with pytest.raises(DataError, match="has a table synthetic already"):
        Sql(url="sqlite:///out.db").write(TABLE, tmp_path)
    Sql(url="sqlite:///out.db", exists="append").write(TABLE, tmp_path)
    (tmp_path / "read").mkdir()
    again = Reader(path=str(tmp_path / "out.db"), table="synthetic").read(tmp_path / "read")
    assert len(again) == 6
    rows = again.take(np.arange(3))
    for name in TABLE.table.column_names:
        assert rows.table.column(name).to_pylist() == TABLE.table.column(name).to_pylist()


def test_other_databases_are_written_by_sqlalchemy(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    url = f"sqlite+pysqlite:///{tmp_path / 'out.db'}"
    for exists in ("fail", "replace", "append"):
        assert Sql(url=url, exists=exists).write(TABLE, tmp_path) == []
    with pytest.raises(DataError, match="has a table synthetic already"):
        Sql(url=url).write(TABLE, tmp_path)
    (tmp_path / "read").mkdir()
    again = Reader(url=url, table="synthetic").read(tmp_path / "read")
    assert len(again) == 6
    assert again.table.column("x").to_pylist() == TABLE.table.column("x").to_pylist() * 2
