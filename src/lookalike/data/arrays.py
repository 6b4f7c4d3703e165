"""Tables as arrays: for trees and histograms, and for distances between rows of mixed columns.

Keys and free texts have no place in an array and are left out.
Shape suffixes: N rows, F columns, D dimensions, K categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Schema
from lookalike.data.table import NUMERIC, WORDS, Table

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_CHUNK = 8192
_KEY = Rng(0).child("codes of rare levels")
_COLUMNS = Rng(0).child("columns of a wide table")
_HALF = 1 / np.sqrt(2)
_FARTHEST = 1e6


def modelled(schema: Schema, but: str | None = None, most: int | None = None) -> tuple[str, ...]:
    """Return the names of all columns but keys, free texts and the one named, in order.

    Args:
        schema: What the table holds.
        but: Name of a column to leave out.
        most: Of more columns, so many are drawn with a fixed key; None = all.

    Raises:
        DataError: None is left.
    """
    names = tuple(column.name for column in schema.columns if column.kind not in WORDS and column.name != but)
    if not names:
        found = ", ".join(f"{column.name} ({column.kind})" for column in schema.columns) or "none"
        raise DataError(f"a column of numbers, categories or dates is needed, found {found}; declare one as such")
    if most is not None and len(names) > most:
        chosen = np.sort(_COLUMNS.numpy().permutation(len(names))[:most])
        names = tuple(names[place] for place in chosen)
    return names


def ordered(column: Column) -> bool:
    """Say whether larger and smaller mean something in a column."""
    return column.kind in NUMERIC or column.kind == "ordinal"


def plain(data: Table, names: Sequence[str]) -> Values:
    """Return columns as numbers, categories as codes, [N, F]; NaN = missing, and so are infinite values."""
    result = np.empty((len(data), len(names)), order="F")
    for place, name in enumerate(names):
        if data.schema.column(name).kind in NUMERIC:
            values = data.numbers(name)
            result[:, place] = np.where(np.isfinite(values), values, np.nan)
        else:
            codes = data.codes(name)
            result[:, place] = np.where(codes < 0, np.nan, codes)
    return result


@final
@dataclass(frozen=True)
class Grouping:
    """Columns as numbers in which no column has too many categories: rare ones share a code.

    Attributes:
        names: The columns, F.
        codes: Of each column with too many categories, the code of every category.
        nominal: Where a number stands for a category without an order, [F].
        sizes: Number of codes of each column; 0 for an ordered one.
    """

    names: tuple[str, ...]
    codes: dict[str, npt.NDArray[np.int64]]
    nominal: Flags
    sizes: tuple[int, ...]

    def array(self, data: Table) -> Values:
        """Return rows, [N, F]; NaN = missing."""
        result = plain(data, self.names)
        for place, name in enumerate(self.names):
            if name in self.codes:
                known = ~np.isnan(result[:, place])
                result[known, place] = self.codes[name][result[known, place].astype(np.int64)]
        return result


def grouped(data: Table, names: Sequence[str], most: int) -> Grouping:
    """Choose codes for categories, by how often they occur.

    Args:
        data: Rows that say which categories are frequent.
        names: The columns.
        most: Codes of a column at most, at least 1; the last one is for all the rest.
    """
    columns = [data.schema.column(name) for name in names]
    codes, sizes = {}, []
    for column in columns:
        size = len(column.categories)
        if not ordered(column) and size > most:
            counts = np.bincount(data.codes(column.name) + 1, minlength=size + 1)[1:]
            place = np.full(size, most - 1, dtype=np.int64)
            place[np.argsort(-counts, kind="stable")[: most - 1]] = np.arange(most - 1)
            codes[column.name], size = place, most
        sizes.append(0 if ordered(column) else size)
    return Grouping(tuple(names), codes, np.array([not ordered(column) for column in columns]), tuple(sizes))


@final
@dataclass(frozen=True)
class MixedSpace:
    """Places for rows of mixed columns; two independent rows are about 1 apart in every column, squared.

    A number is centred and divided by its standard deviation and by the root of 2. A category stands for a corner:
    two of them are exactly 1 apart. Beyond the most frequent ones they have fixed random directions, about 1 apart,
    so that 100,000 categories fit; or one corner for all of them. A missing value has a place of its own.

    Attributes:
        names: The columns, F.
        centres: Mean of each ordered column.
        scales: Its standard deviation, 1 for a constant one.
        gaps: Whether a missing value of it has a place.
        corners: Of each other column, the place of every category and, last, of a missing value, [K + 1, width].
    """

    names: tuple[str, ...]
    centres: dict[str, float]
    scales: dict[str, float]
    gaps: dict[str, bool]
    corners: dict[str, npt.NDArray[np.float32]]

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Which dimensions belong to each column."""
        result, start = {}, 0
        for name in self.names:
            width = self.corners[name].shape[1] if name in self.corners else 1 + self.gaps[name]
            result[name] = slice(start, start + width)
            start += width
        return result

    @property
    def dimension(self) -> int:
        """D."""
        return int(self.slices[self.names[-1]].stop)

    def array(self, data: Table) -> npt.NDArray[np.float32]:
        """Return rows, [N, D], all finite."""
        result = np.zeros((len(data), self.dimension), dtype=np.float32)
        for name, place in self.slices.items():
            if name in self.corners:
                codes = data.codes(name)
                for start in range(0, len(data), _CHUNK):
                    rows = slice(start, start + _CHUNK)
                    result[rows, place] = self.corners[name][codes[rows]]
                continue
            values = plain(data, [name])[:, 0]
            gone = np.isnan(values)
            scaled = np.where(gone, 0.0, values / self.scales[name] - self.centres[name] / self.scales[name]) * _HALF
            result[:, place.start] = np.clip(scaled, -_FARTHEST, _FARTHEST)
            if self.gaps[name]:
                result[:, place.start + 1] = gone * _HALF
        return result


