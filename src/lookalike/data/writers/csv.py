"""A CSV file, every value written as the user's own were."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import ClassVar, final
from uuid import uuid4

import numpy as np
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.schema import Modality
from lookalike.core.store import disk_errors
from lookalike.data.formats import written
from lookalike.data.relations import Relations
from lookalike.data.table import Table

_ROWS = 50_000


@final
class Csv(Method):
    """Writes `table.csv` with a header; digits after the point, dates and words for true and false as in the data.

    Several tables with keys become one file each, under the name of the table.
    """

    modalities: ClassVar[tuple[Modality, ...]] = ("tabular", "tables")

    delimiter: str = Field(default=",", min_length=1, max_length=1, description="What stands between cells.")
    missing: str = Field(default="", description="What stands for a missing value.")

    def write(self, data: Table | Relations, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the files written; memory stays flat.

        Raises:
            BudgetError: The disk is full.
        """
        tables = data.tables if isinstance(data, Relations) else {"table": data}
        return [self._write(table, folder / f"{name}.csv") for name, table in tables.items()]

    def _write(self, data: Table, path: Path) -> Path:
        temporary = path.with_name(f".{path.stem}.{uuid4().hex[:8]}.tmp")
        try:
            with disk_errors(path), temporary.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file, delimiter=self.delimiter, lineterminator="\n")
                rows.writerow([column.name for column in data.schema.columns])
                for start in range(0, len(data), _ROWS):
                    part = written(data.take(np.arange(start, min(start + _ROWS, len(data)))))
                    columns = [column.fill_null(self.missing).to_pylist() for column in part.columns]
                    rows.writerows(zip(*columns, strict=True))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path
