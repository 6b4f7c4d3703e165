"""Tables: named columns of numbers, categories, dates, keys and texts, with missing values as values.

Legend: N rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.core.contracts import Index
from lookalike.core.errors import DataError
from lookalike.core.schema import Column, Schema
from lookalike.core.store import disk_errors, write_file
from lookalike.data.holding import broken

Codes = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Values = Numbers | Codes | Sequence[str | None]

KINDS: dict[str, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.int32(),
    "category": pa.int32(),
    "ordinal": pa.int32(),
    "datetime": pa.timestamp("us"),
    "id": pa.large_string(),
    "text": pa.large_string(),
}
"""Kind of a column -> how its values are held; categories as numbers into the column's list of them."""
CODED = ("boolean", "category", "ordinal")
NUMERIC = ("number", "integer", "datetime")
WORDS = ("id", "text")
BOOLEANS = ("false", "true")
"""Categories of every boolean column, in order."""
_FILE = "table.arrow"
_CHUNK_ROWS = 100_000
_MICROSECONDS = 1e6


@final
class Table:
    """Rows with named columns.

    Args:
        table: One column for each of the schema's, in order, of the type that `KINDS` gives; null = missing.
        schema: As `table_schema` makes it.

    Raises:
        DataError: Columns, types or codes do not fit together.
    """

    def __init__(self, table: pa.Table, schema: Schema) -> None:
        """Check that the parts fit together; nothing is copied."""
        wanted = [column.name for column in schema.columns]
        if table.column_names != wanted:
            raise DataError(f"a table needs the columns {', '.join(wanted)}, found {', '.join(table.column_names)}")
        for column, values in zip(schema.columns, table.columns, strict=True):
            _check(column, values)
        self.table, self.schema = table, schema

    @classmethod
    def of(cls, columns: Mapping[str, Values], schema: Schema) -> Self:
        """Make a table from one sequence for each column.

        Args:
            columns: Of number, integer and datetime columns float64 with NaN = missing (datetime: seconds since 1970);
                of boolean, category and ordinal columns codes with -1 = missing; of the others strings or None.
            schema: What the columns are.

        Raises:
            DataError: A column is absent, or does not fit.
        """
        absent = [column.name for column in schema.columns if column.name not in columns]
        if absent:
            raise DataError(f"no values were given for the column {absent[0]}; give some for every column")
        arrays = [_array(column, columns[column.name]) for column in schema.columns]
        return cls(pa.table(arrays, schema=_arrow_schema(schema)), schema)

    @classmethod
    def empty(cls, schema: Schema) -> Self:
        """Return a table without rows."""
        return cls(pa.Table.from_batches([], schema=_arrow_schema(schema)), schema)

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        """Show the size."""
        return f"Table({len(self)} rows, {len(self.schema.columns)} columns)"

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the label numbers; none where the label is a number."""
        return self.schema.classes

    @cached_property
    def labels(self) -> Codes:
        """Class numbers, [N]; all zero where the label has no classes."""
        if not self.classes or self.schema.label is None:
            return np.zeros(len(self), dtype=np.int64)
        return self.codes(self.schema.label)

    def counts(self) -> Codes:
        """Return the number of rows of each class, [K]."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    def numbers(self, name: str) -> Numbers:
        """Return a number, integer, datetime or boolean column, [N]; NaN = missing, datetime in seconds since 1970.

        Raises:
            KeyError: No such column of that name.
        """
        kind = self.schema.column(name).kind
        if kind not in (*NUMERIC, "boolean"):
            raise KeyError(name)
        column = self.table.column(name)
        if kind == "datetime":
            column = column.cast(pa.int64())
        values = np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy())
        return values / _MICROSECONDS if kind == "datetime" else values

    def codes(self, name: str) -> Codes:
        """Return a boolean, category or ordinal column as numbers into its categories, [N]; -1 = missing.

        Raises:
            KeyError: No such column of that name.
        """
        if self.schema.column(name).kind not in CODED:
            raise KeyError(name)
        return np.asarray(pc.fill_null(self.table.column(name), -1).to_numpy()).astype(np.int64)

    def strings(self, name: str) -> list[str | None]:
        """Return an id or text column; None = missing.

        Raises:
            KeyError: No such column of that name.
        """
        if self.schema.column(name).kind not in WORDS:
            raise KeyError(name)
        return list(self.table.column(name).to_pylist())

    def missing(self, name: str) -> npt.NDArray[np.bool_]:
        """Return where a column has no value, [N]."""
        return np.asarray(pc.is_null(self.table.column(name)).to_numpy())

    def values(self, name: str) -> Values:
        """Return a column in the form that `of` takes."""
        kind = self.schema.column(name).kind
        if kind in NUMERIC:
            return self.numbers(name)
        return self.codes(name) if kind in CODED else self.strings(name)

    def problems(self) -> dict[int, str]:
        """Return why a row is not usable: it breaks a constraint, or lacks a class or a value that must be there."""
        found: dict[int, str] = {}
        for constraint in self.schema.constraints:
            rows = np.flatnonzero(broken(self, constraint)).tolist()
            found = dict.fromkeys(rows, f"breaks {constraint.title}") | found
        for column in self.schema.columns:
            if self.table.column(column.name).null_count and (not column.optional or column.name == self.schema.label):
                found |= dict.fromkeys(np.flatnonzero(self.missing(column.name)).tolist(), f"no {column.name}")
        return found

    def take(self, index: Index) -> Self:
        """Return rows by position; repeats are allowed."""
        chosen = np.ascontiguousarray(index, dtype=np.int64)
        if len(chosen) and chosen[0] >= 0 and chosen[-1] < len(self) and (np.diff(chosen) == 1).all():
            # A slice copies nothing; taking from many chunks first joins them all.
            return type(self)(self.table.slice(int(chosen[0]), len(chosen)), self.schema)
        rows = pa.Array.from_buffers(pa.int64(), len(chosen), [None, pa.py_buffer(chosen)])
        return type(self)(self.table.take(rows), self.schema)

    def select(self, names: Sequence[str]) -> Self:
        """Return some of the columns, in that order; the label is kept as such if it is among them."""
        schema = table_schema(
            [self.schema.column(name) for name in names], self.schema.label if self.schema.label in names else None
        )
        return type(self)(self.table.select(list(names)), schema)

    @cached_property
    def _fingerprint(self) -> str:
        total = hashlib.sha256(self.schema.model_dump_json().encode())
        for name in self.schema.columns:
            total.update(_digest(self.table.column(name.name)))
        return total.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of schema and values; chunks do not count; computed once."""
        return self._fingerprint

    def row_hashes(self) -> Iterator[bytes]:
        """Yield a 16-byte hash of each row, in order; id columns do not count: a copy with a new key is one."""
        names = [column.name for column in self.schema.columns if column.kind != "id"]
        for start in range(0, len(self), _CHUNK_ROWS):
            part = self.table.slice(start, _CHUNK_ROWS)
            rows = np.stack([_numbered(part.column(name)) for name in names], axis=1) if names else None
            for row in range(part.num_rows):
                content = b"" if rows is None else rows[row].tobytes()
                yield hashlib.blake2b(content, digest_size=16).digest()

    def save(self, folder: Path) -> None:
        """Write `table.arrow` and `schema.json` into an existing folder."""
        write_table([self], folder, self.schema)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what `save` wrote; values are memory-mapped.

        Raises:
            DataError: A file is missing or damaged.
        """
        try:
            schema = Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
            table = pa.ipc.open_file(pa.memory_map(str(folder / _FILE))).read_all()
        except (OSError, ValueError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold a complete table: {reason}; make it again") from None
        return cls(table, schema)


def _digest(column: pa.ChunkedArray) -> bytes:
    """Return a hash of values and of where they are missing, whatever the chunks."""
    total = hashlib.sha256()
    for batch in pa.table([column], ["values"]).combine_chunks().to_batches(max_chunksize=_CHUNK_ROWS):
        values = batch.column(0)
        total.update(np.packbits(np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False))).tobytes())
        if values.type == pa.large_string():
            words = ["" if value is None else value for value in values.to_pylist()]
            total.update(np.array([len(word) for word in words], dtype=np.int64).tobytes())
            total.update("".join(words).encode())
        else:
            total.update(np.ascontiguousarray(_filled(values)).tobytes())
    return total.digest()


