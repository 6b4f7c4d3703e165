"""Rows that another program wrote, in the columns of a table that is known; what does not fit is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data.formats import boolean_words, date_format, parse_dates
from lookalike.data.table import CODED, NUMERIC, Table, Values
from lookalike.data.tabular import MISSING

_MICROSECONDS = 1e6


@dataclass(frozen=True)
class Cast:
    """Rows as a table, and what had to be done to them.

    Attributes:
        table: The rows; those without a label are left out.
        unlabelled: How many were left out.
        unknown: Share of all cells that are no number, no date or none of the categories; missing in the table.
        beyond: Share of the numbers and dates below the least or above the greatest training value; kept.
    """

    table: Table
    unlabelled: int
    unknown: float
    beyond: float


def cast(path: Path, train: Table) -> Cast:
    """Read a CSV file with the columns of a table; numbers are rounded as in the table.

    Raises:
        DataError: A column is absent.
    """
    words = _words(path)
    absent = [column.name for column in train.schema.columns if column.name not in words]
    if absent:
        raise DataError(f"{path.name} has no column {absent[0]}; found {', '.join(words)}")
    values: dict[str, Values] = {}
    unknown = beyond = numbers = 0
    for column in train.schema.columns:
        values[column.name] = found = _values(words[column.name], column)
        unknown += _given(words[column.name]) - _present(found)
        if column.kind in NUMERIC:
            ours, theirs = train.numbers(column.name), np.asarray(found, dtype=np.float64)
            beyond += int(((theirs < np.nanmin(ours)) | (theirs > np.nanmax(ours))).sum())
            numbers += _present(found)
    table = Table.of(values, train.schema)
    label = train.schema.label
    kept = np.arange(len(table)) if label is None else np.flatnonzero(~table.missing(label))
    cells = max(len(table) * len(train.schema.columns), 1)
    return Cast(table.take(kept), len(table) - len(kept), unknown / cells, beyond / max(numbers, 1))


def _words(path: Path) -> Mapping[str, pa.Array]:
    header = csv.open_csv(path).schema.names
    read = csv.read_csv(
        path,
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            null_values=list(MISSING),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    return {name: read.column(name).combine_chunks() for name in header}


def _given(words: pa.Array) -> int:
    return len(words) - words.null_count


def _present(values: Values) -> int:
    found = np.asarray(values)
    if found.dtype == np.float64:
        return int((~np.isnan(found)).sum())
    return int((found >= 0).sum()) if found.dtype == np.int64 else sum(word is not None for word in values)


def _values(words: pa.Array, column: Column) -> Values:
    """Return the values of a column as `Table.of` takes them."""
    if column.kind in CODED:
        names = boolean_words(column) if column.kind == "boolean" else column.categories
        return _codes(words, names)
    if column.kind == "datetime":
        moments = parse_dates(words, date_format(column))
        found = moments.astype(np.int64) / _MICROSECONDS
        return np.where(np.isnat(moments), np.nan, found)
    if column.kind in NUMERIC:
        return _rounded(_floats(words), column)
    return [None if word is None else str(word) for word in words.to_pylist()]


def _codes(words: pa.Array, names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Return places among names, -1 = missing or none of them; whole numbers may stand with a point."""
    places = pc.fill_null(pc.index_in(words, pa.array(names, pa.string())), -1).to_numpy(zero_copy_only=False)
    plain = pc.fill_null(pc.index_in(pc.replace_substring_regex(words, r"\.0+$", ""), pa.array(names, pa.string())), -1)
    return np.where(places < 0, plain.to_numpy(zero_copy_only=False), places).astype(np.int64)


def _floats(words: pa.Array) -> npt.NDArray[np.float64]:
    number = pc.match_substring_regex(words, r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")
    kept = pc.if_else(pc.fill_null(number, False), pc.utf8_trim_whitespace(words), None)
    return np.asarray(pc.fill_null(pc.cast(kept, pa.float64()), np.nan).to_numpy(zero_copy_only=False))


def _rounded(values: npt.NDArray[np.float64], column: Column) -> npt.NDArray[np.float64]:
    digits = 0 if column.kind == "integer" and column.decimals is None else column.decimals
    return values if digits is None else np.round(values, digits) + 0.0
