"""A CSV file, every value written as the user's own were."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, final
from uuid import uuid4

import numpy as np
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError
from lookalike.core.schema import Modality
from lookalike.core.store import disk_errors
from lookalike.data.corpus import LABEL, PROBLEM, TEXT, Corpus, further_columns
from lookalike.data.formats import written
from lookalike.data.relations import Relations
from lookalike.data.table import Table

_ROWS = 50_000


@final
class Csv(Method):
    """Writes `table.csv` with a header; digits after the point, dates and words for true and false as in the data.

    Several tables with keys become one file each, under the name of the table. Texts become `texts.csv`: the text, its
    label by name, and further columns.
    """

    modalities: ClassVar[tuple[Modality, ...]] = ("tabular", "tables", "text")

    delimiter: str = Field(default=",", min_length=1, max_length=1, description="What stands between cells.")
    missing: str = Field(default="", description="What stands for a missing value.")

    text: str = Field(default=TEXT, min_length=1, description="Of texts: what the column of texts is called.")
    label: str = Field(default=LABEL, min_length=1, description="Of texts: what the column of labels is called.")

    def write(self, data: Table | Relations | Corpus, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the files written; memory stays flat.

        Raises:
            ConfigError: Two columns would have the same name.
            BudgetError: The disk is full.
        """
        if isinstance(data, Corpus):
            return [self._write(folder / "texts.csv", self._names(data), self._texts(data))]
        tables = data.tables if isinstance(data, Relations) else {"table": data}
        return [
            self._write(folder / f"{name}.csv", [column.name for column in table.schema.columns], self._rows(table))
            for name, table in tables.items()
        ]

    def _rows(self, data: Table) -> Iterator[Sequence[object]]:
        for start in range(0, len(data), _ROWS):
            part = written(data.take(np.arange(start, min(start + _ROWS, len(data)))))
            yield from zip(*(column.fill_null(self.missing).to_pylist() for column in part.columns), strict=True)

    def _names(self, data: Corpus) -> list[str]:
        labels = [self.label] if data.classes else []
        names = [self.text, *labels, *(name for name in further_columns(data.schema) if name != PROBLEM)]
        if repeated := [name for name in names if names.count(name) > 1]:
            raise ConfigError(f"csv: two columns would be called {repeated[0]}; give text or label another name")
        return names

    def _texts(self, data: Corpus) -> Iterator[Sequence[object]]:
        for row in data.records():
            yield [self.missing if value is None else value for value in row.values()]

    def _write(self, path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
        temporary = path.with_name(f".{path.stem}.{uuid4().hex[:8]}.tmp")
        try:
            with disk_errors(path), temporary.open("w", encoding="utf-8", newline="") as file:
                lines = csv.writer(file, delimiter=self.delimiter, lineterminator="\n")
                lines.writerow(names)
                lines.writerows(rows)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path
