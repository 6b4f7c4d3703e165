"""A `pixels.npy` that grows row by row, so that no reader ever holds a whole set in memory."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, final

import numpy as np
import numpy.typing as npt

from lookalike.core.store import disk_errors

Pixels = npt.NDArray[np.uint8]
CHUNK_BYTES = 16 << 20
"""About how many bytes of pixels are handled at a time."""
_HEADER_BYTES = 128


def chunk_rows(row_bytes: int) -> int:
    """Return how many rows of that size make a chunk, at least 1."""
    return max(1, CHUNK_BYTES // max(1, row_bytes))


def _header(shape: tuple[int, ...]) -> bytes:
    # Of fixed length, so that the number of rows can be written when it is known.
    text = repr({"descr": "|u1", "fortran_order": False, "shape": shape})
    buffer = BytesIO()
    buffer.write(np.lib.format.magic(1, 0))
    buffer.write((_HEADER_BYTES - 10).to_bytes(2, "little"))
    buffer.write(text.ljust(_HEADER_BYTES - 11).encode("latin1") + b"\n")
    return buffer.getvalue()


@final
class PixelFile:
    """Writes [N, H, W, C] uint8 rows in order; used as a context manager.

    Rows are written, not assigned to a memory map: on a full disk a write is an error, a memory map kills the process.

    Args:
        path: The `.npy` file to make.
        shape: Height, width, channels.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        """Remember where to write; nothing is opened yet."""
        self.path = path
        self.shape = shape
        self.rows = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Open the file."""
        with disk_errors(self.path):
            self._file = self.path.open("wb")
            self._file.write(_header((0, *self.shape)))
        return self

    def append(self, rows: Pixels) -> None:
        """Write more rows, [B, H, W, C].

        Raises:
            BudgetError: The disk is full.
        """
        if rows.shape[1:] != self.shape or rows.dtype != np.uint8 or self._file is None:
            raise ValueError(f"rows of {self.shape} uint8 expected, found {rows.shape} {rows.dtype}")
        with disk_errors(self.path):
            self._file.write(np.ascontiguousarray(rows).data)
        self.rows += len(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the number of rows and close."""
        if self._file is None:
            return
        file, self._file = self._file, None
        if error is not None:
            # What the buffer still holds cannot be written either when the disk is full.
            with suppress(OSError):
                file.close()
            return
        with disk_errors(self.path), file:
            file.seek(0)
            file.write(_header((self.rows, *self.shape)))

    def open(self) -> Pixels:
        """Return the written rows as a read-only memory map."""
        if self.rows == 0:
            return np.zeros((0, *self.shape), dtype=np.uint8)
        pixels: Pixels = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return pixels
