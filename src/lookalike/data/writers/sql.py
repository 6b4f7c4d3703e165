"""A table of a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.schema import Modality
from lookalike.data.databases import VARIABLE, database, insert
from lookalike.data.formats import written
from lookalike.data.relations import Relations
from lookalike.data.table import Table

_ROWS = 20_000


@final
class Sql(Method):
    """Writes a table of a database, all rows or none: SQLite without further packages, any other by SQLAlchemy.

    Several tables with keys are written under their own names. The URL comes from the environment, so that no password
    stands in a recipe, a log or a message.
    """

    modalities: ClassVar[tuple[Modality, ...]] = ("tabular", "tables")
    elsewhere: ClassVar[bool] = True

    url: str | None = Field(default=None, description="URL of a database without a password; None = `variable`.")
    variable: str = Field(default=VARIABLE, description="Environment variable that holds the URL.")
    table: str = Field(default="synthetic", min_length=1, description="Name of the table, where there is one only.")
    exists: Literal["fail", "append", "replace"] = Field(
        default="fail", description="What to do when there is such a table."
    )

    def write(self, data: Table | Relations, folder: Path) -> list[Path]:
        """Write all rows into the database; a relative path of an SQLite file is counted from the folder.

        Raises:
            DataError: The table is there, or the database refuses.
        """
        where = database(self.url, self.variable)
        file = where.file
        if file is not None and not file.is_absolute():
            where = type(where)(f"sqlite:///{folder / file}")
        tables = data.tables if isinstance(data, Relations) else {self.table: data}
        for name, table in tables.items():
            kinds = {column.name: column.kind for column in table.schema.columns}
            if file is not None:
                # SQLite has no type for dates; they are written as the user's own were.
                kinds = {column: "text" if kind == "datetime" else kind for column, kind in kinds.items()}
            insert(where, name, kinds, _parts(table, kinds), self.exists)
        return [where.file] if where.file else []


def _parts(data: Table, kinds: dict[str, str]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(data), _ROWS):
        part = data.take(np.arange(start, min(start + _ROWS, len(data))))
        words = written(part)
        columns = [
            part.table.column(name).to_pylist()
            if kind in ("integer", "number", "datetime")
            else [None if value is None else bool(value) for value in part.table.column(name).to_pylist()]
            if kind == "boolean"
            else words.column(name).to_pylist()
            for name, kind in kinds.items()
        ]
        yield list(zip(*columns, strict=True))
