"""Parquet files: tables of values, or with a column of images or of texts as Hugging Face datasets stores them."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.classes import one_class
from lookalike.data.columns import Columns, class_numbers, features_of, pick_columns, pick_text_columns
from lookalike.data.pixels import shown
from lookalike.data.reading import Encoded, Item, existing, file_state
from lookalike.data.tables import Opened, TableReader, names_of, rows_of, table_rows
from lookalike.data.texts import Record, TextColumns

_ROWS = 64
_TEXT_ROWS = 256
_TABLE_ROWS = 50_000
_BUFFER_BYTES = 1 << 20
_GLOB = frozenset("*?[")


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        # With a buffer a column is read piece by piece: a file may be one group of rows that is larger than memory.
        with pq.ParquetFile(path, memory_map=False, buffer_size=_BUFFER_BYTES) as file:
            names = file.schema_arrow.names
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                listed = ", ".join(map(shown, repeated))
                raise DataError(f"{shown(path.name)} has several columns called {listed}; rename them")
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown(path.name)} is damaged or no Parquet file: {shown(error)}; fetch it again") from None


@final
class Parquet(TableReader):
    """Reads Parquet files: images or texts from a column, or all columns; class names come from their metadata.

    Images are encoded bytes, or structs that hold them. Rows with a path but no bytes are faults: following paths from
    a stranger's table could read any file. Texts are strings.
    """

    path: str = Field(description="A .parquet file, a folder of them, or a pattern such as data/train-*.parquet.")

    def _files(self) -> list[Path]:
        if _GLOB & set(self.path) and not Path(self.path).exists():
            names = glob.glob(str(Path(self.path).expanduser()), recursive=True)
            found = [path for path in map(Path, names) if path.is_file()]
        else:
            root = existing(self.path, "Parquet file or folder")
            found = _below(root) if root.is_dir() else [root]
        if not found:
            raise DataError(f"no .parquet files at {shown(self.path)}; give a file, a folder of them or a pattern")
        return sorted(found)

    def state(self) -> str:
        """Return a hash of the files' names, sizes and times."""
        files = self._files()
        return file_state(files, files[0].parent)

    def opened(self) -> Opened:
        """Open the files; the first one says which columns there are."""
        files = self._files()
        with _opened(files[0]) as file:
            features = features_of(file.schema_arrow)
            rows = table_rows(files[0].name, features, file.schema_arrow, partial(_batches, files, file.schema_arrow))
        return Opened(files[0].name, features, partial(self._images, files), partial(self._texts, files), lambda: rows)

    def _images(self, files: list[Path], columns: Columns) -> Encoded:
        """Read the schemas and the label column."""
        chunks: list[pa.Array] = []
        rows, kind = 0, None
        for path in files:
            with _opened(path) as file:
                found = pick_columns(features_of(file.schema_arrow), self.image, self.label, path.name)
                if found != columns:
                    raise _differs(path, files[0], "image")
                if columns.label:
                    chunk = file.read(columns=[columns.label]).column(0)
                    kind = kind or chunk.type
                    chunks.extend(part.cast(kind) for part in chunk.chunks)
                rows += file.metadata.num_rows
        if not rows:
            raise DataError(f"{shown(self.path)} holds no rows; give files with images")
        if columns.label is None:
            return Encoded(self.path, *one_class(rows), lambda: _items(files, columns, frozenset()))
        labels, classes, missing = class_numbers(pa.chunked_array(chunks, type=kind), columns, self.path)
        unlabelled = frozenset(missing)
        return Encoded(self.path, labels, classes, lambda: _items(files, columns, unlabelled))

    def _texts(self, files: list[Path], columns: TextColumns, further: Sequence[str]) -> Iterator[Record]:
        """Yield the rows, named by file and place; all schemas are looked at before the first row is read."""
        for path in files:
            with _opened(path) as file:
                found = pick_text_columns(
                    features_of(file.schema_arrow), columns.text, columns.label or "", further, path.name
                )
                if found != columns:
                    raise _differs(path, files[0], "text")
        for path in files:
            with _opened(path) as file:
                place = 0
                for batch in file.iter_batches(batch_size=_TEXT_ROWS, columns=names_of(columns, further)):
                    for row in rows_of(batch, columns, path.name):
                        yield f"{path.name} row {place}", row
                        place += 1


def _batches(files: list[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield all rows; all schemas are looked at before the first row is read."""
    for path in files[1:]:
        with _opened(path) as file:
            if [(one.name, one.type) for one in file.schema_arrow] != [(one.name, one.type) for one in schema]:
                raise DataError(
                    f"{shown(path.name)} differs from {shown(files[0].name)} in the names or types of its columns; "
                    "read files of one table at a time"
                )
    for path in files:
        with _opened(path) as file:
            yield from file.iter_batches(batch_size=_TABLE_ROWS)


def _differs(path: Path, first: Path, kind: str) -> DataError:
    return DataError(
        f"{shown(path.name)} differs from {shown(first.name)} in its {kind} or label column or class names; read files "
        "of one data set at a time"
    )


def _below(root: Path) -> list[Path]:
    found = []
    for path in root.rglob("*.parquet"):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        if not path.resolve().is_relative_to(root):
            raise DataError(f"{shown(path.name)} is a link that leaves {shown(root.name)}; copy the file there")
        found.append(path)
    return found


def _items(files: list[Path], columns: Columns, unlabelled: frozenset[int]) -> Iterator[Item]:
    row = 0
    for path in files:
        with _opened(path) as file:
            place = 0
            for batch in file.iter_batches(batch_size=_ROWS, columns=[columns.image]):
                for cell in batch.column(0).to_pylist():
                    yield item_of(cell, f"{path.name} row {place}", columns, row in unlabelled)
                    row, place = row + 1, place + 1


def item_of(cell: Any, name: str, columns: Columns, unlabelled: bool) -> Item:  # noqa: ANN401  a table's cell
    """Return the image in a cell: bytes, or a struct that holds bytes; else an item with a fault."""
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if unlabelled:
        return Item(
            name, b"", f"{shown(name)} has no label; fill column '{shown(columns.label)}', or set on_error: skip"
        )
    if not isinstance(content, bytes) or not content:
        return Item(name, b"", f"{shown(name)} has no image bytes; embed the files in the table, or set on_error: skip")
    return Item(name, content)
