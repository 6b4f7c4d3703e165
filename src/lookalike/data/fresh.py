"""Columns that no generator learns: new keys that no real row has, and free texts left empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Schema
from lookalike.data.formats import arrow_type
from lookalike.data.pixels import shown
from lookalike.data.table import WORDS, Table, Values

BLOCK = 1024
"""Rows of a block; a block is always drawn whole, so that row i depends on the key and on i alone."""
Drawn = Mapping[str, Any]


def tell_unlearnt(schema: Schema, method: str, watch: Watch) -> None:
    """Note which columns hold free texts, which stay empty."""
    for column in schema.columns:
        if column.kind == "text":
            told = f"{shown(column.name)} holds free text, which {method} does not learn: its cells are left empty"
            watch(Note("fit", told, "warning"))


def fresh_words(schema: Schema, n: int, rng: Rng) -> dict[str, Values]:
    """Return new keys and empty texts for n rows.

    A key has 96 random bits; where real keys are whole numbers, 18 digits that begin with 9, which no real key that a
    program counted has. None comes twice but for a chance of about n^2 / 10^17.

    Args:
        schema: Of the rows.
        n: Number of rows.
        rng: Key of the rows.
    """
    found: dict[str, Values] = {}
    for place, column in enumerate(schema.columns):
        if column.kind == "id":
            found[column.name] = _keys(column, n, rng.child("keys", place))
        elif column.kind == "text":
            found[column.name] = [None if column.optional else ""] * n
    return found


def _keys(column: Column, n: int, rng: Rng) -> list[str | None]:
    counted = column.stored and not column.stored.startswith(("dictionary", "string", "large"))
    keys: list[str | None] = []
    for block in range(-(-n // BLOCK)):
        draw = rng.child("block", block).numpy()
        if counted and "int" in str(arrow_type(column.stored)):
            keys += [str(key) for key in draw.integers(9 * 10**17, 10**18, BLOCK).tolist()]
        else:
            raw = draw.bytes(12 * BLOCK).hex()
            keys += [raw[24 * row : 24 * row + 24] for row in range(BLOCK)]
    return keys[:n]


def in_blocks(
    n: int, rng: Rng, schema: Schema, asked: Mapping[str, Values], draw: Callable[[np.random.Generator], Drawn]
) -> Table:
    """Return n rows, drawn in whole blocks.

    Args:
        n: Number of rows.
        rng: Key of the rows.
        schema: Of the rows.
        asked: Values that are given, by column.
        draw: Makes one block of `BLOCK` values for every column but keys and texts.
    """
    blocks = [draw(rng.child("block", block).numpy()) for block in range(-(-n // BLOCK))]
    names = [column.name for column in schema.columns if column.kind not in WORDS]
    columns: dict[str, Values] = {
        name: np.concatenate([block[name] for block in blocks])[:n] if blocks else np.zeros(0) for name in names
    }
    return Table.of({**columns, **fresh_words(schema, n, rng), **asked}, schema)
