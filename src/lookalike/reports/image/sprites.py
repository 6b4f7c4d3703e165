"""Many small pictures in one file: a sprite costs a page one header instead of hundreds."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from PIL import Image

from lookalike.data.images import Images, Pixels

COLUMNS = 32
GUTTER = 1
"""Pixels around each cell that repeat its edge: at odd zoom levels a browser then blends in the same colour."""
_LOSSY_QUALITY = 88


@final
@dataclass(frozen=True)
class Sprite:
    """An encoded sheet of equal cells, filled row by row.

    Attributes:
        name: File name without suffix.
        content: The encoded file.
        suffix: `png` (exact) or `webp` (compressed).
        count: Number of cells.
        width: Width of one picture in pixels, without the gutter.
        height: Height of one picture in pixels, without the gutter.
    """

    name: str
    content: bytes
    suffix: str
    count: int
    width: int
    height: int

    @property
    def file(self) -> str:
        """File name."""
        return f"{self.name}.{self.suffix}"

    def facts(self) -> dict[str, Any]:
        """Return what a page needs to show one cell."""
        columns = min(self.count, COLUMNS)
        return {
            "file": self.file,
            "count": self.count,
            "columns": columns,
            "rows": -(-self.count // max(columns, 1)),
            "width": self.width,
            "height": self.height,
            "gutter": GUTTER,
        }


def shrunk(data: Images, rows: Sequence[int], side: int) -> Pixels:
    """Return pictures whose longest side is at most `side` pixels, [n, h, w, C]; smaller ones stay as they are."""
    factor = min(1.0, side / max(data.height, data.width))
    height, width = (max(1, round(length * factor)) for length in (data.height, data.width))
    result = np.empty((len(rows), height, width, data.channels), dtype=np.uint8)
    for place, row in enumerate(rows):
        pixels = np.asarray(data.pixels[row])
        if factor < 1:
            picture = Image.fromarray(pixels if data.channels == 3 else pixels[..., 0])
            pixels = np.asarray(picture.resize((width, height), Image.Resampling.BOX)).reshape(height, width, -1)
        result[place] = pixels
    return result


def encode(name: str, cells: Pixels, lossy: bool = False) -> Sprite:
    """Lay cells out in a sheet and encode it.

    Args:
        name: File name without suffix.
        cells: [n, h, w, C] uint8, C = 1 or 3.
        lossy: WebP instead of PNG; a fifth of the size for photographs.
    """
    count, height, width, channels = cells.shape
    columns = max(1, min(count, COLUMNS))
    lines = max(1, -(-count // columns))
    around = np.pad(cells, ((0, lines * columns - count), (0, 0), (0, 0), (0, 0)))
    padded = np.pad(around, ((0, 0), (GUTTER, GUTTER), (GUTTER, GUTTER), (0, 0)), mode="edge")
    pitch_y, pitch_x = height + 2 * GUTTER, width + 2 * GUTTER
    grid = padded.reshape(lines, columns, pitch_y, pitch_x, channels).transpose(0, 2, 1, 3, 4)
    sheet = grid.reshape(lines * pitch_y, columns * pitch_x, channels)
    picture = Image.fromarray(np.ascontiguousarray(sheet if channels == 3 else sheet[..., 0]))
    file = io.BytesIO()
    if lossy:
        picture.save(file, "WEBP", quality=_LOSSY_QUALITY, method=4)
    else:
        picture.save(file, "PNG", compress_level=9)
    return Sprite(name, file.getvalue(), "webp" if lossy else "png", count, width, height)
