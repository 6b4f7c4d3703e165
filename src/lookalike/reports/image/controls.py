"""The pictures of what a generator's controls do, small enough to stand on the page beside the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookalike.core.contracts import Sheet
from lookalike.core.store import write_file, write_json
from lookalike.data.images import Images
from lookalike.reports.image.sprites import encode, shrunk

BUDGET = 150_000
"""Bytes that the encoded pictures may take."""
# (longest side in pixels, compressed): the first that fits the budget is taken.
_ATTEMPTS = ((64, False), (64, True), (48, True), (32, True), (16, True))


def build(folder: Path, sheets: Sequence[Sheet[Images]]) -> None:
    """Write controls.json and its sprite file; equal inputs give equal bytes, no sheets give no file.

    Args:
        folder: Existing, empty folder.
        sheets: Pictures of one size, in the order in which the page shows them.
    """
    if not sheets:
        return
    for side, lossy in _ATTEMPTS:
        cells = np.concatenate([shrunk(sheet.data, range(len(sheet.data)), side) for sheet in sheets])
        sprite = encode("controls", cells, lossy)
        if len(sprite.content) <= BUDGET:
            break
    told, first = [], 0
    for sheet in sheets:
        told.append(
            {
                "name": sheet.name,
                "title": sheet.title,
                "caption": sheet.caption,
                "lines": list(sheet.lines),
                "columns": list(sheet.columns),
                "sources": sheet.sources,
                "grid": [[None if place is None else first + place for place in line] for line in sheet.grid],
            }
        )
        first += len(sheet.data)
    write_file(folder / sprite.file, sprite.content)
    content = {"version": 1, "compressed": lossy, "sheets": told, "sprites": {"controls": sprite.facts()}}
    write_json(folder / "controls.json", content)
