"""Databases: which URL is taken, and that no password is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.core.errors import DataError
from lookalike.data.databases import VARIABLE, Database, database, insert, selected


def test_the_url_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "postgresql://me:hush@host/db")
    assert database(None, VARIABLE).url.endswith("host/db")
    assert database(None, VARIABLE).where == "postgresql"
    assert database("sqlite:///rows.db", VARIABLE).file == Path("rows.db")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(DataError, match="no URL of a database: set the environment variable LOOKALIKE_SQL_URL"):
        database(None, VARIABLE)


@pytest.mark.parametrize(
    "url", ["postgresql://me:hush@host/db", "mssql+pyodbc://host/db?driver=x&password=hush", "db2://h/d?Pwd=hush"]
)
def test_a_password_in_a_recipe_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(DataError, match="does not belong in a recipe") as caught:
        database(url, VARIABLE)
    assert "hush" not in str(caught.value)


def test_errors_show_neither_url_nor_rows(tmp_path: Path) -> None:
    where = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(DataError, match="no SQLite file at"), selected(where, "rows", None):
        pass
    insert(where, "rows", {"x": "integer"}, iter([[(1,), (2,)]]), "fail")
    with pytest.raises(DataError, match=r"a\.db: no such table: other"), selected(where, "other", None):
        pass
    with pytest.raises(DataError, match="attempt to write a readonly database"):
        with selected(where, None, "DELETE FROM rows") as (_, parts):
            next(parts, None)


def test_all_rows_or_none(tmp_path: Path) -> None:
    where = Database(f"sqlite:///{tmp_path / 'a.db'}")
    insert(where, 'odd "name', {"x y": "integer", "b": "text"}, iter([[(1, "u")], [(2, None)]]), "fail")
    with pytest.raises(DataError, match=r"has a table odd \"name already; set exists: append or replace"):
        insert(where, 'odd "name', {"x y": "integer"}, iter([]), "fail")

    def broken() -> object:
        yield [(3, "v")]
        raise DataError("stop")

    for exists in ("append", "replace"):
        with pytest.raises(DataError, match="stop"):
            insert(where, 'odd "name', {"x y": "integer", "b": "text"}, broken(), exists)  # type: ignore[arg-type]
    with selected(where, 'odd "name', None) as (names, parts):
        assert names == ["x y", "b"]
        assert next(parts) == [(1, "u"), (2, None)]
