"""Databases by URL: SQLite by Python's own driver, every other by SQLAlchemy; passwords come from the environment.

A URL may hold a password, so none is ever shown, stored in a recipe, or part of a message.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from lookalike.core.errors import DataError
from lookalike.data.pixels import shown

VARIABLE = "LOOKALIKE_SQL_URL"
"""Environment variable that holds the URL, unless another is named."""
_ROWS = 20_000
DATABASES = (".db", ".sqlite", ".sqlite3")
"""Endings of the names of SQLite files."""
_FILE = "sqlite:///"
_PASSWORD = re.compile(r"^[^/]+//[^/@]*:[^/@]*@|[?&;](password|pwd|token|secret)=", re.IGNORECASE)
Exists = str
_SQLITE = {"integer": "INTEGER", "number": "REAL", "boolean": "INTEGER"}


@dataclass(frozen=True)
class Database:
    """Where rows lie.

    Attributes:
        url: As SQLAlchemy takes it; never shown.
    """

    url: str

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database that Python itself opens; None for every other database."""
        return Path(self.url.removeprefix(_FILE)).expanduser() if self.url.startswith(_FILE) else None

    @property
    def where(self) -> str:
        """What messages call it: a file, or the kind of database."""
        return self.file.name if self.file else self.url.partition(":")[0]


def database(url: str | None, variable: str) -> Database:
    """Return the database that a URL, or an environment variable with one, names.

    Raises:
        DataError: There is no URL, or one with a password stands in the settings.
    """
    if url is not None and _PASSWORD.search(url):
        raise DataError(
            f"the URL of a database with a password does not belong in a recipe; put it into the environment variable "
            f"{variable} and leave url out"
        )
    found = url or os.environ.get(variable, "")
    if "://" not in found:
        raise DataError(
            f"no URL of a database: set the environment variable {shown(variable)}, or url for one without a password, "
            "such as sqlite:///rows.db"
        )
    return Database(found)


@contextmanager
def _errors(where: Database) -> Iterator[None]:
    """Turn errors of drivers into one line without the URL; SQL and rows are not repeated."""
    try:
        yield
    except DataError:
        raise
    except sqlite3.Error as error:
        raise DataError(f"{shown(where.where)}: {shown(error)}; check the file, the table or the query") from None
    except Exception as error:  # every driver has errors of its own
        if type(error).__module__.partition(".")[0] not in ("sqlalchemy",) and not isinstance(error, OSError):
            raise
        kind = type(getattr(error, "orig", None) or error).__name__
        raise DataError(
            f"the {shown(where.where)} database refused: {kind}; check the URL in the environment, table and query"
        ) from None


def _sqlalchemy() -> Any:  # noqa: ANN401  an optional module
    try:
        return import_module("sqlalchemy")
    except ImportError:
        raise DataError(
            "databases other than sqlite:/// need the package sqlalchemy, which is not installed; "
            "pip install 'lookalike[sql]'"
        ) from None


@contextmanager
def selected(where: Database, table: str | None, query: str | None) -> Iterator[tuple[list[str], Iterator[list[Any]]]]:
    """Run a query and give the names of its columns and its rows, some thousand at a time; nothing is written.

    Args:
        where: The database.
        table: Name of a table, of which all rows are read; or
        query: A SELECT.
    """
    with _errors(where), (_sqlite_rows if where.file else _other_rows)(where, table, query) as found:
        yield found


def table_names(path: Path) -> list[str]:
    """Return the names of the tables in an SQLite file, in order.

    Raises:
        DataError: It is no such file.
    """
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    with selected(Database(f"{_FILE}{path}"), None, query) as (_, parts):
        return [str(row[0]) for part in parts for row in part]


