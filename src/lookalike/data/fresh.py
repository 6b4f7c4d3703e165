"""Columns that no generator learns: new keys that no real row has, and free texts left empty."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import DataError
from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Schema
from lookalike.data.formats import arrow_type, largest_of
from lookalike.data.keyforms import Form, permuted
from lookalike.data.pixels import shown
from lookalike.data.relations import ranges
from lookalike.data.table import WORDS, Table, Values

BLOCK = 1024
"""Rows of a block; a block is always drawn whole, so that row i depends on the key and on i alone."""
Drawn = Mapping[str, Any]
_SHARD = "shard:"
"""Step of a key's path by which the parts of a dataset differ; its number is that of the first row."""
_ROUNDS = 4


def tell_unlearnt(schema: Schema, method: str, watch: Watch) -> None:
    """Note which columns hold free texts, which stay empty."""
    for column in schema.columns:
        if column.kind == "text":
            told = f"{shown(column.name)} holds free text, which {method} does not learn: its cells are left empty"
            watch(Note("fit", told, "warning"))


@dataclass(frozen=True)
class Places:
    """Which of all rows are made: no two parts of a dataset have one in common.

    Attributes:
        rows: Number of each row, [N].
        key: Key that all parts share.
    """

    rows: npt.NDArray[np.int64]
    key: Rng

    @classmethod
    def of(cls, n: int, rng: Rng) -> Self:
        """Return the places of n rows; a step called shard in the path of their key says where they begin.

        Example:
            >>> Places.of(2, Rng(0).child("sample").child("shard", 500).child("keys")).rows.tolist()
            [500, 501]
        """
        path = [step for step in rng.path if not step.startswith(_SHARD)]
        first = sum(int(step.removeprefix(_SHARD)) for step in rng.path if step.startswith(_SHARD))
        return cls(np.arange(first, first + n, dtype=np.int64), Rng(rng.seed, tuple(path)))

    def children(self, sizes: npt.NDArray[np.int64], most: int, name: str) -> Self:
        """Return the places of rows that belong to these.

        Args:
            sizes: How many belong to each, [N].
            most: How many belong to one at most.
            name: Of their table.
        """
        within = ranges(np.zeros(len(sizes), dtype=np.int64), sizes)
        return type(self)(np.repeat(self.rows * max(1, most), sizes) + within, self.key.child(name))


def fresh_words(
    schema: Schema, n: int, rng: Rng, places: Places | None = None, besides: Collection[str] = ()
) -> dict[str, Values]:
    """Return new keys and empty texts for n rows; keys lack at the rate that real ones do.

    A key has the form of the real ones, where that has room: all parts of a dataset take theirs from one permutation,
    so none comes twice, and none is a real one; where there are more than 10^12 possible keys for each real one they
    are drawn, and either happens with a chance of about n / 10^12. Without a form a key has 96 random bits, or 18
    digits that begin with 9, which no real key that a program counted has.

    Args:
        schema: Of the rows.
        n: Number of rows.
        rng: Key of the rows.
        places: Which of all rows they are; None = as the key says.
        besides: Columns that get their values from elsewhere.
    """
    found: dict[str, Values] = {}
    places = Places.of(n, rng) if places is None else places
    for place, column in enumerate(schema.columns):
        if column.name in besides:
            continue
        if column.kind == "id":
            own = rng.child("keys", place)
            keys = _keys(column, n, own) if not column.form else _formed(column, n, own, places, place)
            found[column.name] = _with_gaps(keys, column.lacking, own.child("gaps"))
        elif column.kind == "text":
            found[column.name] = [None if column.optional else ""] * n
    return found


def _formed(column: Column, n: int, rng: Rng, places: Places, number: int) -> list[str]:
    form = Form.of(column.form)
    if form.vast:
        return [key for draw in _draws(n, rng) for key in form.draw(BLOCK, draw)][:n]
    keys = places.key.child("form", number).numpy().integers(0, 2**64, _ROUNDS, dtype=np.uint64)
    beyond = places.rows >= form.room
    rows = places.rows.copy()
    rows[~beyond] = permuted(rows[~beyond], form.room, keys)
    if not beyond.any():
        return form.write(rows)
    if form.alphabets:
        spare = _keys(column, n, rng)
        written = iter(form.write(rows[~beyond]))
        return [spare[row] if far else next(written) for row, far in enumerate(beyond.tolist())]
    _check_room(column, form.start + int(rows.max()))
    return form.write(rows)


def _check_room(column: Column, largest: int) -> None:
    """Refuse numbers that the type of a column has no place for."""
    most = largest_of(column.stored)
    if most is not None and largest > most:
        raise DataError(
            f"column {shown(column.name)} of {column.stored} has no place for the key {largest:,}; make fewer rows, or "
            "give the column a larger type"
        )


def _with_gaps(keys: list[str], share: float, rng: Rng) -> list[str | None]:
    if not share:
        return list(keys)
    gone = [flag for draw in _draws(len(keys), rng) for flag in (draw.random(BLOCK) < share).tolist()]
    return [None if lacks else key for key, lacks in zip(keys, gone, strict=False)]


def _draws(n: int, rng: Rng) -> Iterator[np.random.Generator]:
    return (rng.child("block", block).numpy() for block in range(-(-n // BLOCK)))


def _keys(column: Column, n: int, rng: Rng) -> list[str]:
    counted = column.stored and not column.stored.startswith(("dictionary", "string", "large"))
    keys: list[str] = []
    for draw in _draws(n, rng):
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
