"""Rows drawn in whole blocks, so that row i depends on the key and on i alone; keys, texts and asked values added.

Legend: B rows of a block, N rows, D modelled columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.data.asked import asked_values
from lookalike.data.coded_numbers import UNSEEN, NumberCoding
from lookalike.data.coding import TableCoding
from lookalike.data.fresh import BLOCK, fresh_words, tell_unlearnt
from lookalike.data.table import NUMERIC, WORDS, Codes, Numbers, Table, Values
from lookalike.techniques.parts import Parts

Known = npt.NDArray[np.bool_]
DrawBlock = Callable[[Codes, Numbers, Known, Rng], tuple[Codes, Numbers]]
"""From codes, places and what of them is given, [B, D] each, and the key of the block, to all codes and places."""


def check_table(data: Table, method: str, most: int, watch: Watch) -> None:
    """Refuse what cannot be learnt from, and tell what is not modelled.

    Args:
        data: Training rows.
        method: Name of the generator, for messages.
        most: Modelled columns it can have.
        watch: Receives a note for free texts.

    Raises:
        DataError: No rows, no column to learn, or too many.
    """
    if len(data) == 0:
        raise DataError(f"{method} needs rows to learn from, found none; check the reader's path and the split")
    modelled = [column.name for column in data.schema.columns if column.kind not in WORDS]
    if not modelled:
        raise DataError(f"{method} found keys and free texts only; it learns numbers, categories and dates; add one")
    if len(modelled) > most:
        raise DataError(f"{method} learns at most {most} columns, found {len(modelled)}; leave some out")
    tell_unlearnt(data.schema, method, watch)


def draw_rows(
    n: int, rng: Rng, where: Mapping[str, object] | None, coding: TableCoding, method: str, draw: DrawBlock
) -> Table:
    """Return n new rows.

    Args:
        n: Number of rows, at least 0.
        rng: Key; block b is drawn with its child ("block", b).
        where: What is asked of columns, as `asked_values` takes it.
        coding: How columns are coded.
        method: Name of the generator, for messages.
        draw: Draws one block, given what is known of it.

    Raises:
        ConfigError: A column or a value cannot be asked for.
    """
    asked = asked_values(n, coding.schema, where, method)
    size = -(-n // BLOCK) * BLOCK
    codes, places = np.zeros((size, len(coding.columns)), dtype=np.int64), np.zeros((size, len(coding.columns)))
    known = np.zeros(codes.shape, dtype=bool)
    for name, values in asked.items():
        d = coding.names.index(name)
        known[:n, d] = True
        codes[:n, d], places[:n, d] = _given(coding, d, values)
    codes, places = _blocks(codes, places, known, rng, draw)
    return _table(coding, codes[:n], places[:n], asked, rng)


def fill_rows(data: Table, rng: Rng, coding: TableCoding, draw: DrawBlock) -> Table:
    """Return the rows with a drawn value in place of every missing one; nothing else changes.

    Columns may be missing here that never were in the training rows.

    Raises:
        DataError: The columns are not those of the training rows.
    """
    if _shape(data.schema) != _shape(coding.schema):
        raise DataError("rows to complete need the columns of the training rows; read them with the same schema")
    n = len(data)
    size = -(-n // BLOCK) * BLOCK
    codes, places = np.zeros((size, len(coding.columns)), dtype=np.int64), np.zeros((size, len(coding.columns)))
    known = np.zeros(codes.shape, dtype=bool)
    for d, name in enumerate(coding.names):
        codes[:n, d], places[:n, d] = _given(coding, d, data.values(name), strict=False)
        known[:n, d] = ~data.missing(name) & (codes[:n, d] != UNSEEN)
    codes, places = _blocks(np.maximum(codes, 0), places, known, rng, draw)
    made = coding.decode(codes[:n], places[:n])
    columns: dict[str, Values] = {}
    for column in data.schema.columns:
        real = data.values(column.name)
        if column.name in made and not isinstance(real, list):
            new = np.asarray(made[column.name])
            columns[column.name] = np.where(data.missing(column.name), new, np.asarray(real))
        else:
            columns[column.name] = real
    return Table.of(columns, data.schema)


def _shape(schema: Schema) -> list[tuple[object, ...]]:
    return [(column.name, column.kind, column.categories) for column in schema.columns]


def _given(coding: TableCoding, d: int, values: Values, strict: bool = True) -> tuple[Codes, Numbers]:
    """Return codes and places of asked values; a number between known ones counts as the nearest."""
    column = coding.columns[d]
    if isinstance(column, NumberCoding):
        numbers = np.asarray(values, dtype=np.float64)
        outside = (numbers < column.low) | (numbers > column.high)
        if strict and outside.any():
            raise ConfigError(
                f"where: {column.name} lies between {column.low:g} and {column.high:g} in the training rows, found "
                f"{numbers[outside][0]:g}; ask for a value between them"
            )
        values = column.nearest(numbers)
    # Places of given values do not reach the output; a fixed key keeps them equal for every row range.
    codes, places = coding.encode_values(d, values, np.random.Generator(np.random.Philox(key=0)))
    if strict and (codes == UNSEEN).any():
        raise ConfigError(f"where: no training row has the value asked of {column.name}; ask for one that occurs")
    return codes, places


def _blocks(codes: Codes, places: Numbers, known: Known, rng: Rng, draw: DrawBlock) -> tuple[Codes, Numbers]:
    def one(b: int) -> tuple[Codes, Numbers]:
        part = slice(b * BLOCK, (b + 1) * BLOCK)
        return draw(codes[part], places[part], known[part], rng.child("block", b))

    parts = Parts(torch.get_num_threads(), most=1).map(one, range(len(codes) // BLOCK))
    if not parts:
        return codes, places
    return np.concatenate([c for c, _ in parts]), np.concatenate([p for _, p in parts])


def _table(coding: TableCoding, codes: Codes, places: Numbers, asked: Mapping[str, Values], rng: Rng) -> Table:
    words = fresh_words(coding.schema, len(codes), rng.child("key"))
    return Table.of({**words, **coding.decode(codes, places), **asked}, coding.schema)


def numeric(schema: Schema, names: tuple[str, ...]) -> list[bool]:
    """Return which of the columns are numbers or dates."""
    return [schema.column(name).kind in NUMERIC for name in names]


def shares(codes: Codes, sizes: tuple[int, ...]) -> list[torch.Tensor]:
    """Return the share of each code, for each column; half a row is added to each code, so that none is 0."""
    counts = [np.bincount(codes[:, d], minlength=size) + 0.5 for d, size in enumerate(sizes)]
    return [torch.from_numpy(count / count.sum()).float() for count in counts]


def pick(logits_BK: torch.Tensor, uniform_B: torch.Tensor) -> torch.Tensor:
    """Return a code for each row by the inverse of its distribution function, [B]."""
    total_BK = logits_BK.softmax(1).cumsum(1)
    # The last sum may lie a rounding error below the uniform number; the total scales it away.
    return (total_BK[:, :-1] <= (uniform_B * total_BK[:, -1]).unsqueeze(1)).sum(1)
