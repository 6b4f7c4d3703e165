"""Texts with labels and further columns: an Arrow table, in memory or memory-mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.core.contracts import Index
from lookalike.core.errors import DataError
from lookalike.core.schema import Column, Schema
from lookalike.core.store import disk_errors, write_file

Labels = npt.NDArray[np.int64]
_FILE = "texts.arrow"
_CHUNK_ROWS = 10_000
TEXT, LABEL = "text", "label"
PROBLEM = "problem"
"""Column in which a generator says why a row holds no usable text; empty when it does."""
CONFIDENCE = "confidence"
"""Column of numbers in which a generator says how certain a row's label is, 0 to 1."""


@final
class Corpus:
    """Labelled texts.

    Args:
        table: Column `text` (large_string, no nulls), column `label` (int64, numbers into `schema.classes`), and one
            column for each further column of the schema: large_string, or float64 where the schema says number.
        schema: As `text_schema` makes it.

    Raises:
        DataError: Columns, types or label numbers do not fit together.
    """

    def __init__(self, table: pa.Table, schema: Schema) -> None:
        """Check that the parts fit together; nothing is copied."""
        wanted = [TEXT, LABEL, *further_columns(schema)]
        if table.column_names != wanted:
            raise DataError(f"a corpus needs the columns {', '.join(wanted)}, found {', '.join(table.column_names)}")
        text = table.column(TEXT)
        if text.type != pa.large_string() or text.null_count:
            raise DataError(f"texts must be large_string without nulls, found {text.type}, {text.null_count} nulls")
        self.table, self.schema = table, schema
        self._labels: Labels = np.zeros(0, dtype=np.int64)
        if len(table):
            self._labels = table.column(LABEL).to_numpy().astype(np.int64, copy=False)
        most = max(1, len(schema.classes))
        if len(table) and not (0 <= self._labels.min() and self._labels.max() < most):
            raise DataError(
                f"label numbers must lie in 0..{most - 1}, found {self._labels.min()} to {self._labels.max()}"
            )

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        labels: Sequence[int] | Labels,
        schema: Schema,
        further: Mapping[str, Sequence[str] | Sequence[float] | npt.NDArray[np.float64]] | None = None,
    ) -> Self:
        """Make a corpus from lists; further columns have the types of the schema."""
        types = {field.name: field.type for field in _arrow_schema(schema)}
        columns: dict[str, Any] = {TEXT: pa.array(texts, pa.large_string())}
        columns[LABEL] = pa.array(np.asarray(labels, dtype=np.int64))
        columns |= {name: pa.array(values, types.get(name)) for name, values in (further or {}).items()}
        return cls(pa.table(columns), schema)

    @classmethod
    def empty(cls, schema: Schema) -> Self:
        """Return a corpus without texts."""
        # Here and in `take` not by pa.array, which loads pandas: 40 MB that a run before its first row can do without.
        return cls(pa.Table.from_batches([], schema=_arrow_schema(schema)), schema)

    def __len__(self) -> int:
        """Number of texts."""
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        """Show size and classes."""
        return f"Corpus({len(self)} texts, {len(self.classes)} classes)"

    @property
    def labels(self) -> Labels:
        """Class numbers, [N]."""
        return self._labels

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the label numbers."""
        return self.schema.classes

    def texts(self) -> list[str]:
        """Return all texts."""
        return [str(text) for text in self.table.column(TEXT).to_pylist()]

    def column(self, name: str) -> list[str | None]:
        """Return a further column.

        Raises:
            KeyError: No column has that name.
        """
        return list(self.table.column(name).to_pylist())

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a further column of numbers, [N]; NaN = none.

        Raises:
            KeyError: No column of numbers has that name.
        """
        if self.schema.column(name).kind != "number":
            raise KeyError(name)
        values = self.table.column(name).to_pylist()
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield text, label by name where there are classes, and further columns of each row; None = no number."""
        kept = [name for name in further_columns(self.schema) if name != PROBLEM]
        for start in range(0, len(self), _CHUNK_ROWS):
            part = self.take(np.arange(start, min(start + _CHUNK_ROWS, len(self))))
            columns = {name: part.column(name) for name in kept}
            for place, text in enumerate(part.texts()):
                row: dict[str, Any] = {TEXT: text}
                if self.classes:
                    row[LABEL] = self.classes[part.labels[place]]
                # A number that is missing is NaN, which is not equal to itself.
                yield row | {
                    name: None if values[place] != values[place] else values[place] for name, values in columns.items()
                }

    def problems(self) -> dict[int, str]:
        """Return why a row holds no usable text, by position: what a generator wrote into the column `problem`."""
        if PROBLEM not in self.table.column_names:
            return {}
        return {row: str(reason) for row, reason in enumerate(self.column(PROBLEM)) if reason}

    def take(self, index: Index) -> Self:
        """Return rows by position; repeats are allowed."""
        chosen = np.ascontiguousarray(index, dtype=np.int64)
        rows = pa.Array.from_buffers(pa.int64(), len(chosen), [None, pa.py_buffer(chosen)])
        return type(self)(self.table.take(rows), self.schema)

    def counts(self) -> Labels:
        """Return the number of texts of each class, [K]."""
        return np.bincount(self._labels, minlength=len(self.classes)).astype(np.int64)

    def row_hashes(self) -> Iterator[bytes]:
        """Yield a 16-byte hash of each text, in order; label and further columns do not count."""
        for batch in self.table.select([TEXT]).to_batches(max_chunksize=_CHUNK_ROWS):
            for text in batch.column(0).to_pylist():
                yield hashlib.blake2b(text.encode(), digest_size=16).digest()

    @cached_property
    def _fingerprint(self) -> str:
        total = hashlib.sha256(self.schema.model_dump_json().encode())
        # Lengths stand before the bytes, so that no two different columns give one stream; chunks do not count.
        for column in self.table.columns:
            for batch in pa.table([column], ["values"]).to_batches(max_chunksize=_CHUNK_ROWS):
                for value in batch.column(0).to_pylist():
                    data = b"" if value is None else str(value).encode()
                    total.update(f"{'-' if value is None else len(data)}:".encode() + data)
        return total.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of schema, texts, labels and further columns; computed once."""
        return self._fingerprint

    def save(self, folder: Path) -> None:
        """Write `texts.arrow` and `schema.json` into an existing folder."""
        write_texts([self], folder, self.schema)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what `save` wrote; texts are memory-mapped.

        Raises:
            DataError: A file is missing or damaged.
        """
        try:
            schema = Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
            table = pa.ipc.open_file(pa.memory_map(str(folder / _FILE))).read_all()
        except (OSError, ValueError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold a complete set of texts: {reason}; make it again") from None
        return cls(table, schema)


def write_texts(pieces: Iterable[Corpus], folder: Path, schema: Schema) -> None:
    """Write texts piece by piece as `texts.arrow` and `schema.json` into an existing folder; memory stays flat.

    The folder may be the one that the texts are mapped from: the file is replaced, not written over.

    Raises:
        BudgetError: The disk is full.
    """
    temporary = folder / f".{_FILE}"
    with disk_errors(temporary), pa.OSFile(str(temporary), "wb") as sink:
        with pa.ipc.new_file(sink, _arrow_schema(schema)) as writer:
            for piece in pieces:
                writer.write_table(piece.table, max_chunksize=_CHUNK_ROWS)
    temporary.replace(folder / _FILE)
    write_file(folder / "schema.json", schema.model_dump_json())


def _arrow_schema(schema: Schema) -> pa.Schema:
    kinds = {"number": pa.float64()}
    further = [
        pa.field(name, kinds.get(schema.column(name).kind, pa.large_string())) for name in further_columns(schema)
    ]
    return pa.schema([pa.field(TEXT, pa.large_string()), pa.field(LABEL, pa.int64()), *further])


def concatenate_texts(parts: Sequence[Corpus]) -> Corpus:
    """Return texts and labels of several corpora, one after the other; columns that one of them lacks are left out.

    Raises:
        DataError: Nothing to join, or classes differ.
    """
    classes = {part.classes for part in parts}
    if len(classes) != 1:
        raise DataError(f"only texts with the same classes can be joined, found {len(classes)} different lists of them")
    first = parts[0].schema
    common = [name for name in further_columns(first) if all(_same_column(p.schema, first, name) for p in parts)]
    numbers = [name for name in common if first.column(name).kind == "number"]
    strings = [name for name in common if name not in numbers]
    schema, common = text_schema(parts[0].classes, strings, first.label or LABEL, numbers), [*strings, *numbers]
    return Corpus(pa.concat_tables([part.table.select([TEXT, LABEL, *common]) for part in parts]), schema)


def _same_column(schema: Schema, other: Schema, name: str) -> bool:
    return name in further_columns(schema) and schema.column(name).kind == other.column(name).kind


def further_columns(schema: Schema) -> list[str]:
    """Return the names of the columns besides text and label."""
    return [column.name for column in schema.columns if column.kind != "text" and column.name != schema.label]


def text_schema(
    classes: Sequence[str], further: Sequence[str] = (), label: str = LABEL, numbers: Sequence[str] = ()
) -> Schema:
    """Return the schema of labelled texts.

    Args:
        classes: Class names in the order of their numbers; empty = unlabelled.
        further: Names of string columns kept beside the text.
        label: Name of the label column.
        numbers: Names of columns of numbers kept after those.

    Example:
        >>> text_schema(["ham", "spam"]).classes
        ('ham', 'spam')
    """
    return Schema(
        modality="text",
        columns=(
            Column(name=TEXT, kind="text"),
            *((Column(name=label, kind="category", categories=tuple(classes)),) if classes else ()),
            *(Column(name=name, kind="string") for name in further),
            *(Column(name=name, kind="number") for name in numbers),
        ),
        label=label if classes else None,
    )
