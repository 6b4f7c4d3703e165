"""Parquet files with an image column, as Hugging Face datasets stores them."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from lookalike.core.errors import DataError
from lookalike.data.columns import Columns, class_numbers, features_of, pick_columns
from lookalike.data.pixels import shown
from lookalike.data.reading import Encoded, ImageReader, Item, existing, file_state

_ROWS = 64
_GLOB = frozenset("*?[")


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown(path.name)} is damaged or no Parquet file: {shown(error)}; fetch it again") from None


@final
class Parquet(ImageReader):
    """Reads images from a column of encoded bytes, and class names from the `huggingface` metadata when they are there.

    Rows with a path but no bytes are faults: following paths from a stranger's table could read any file.
    """

    path: str = Field(description="A .parquet file, a folder of them, or a pattern such as data/train-*.parquet.")
    image: str | None = Field(default=None, description="The image column; None = the only one.")
    label: str | None = Field(
        default=None, description="The label column; None = the only ClassLabel column, else label, labels, class, ..."
    )

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

    def listing(self) -> Encoded:
        """Read the schemas and the label column."""
        files = self._files()
        columns: Columns | None = None
        chunks: list[pa.Array] = []
        rows, kind = 0, None
        for path in files:
            with _opened(path) as file:
                found = pick_columns(features_of(file.schema_arrow), self.image, self.label, path.name)
                if columns is not None and found != columns:
                    raise DataError(
                        f"{shown(path.name)} differs from {shown(files[0].name)} in its image or label column or class "
                        "names; read files of one data set at a time"
                    )
                columns = found
                chunk = file.read(columns=[columns.label]).column(0)
                kind = kind or chunk.type
                chunks.extend(part.cast(kind) for part in chunk.chunks)
                rows += file.metadata.num_rows
        if columns is None or not rows:
            raise DataError(f"{shown(self.path)} holds no rows; give files with images")
        labels, classes, missing = class_numbers(pa.chunked_array(chunks, type=kind), columns, self.path)
        unlabelled = frozenset(missing)
        return Encoded(self.path, labels, classes, lambda: _items(files, columns, unlabelled))


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