def _numbered(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Return one whole number for each value: equal for equal values, and one of its own where it is missing."""
    values = column.combine_chunks()
    if values.type == pa.large_string():
        # Here and not above: images and texts do without its 25 MB.
        import pandas as pd

        words = np.array(["" if value is None else value for value in values.to_pylist()], dtype=object)
        found = np.asarray(pd.util.hash_array(words, categorize=False))
    else:
        filled = _filled(values)
        if filled.dtype == np.float64:
            # Adding nothing makes one of both zeros.
            filled = (filled + 0.0).view(np.int64)
        found = filled.astype(np.int64).view(np.uint64)
    gone = np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False))
    return np.where(gone, np.uint64(0x9E3779B97F4A7C15), found)


def _filled(values: pa.Array) -> npt.NDArray[Any]:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return np.asarray(pc.fill_null(values, 0).to_numpy(zero_copy_only=False))


def _check(column: Column, values: pa.ChunkedArray) -> None:
    if column.kind not in KINDS:
        raise DataError(f"column {column.name} is of kind {column.kind}; a table has {', '.join(KINDS)}")
    if values.type != KINDS[column.kind]:
        raise DataError(f"column {column.name} must hold {KINDS[column.kind]}, found {values.type}")
    if column.kind in CODED and len(values) > values.null_count:
        ends = pc.min_max(values).as_py()
        if ends["min"] < 0 or ends["max"] >= len(column.categories):
            raise DataError(
                f"codes of column {column.name} must lie in 0..{len(column.categories) - 1}, found {ends['min']} "
                f"to {ends['max']}"
            )


def _array(column: Column, values: Values) -> pa.Array:
    if column.kind in WORDS:
        return pa.array(values, KINDS[column.kind])
    given = np.asarray(values)
    if column.kind in CODED:
        return pa.array(given.astype(np.int32), KINDS[column.kind], mask=given < 0)
    numbers = given.astype(np.float64)
    gone = np.isnan(numbers)
    if column.kind == "number":
        return pa.array(numbers, mask=gone)
    scaled = np.where(gone, 0.0, numbers) * (_MICROSECONDS if column.kind == "datetime" else 1.0)
    return pa.array(np.rint(scaled).astype(np.int64), pa.int64(), mask=gone).cast(KINDS[column.kind])


def _arrow_schema(schema: Schema) -> pa.Schema:
    return pa.schema([pa.field(column.name, KINDS[column.kind]) for column in schema.columns])


def table_schema(columns: Sequence[Column], label: str | None = None) -> Schema:
    """Return the schema of a table.

    Raises:
        DataError: Two columns have one name, or no column is called as the label.
    """
    names = [column.name for column in columns]
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(f"several columns are called {', '.join(repeated)}; rename them")
    if label is not None and label not in names:
        raise DataError(f"no column is called '{label}'; columns are {', '.join(names)}; set label to one of them")
    return Schema(modality="tabular", columns=tuple(columns), label=label)


def write_table(pieces: Iterable[Table], folder: Path, schema: Schema) -> None:
    """Write rows piece by piece as `table.arrow` and `schema.json` into an existing folder; memory stays flat.

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


def concatenate_tables(parts: Sequence[Table]) -> Table:
    """Return the rows of several tables, one after the other.

    Raises:
        DataError: Nothing to join, or the schemas differ.
    """
    if len({part.schema.model_dump_json() for part in parts}) != 1:
        raise DataError("only tables of one schema can be joined; read them with the same schema")
    return Table(pa.concat_tables([part.table for part in parts]), parts[0].schema)