def mixed_space(data: Table, names: Sequence[str], own: int = 64, shared: int = 32) -> MixedSpace:
    """Measure columns for a space of rows.

    Args:
        data: Rows that centres, scales and frequent categories are taken from, at least 1.
        names: The columns.
        own: Categories with a corner of their own in each column, at least 1.
        shared: Dimensions for the random directions of all other ones; 0 = one corner for all.

    Raises:
        DataError: There is no row.
    """
    if not len(data):
        raise DataError("a space of rows needs at least 1 row to be measured by, found none")
    centres, scales, gaps, corners = {}, {}, {}, {}
    for place, name in enumerate(names):
        column = data.schema.column(name)
        if not ordered(column):
            corners[name] = _corners(data.codes(name), len(column.categories), own, shared, _KEY.child("column", place))
            continue
        values = plain(data, [name])[:, 0]
        known = values[~np.isnan(values)]
        # Divided first: the square of a huge number is none.
        size = max(float(np.abs(known).max(initial=0.0)), 1e-300)
        centres[name] = float((known / size).mean()) * size if len(known) else 0.0
        spread = float((known / size).std()) if len(known) else 0.0
        scales[name] = spread * size if spread > 1e-12 else 1.0
        gaps[name] = column.optional or len(known) < len(values)
    return MixedSpace(tuple(names), centres, scales, gaps, corners)


def _corners(codes: npt.NDArray[np.int64], size: int, own: int, shared: int, rng: Rng) -> npt.NDArray[np.float32]:
    """Return the place of every category and, last, of a missing value, [K + 1, width]."""
    first = min(own, size)
    rest = 0 if size <= own else max(1, shared)
    table = np.zeros((size + 1, first + rest + 1), dtype=np.float32)
    counts = np.bincount(codes + 1, minlength=size + 1)[1:]
    order = np.argsort(-counts, kind="stable") if rest else np.arange(size)
    table[order[:first], np.arange(first)] = 1
    if rest:
        directions = rng.numpy().standard_normal((size - first, rest)) if shared else np.ones((size - first, 1))
        table[order[first:], first : first + rest] = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    table[-1, -1] = 1
    return table * np.float32(_HALF)


def row_keys(data: Table, names: Sequence[str]) -> list[bytes]:
    """Return one key for each row, equal where the rows are equal in the columns named."""
    rows = np.ascontiguousarray(plain(data, names))
    rows[np.isnan(rows)] = np.nan
    rows += 0.0  # -0 becomes 0
    return [row.tobytes() for row in rows]
