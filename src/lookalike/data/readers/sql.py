"""A table or a query of a database."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, final

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from lookalike.core.errors import DataError
from lookalike.core.store import digest
from lookalike.data.databases import VARIABLE, Database, database, selected
from lookalike.data.pixels import shown
from lookalike.data.reading import file_state
from lookalike.data.table import Table
from lookalike.data.tabular import Rows, TabularSettings, read_table


@final
class Sql(TabularSettings):
    """Reads a table or a query of a database: SQLite without further packages, any other through SQLAlchemy.

    The URL comes from the environment, so that no password stands in a recipe, a log or a message.
    """

    path: str | None = Field(default=None, description="An SQLite file.")
    url: str | None = Field(
        default=None, description="URL of a database without a password, as SQLAlchemy takes it; None = `variable`."
    )
    variable: str = Field(default=VARIABLE, description="Environment variable that holds the URL.")
    table: str | None = Field(default=None, min_length=1, description="Table to read, with its schema: sales.orders.")
    query: str | None = Field(default=None, min_length=1, description="A SELECT to read instead of a table.")

    @field_validator("url")
    @classmethod
    def _no_password(cls, url: str | None) -> str | None:
        if url is not None:
            try:
                database(url, VARIABLE)
            except DataError as error:
                raise ValueError(str(error)) from None
        return url

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table or query")
        if self.path is not None and self.url is not None:
            raise ValueError("give either path or url")
        return self

    @property
    def _database(self) -> Database:
        return Database(f"sqlite:///{self.path}") if self.path else database(self.url, self.variable)

    def state(self) -> str:
        """Return a hash of an SQLite file's name, size and time; of another database of the number of rows."""
        where = self._database
        if where.file is not None:
            if not where.file.is_file():
                raise DataError(f"no SQLite file at {shown(where.file)}; check the URL")
            return digest([file_state([where.file.resolve()], where.file.resolve().parent), self.table, self.query])
        counted = f"SELECT COUNT(*) FROM ({self.query}) AS counted" if self.query else None
        with selected(where, self.table if counted is None else None, counted) as (_, parts):
            rows = next(parts)[0][0] if counted else sum(len(part) for part in parts)
        return digest([where.where, self.variable, self.table, self.query, int(rows)])

    def rows(self) -> Rows:
        """Return the rows as those of a table of text."""
        where = self._database
        with selected(where, self.table, self.query) as (names, _):
            pass
        # Of a database with several tables, which of them is meant.
        called = f"table {self.table} of {where.where}" if self.table else where.where
        return Rows(called, tuple(names), lambda: self._batches(where, names))

    def _batches(self, where: Database, names: list[str]) -> Iterator[pa.RecordBatch]:
        with selected(where, self.table, self.query) as (_, parts):
            for part in parts:
                columns = [
                    pa.array([_cell(value, name) for value in column], pa.large_string())
                    for name, column in zip(names, zip(*part, strict=True), strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, names=[str(place) for place in range(len(names))])

    def read(self, folder: Path) -> Table:
        """Read everything into `folder`; memory stays flat.

        Args:
            folder: Existing, empty.

        Raises:
            DataError: The source is not usable; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        return read_table(self.rows(), self, folder)


def _cell(value: Any, name: str) -> str | None:  # noqa: ANN401  whatever a driver returns
    """Return a cell as text: drivers differ in their types, and the kinds of columns are inferred from text.

    Example:
        >>> _cell(True, "x"), _cell(2.0, "x"), _cell(Decimal("1.50"), "x"), _cell(None, "x")
        ('true', '2.0', '1.50', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return None if math.isnan(value) else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | date):
        return str(value)
    raise DataError(
        f"column {shown(name)} holds {type(value).__name__}, which is no number, category, date or text; select it "
        "away with query"
    )
