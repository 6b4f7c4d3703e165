"""Rows of several datasets written as one, chunk by chunk: memory stays flat however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from lookalike.core.contracts import Index
from lookalike.core.errors import DataError
from lookalike.core.store import write_file
from lookalike.data.corpus import Corpus, write_texts
from lookalike.data.images import Images
from lookalike.data.pixelfile import PixelFile, chunk_rows
from lookalike.data.relations import Relations, table_folder, write_sizes
from lookalike.data.table import Table, write_table

Rows = TypeVar("Rows", Images, Corpus, Table, Relations)
_TEXT_ROWS = 10_000
_TABLE_ROWS = 100_000
_FAMILIES = 2_000


def gather(parts: Sequence[Rows], folder: Path, index: Index | None = None) -> Rows:
    """Write chosen rows of some datasets into a folder and open them memory-mapped.

    Args:
        parts: Datasets of one schema, taken one after the other.
        folder: Existing folder for what the dataset's `open` reads.
        index: Sorted positions in the parts taken together, [n] int64; None = all rows.

    Returns:
        The rows.

    Raises:
        DataError: Nothing to gather, schemas differ, or a part is mapped from that very folder.
        BudgetError: The disk is full.
    """
    schemas = {part.schema for part in parts}
    if len(schemas) != 1:
        raise DataError(f"only datasets of one schema can be gathered, found {len(schemas)} schemas")
    first = parts[0]
    if isinstance(first, Images):
        _gather_images(parts, folder, index)
    elif isinstance(first, Table):
        write_table(_pieces(parts, index, _TABLE_ROWS), folder, first.schema)
    elif isinstance(first, Relations):
        _gather_relations(parts, folder, index)
    else:
        write_texts(_pieces(parts, index, _TEXT_ROWS), folder, first.schema)
    return type(first).open(folder)


def _pieces(parts: Sequence[Rows], index: Index | None, rows: int) -> Iterator[Rows]:
    """Yield the chosen rows of all parts, at most `rows` at a time."""
    start = 0
    for part in parts:
        stop = start + len(part)
        chosen = np.arange(len(part)) if index is None else index[(index >= start) & (index < stop)] - start
        for first in range(0, len(chosen), rows):
            yield part.take(chosen[first : first + rows])
        start = stop


def _gather_relations(parts: Sequence[Relations], folder: Path, index: Index | None) -> None:
    """Write one table after the other, so that no more than one piece of one table is in memory."""
    for member in parts[0].schema.tables:
        place = table_folder(folder, member.name)
        place.mkdir(parents=True)
        if member.whole:
            parts[0].tables[member.name].save(place)
            continue
        sizes = [np.zeros(0, dtype=np.int64)]

        def tables(name: str = member.name, sizes: list[Index] = sizes) -> Iterator[Table]:
            for piece in _pieces(parts, index, _FAMILIES):
                sizes.append(piece.sizes.get(name, sizes[0]))
                yield piece.tables[name]

        write_table(tables(), place, member.rows)
        if member.parent is not None:
            write_sizes(np.concatenate(sizes), place)
    write_file(folder / "schema.json", parts[0].schema.model_dump_json())


def _gather_images(parts: Sequence[Images], folder: Path, index: Index | None) -> None:
    target = (folder / "pixels.npy").resolve()
    if any(Path(getattr(part.pixels, "filename", None) or "").resolve() == target for part in parts):
        raise DataError(f"cannot gather rows into {folder}, which holds the rows themselves; use another folder")
    labels = [np.zeros(0, dtype=np.int64)]
    shape = (parts[0].height, parts[0].width, parts[0].channels)
    with PixelFile(folder / "pixels.npy", shape) as file:
        for piece in _pieces(parts, index, chunk_rows(int(np.prod(shape)))):
            file.append(piece.pixels)
            labels.append(piece.labels)
    np.save(folder / "labels.npy", np.concatenate(labels), allow_pickle=False)
    write_file(folder / "schema.json", parts[0].schema.model_dump_json())
