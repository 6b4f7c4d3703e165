"""Rows of several datasets written as one, chunk by chunk: memory stays flat however many rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookalike.core.contracts import Index
from lookalike.core.errors import DataError
from lookalike.core.store import write_file
from lookalike.data.images import Images
from lookalike.data.pixelfile import PixelFile, chunk_rows


def gather(parts: Sequence[Images], folder: Path, index: Index | None = None) -> Images:
    """Write chosen rows of some datasets into a folder and open them memory-mapped.

    Args:
        parts: Datasets of one schema, taken one after the other.
        folder: Existing folder for `pixels.npy`, `labels.npy` and `schema.json`.
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
    target = (folder / "pixels.npy").resolve()
    if any(Path(getattr(part.pixels, "filename", None) or "").resolve() == target for part in parts):
        raise DataError(f"cannot gather rows into {folder}, which holds the rows themselves; use another folder")
    labels = []
    shape = (parts[0].height, parts[0].width, parts[0].channels)
    rows = chunk_rows(int(np.prod(shape)))
    with PixelFile(folder / "pixels.npy", shape) as file:
        start = 0
        for part in parts:
            stop = start + len(part)
            chosen = np.arange(len(part)) if index is None else index[(index >= start) & (index < stop)] - start
            for first in range(0, len(chosen), rows):
                piece = part.take(chosen[first : first + rows])
                file.append(piece.pixels)
                labels.append(piece.labels)
            start = stop
    np.save(folder / "labels.npy", np.concatenate([np.zeros(0, dtype=np.int64), *labels]), allow_pickle=False)
    write_file(folder / "schema.json", parts[0].schema.model_dump_json())
    return Images.open(folder)