def only_table(path: Path) -> str:
    """Return the name of the table in an SQLite file.

    Raises:
        DataError: It holds none or several, or is no such file.
    """
    names = table_names(path)
    if len(names) != 1:
        listed = ", ".join(map(shown, names[:20])) or "none"
        raise DataError(
            f"{shown(path.name)} holds {len(names)} tables: {listed}; write a recipe with data: {{read: sql, path: "
            f"{shown(path)}, table: NAME}}"
        )
    return names[0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _sqlite_rows(where: Database, table: str | None, query: str | None) -> Iterator[Any]:
    path = where.file or Path()
    if not path.is_file():
        raise DataError(f"no SQLite file at {shown(path)}; check the URL")
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        cursor = connection.execute(query or f"SELECT * FROM {_quoted(table or '')}")
        names = [str(part[0]) for part in cursor.description or ()]
        yield names, iter(lambda: cursor.fetchmany(_ROWS), [])
    finally:
        connection.close()


@contextmanager
def _other_rows(where: Database, table: str | None, query: str | None) -> Iterator[Any]:
    library = _sqlalchemy()
    engine = library.create_engine(where.url)
    try:
        with engine.connect() as connection:
            statement = (
                library.text(query)
                if query
                else library.select(library.text("*")).select_from(_named(library, table or ""))
            )
            result = connection.execution_options(stream_results=True).execute(statement)
            yield list(result.keys()), ([tuple(row) for row in part] for part in result.partitions(_ROWS))
    finally:
        engine.dispose()


def _named(library: Any, table: str) -> Any:  # noqa: ANN401
    schema, _, name = table.rpartition(".")
    return library.table(name, schema=schema or None)


def insert(
    where: Database, table: str, columns: Mapping[str, str], parts: Iterator[Sequence[Sequence[Any]]], exists: Exists
) -> None:
    """Make a table and fill it, all rows or none.

    Args:
        where: The database.
        table: Its name.
        columns: Kind of each column, by name.
        parts: The rows, some at a time.
        exists: What to do when there is such a table: fail, append or replace.

    Raises:
        DataError: The table is there, or the database refuses.
    """
    write: Callable[..., None] = _sqlite_insert if where.file else _other_insert
    with _errors(where):
        write(where, table, columns, parts, exists)


def _there(table: str) -> DataError:
    return DataError(f"the database has a table {shown(table)} already; set exists: append or replace, or another name")


def _sqlite_insert(
    where: Database, table: str, columns: Mapping[str, str], parts: Iterator[Sequence[Sequence[Any]]], exists: Exists
) -> None:
    connection = sqlite3.connect(where.file or Path())
    try:
        with connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            if known and exists == "fail":
                raise _there(table)
            connection.execute("BEGIN")
            if known and exists == "replace":
                connection.execute(f"DROP TABLE {_quoted(table)}")
            if not known or exists == "replace":
                parts_of = ", ".join(f"{_quoted(name)} {_SQLITE.get(kind, 'TEXT')}" for name, kind in columns.items())
                connection.execute(f"CREATE TABLE {_quoted(table)} ({parts_of})")
            marks = ", ".join("?" * len(columns))
            names = ", ".join(map(_quoted, columns))
            for rows in parts:
                connection.executemany(f"INSERT INTO {_quoted(table)} ({names}) VALUES ({marks})", rows)
    finally:
        connection.close()


def _other_insert(
    where: Database, table: str, columns: Mapping[str, str], parts: Iterator[Sequence[Sequence[Any]]], exists: Exists
) -> None:
    library = _sqlalchemy()
    types = {
        "integer": library.BigInteger,
        "number": library.Float,
        "boolean": library.Boolean,
        "datetime": library.DateTime,
    }
    schema, _, name = table.rpartition(".")
    wanted = library.Table(
        name,
        library.MetaData(),
        *(library.Column(column, types.get(kind, library.Text)) for column, kind in columns.items()),
        schema=schema or None,
    )
    engine = library.create_engine(where.url)
    try:
        with engine.begin() as connection:
            known = library.inspect(connection).has_table(name, schema=schema or None)
            if known and exists == "fail":
                raise _there(table)
            if known and exists == "replace":
                wanted.drop(connection)
            if not known or exists == "replace":
                wanted.create(connection)
            for rows in parts:
                connection.execute(wanted.insert(), [dict(zip(columns, row, strict=True)) for row in rows])
    finally:
        engine.dispose()
