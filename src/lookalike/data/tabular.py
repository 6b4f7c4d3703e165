"""Reads the columns of any source of rows into a table: one pass to learn what each column is, one to read it."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.schema import Column, Schema
from lookalike.core.store import write_json
from lookalike.data.classes import MIN_CLASSES, check_classes
from lookalike.data.declared import Declared
from lookalike.data.facts import Facts
from lookalike.data.formats import boolean_words, date_format, parse_dates, read_numbers, write_seconds
from lookalike.data.infer import Inferred, infer
from lookalike.data.keynames import called_like_a_key
from lookalike.data.pixels import shown
from lookalike.data.table import CODED, KINDS, NUMERIC, Table, table_schema, write_table

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "?")
"""Words that stand for a missing value, unless the recipe names others."""
LABELS = ("label", "labels", "target", "class", "outcome")
"""Names of columns that are taken for what shall be predicted."""
_LISTED = 20
_READABLE = r"$|null|bool|u?int\d|float|double|halffloat|decimal|timestamp|date\d|dictionary|(large_)?string"
_WORDS = ("string", "large_string", "string_view")


@dataclass
class Rows:
    """A source of rows.

    Attributes:
        where: What messages call it.
        names: Its columns, in order.
        batches: Yields all rows, some at a time; called once for each pass.
        types: Name of the Arrow type of each column; empty for a source of text.
        notes: What was skipped, in sentences; filled by a pass.
    """

    where: str
    names: tuple[str, ...]
    batches: Callable[[], Iterator[pa.RecordBatch]]
    types: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class TabularSettings(Method):
    """Abstract: the settings of everything that reads tables of numbers, categories and dates."""

    label: str | None = Field(
        default=None, description="The column to predict; None = label, target, class, ... if there is one; '' = none."
    )
    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="stop at the first row that cannot be used, or skip such rows and count them."
    )
    missing: tuple[str, ...] = Field(
        default=MISSING, description="Words that stand for a missing value, without spaces around them."
    )
    columns: Mapping[str, Declared] = Field(
        default={},
        description="What is known of columns, by name: kind, low, high, categories, ...; the rest is inferred.",
    )
    leave_out: tuple[str, ...] = Field(default=(), description="Columns that are not read.")

    @abstractmethod
    def rows(self) -> Rows:
        """Return the source of rows."""

    def read_like(self, folder: Path, schema: Schema) -> Table:
        """Read more rows of a table that is known; nothing is inferred.

        Args:
            folder: Existing, empty.
            schema: What the columns are.

        Raises:
            DataError: A column is absent, or a value does not fit.
        """
        rows = self.rows()
        absent = [column.name for column in schema.columns if column.name not in rows.names]
        if absent:
            raise DataError(f"{shown(rows.where)} has no column '{shown(absent[0])}'; found {_list(rows.names)}")
        _write(rows, schema, self, folder, [])
        table = Table.open(folder)
        for column in schema.columns:
            lacking = table.table.column(column.name).null_count
            if lacking and not column.optional:
                raise DataError(
                    f"column {shown(column.name)} of {shown(rows.where)} lacks {lacking:,} values, but is never "
                    f"missing in the data; set data.columns: {{{shown(column.name)}: {{optional: true}}}}"
                )
        return table


def learn(rows: Rows, settings: TabularSettings) -> tuple[list[Inferred], str | None]:
    """Look at every row once and decide what each column is.

    Returns:
        The columns that are read, in order, and the name of the label.

    Raises:
        DataError: A column that is named is absent, there are no rows, or a column is not usable.
    """
    names = _wanted(rows, settings)
    for name in names:
        _check_type(name, rows.types.get(name, ""))
    known = {name: settings.columns.get(name, Declared()) for name in names}
    facts = {name: Facts(name, _is_coded(name, one), marked=one.marked) for name, one in known.items()}
    place = {name: k for k, name in enumerate(rows.names)}
    for batch in rows.batches():
        for name in names:
            column = batch.column(place[name])
            facts[name].order = facts[name].order or _order(column)
            facts[name].add(cells(column, settings.missing))
    if not next(iter(facts.values())).rows:
        raise DataError(f"{shown(rows.where)} holds no rows; give a table with rows")
    label = _label(names, rows.where, settings)
    found: list[Inferred] = []
    for name in names:
        facts[name].close()
        typed = "" if rows.types.get(name, "") == "null" else rows.types.get(name, "")
        found.append(infer(facts[name], known[name], typed, name == label))
    return found, label


def read_table(rows: Rows, settings: TabularSettings, folder: Path) -> Table:
    """Read a table into a folder: `table.arrow`, `schema.json` and `notes.json`; memory stays flat.

    Args:
        rows: Where from.
        settings: What counts as missing, and what is known of the columns.
        folder: Existing, empty.

    Raises:
        DataError: The source is not usable; the message says what was found and how to fix it.
        BudgetError: The disk is full.
    """
    found, label = learn(rows, settings)
    columns = [one.column for one in found]
    if label is not None:
        columns = _checked_label(found, label, rows, settings)
    doubts = [f"column {shown(one.column.name)}: {one.reason}" for one in found if ";" in one.reason]
    _write(rows, table_schema(columns, label), settings, folder, doubts)
    return Table.open(folder)


def _write(rows: Rows, schema: Schema, settings: TabularSettings, folder: Path, doubts: list[str]) -> None:
    rows.notes.clear()
    skipped: list[int] = []
    write_table(_pieces(rows, schema, settings, skipped), folder, schema)
    notes = [*rows.notes, *doubts]
    if skipped:
        notes.append(f"skipped {len(skipped):,} rows without a label, the first in row {skipped[0]:,}")
    write_json(folder / "notes.json", notes)


def _wanted(rows: Rows, settings: TabularSettings) -> list[str]:
    if (empty := rows.names.count("")) > 1:
        raise DataError(f"the header of {shown(rows.where)} has {empty:,} empty cells; give every column a name")
    if repeated := sorted(name for name, count in Counter(rows.names).items() if count > 1):
        raise DataError(f"{shown(rows.where)} has several columns called {_list(repeated)}; rename them")
    for option, given in (("columns", settings.columns), ("leave_out", settings.leave_out)):
        for name in given:
            if name not in rows.names:
                raise DataError(
                    f"{shown(rows.where)} has no column '{shown(name)}', which data.{option} names; found "
                    f"{_list(rows.names)}"
                )
    names = [name for name in rows.names if name not in set(settings.leave_out)]
    if not names:
        raise DataError(f"{shown(rows.where)} has no columns to read; leave fewer of them out")
    return names


def _is_coded(name: str, declared: Declared) -> bool:
    """Say whether numbers are words: where a category was declared, or where they may be keys of another table."""
    if declared.kind is None:
        return called_like_a_key(name)
    return declared.kind in ("category", "ordinal")


def _check_type(name: str, typed: str) -> None:
    if not re.match(_READABLE, typed):
        raise DataError(
            f"column {shown(name)} holds {shown(typed)}, which is no number, category, date or text; add it to "
            "data.leave_out"
        )


def _label(names: list[str], where: str, settings: TabularSettings) -> str | None:
    if settings.label is None:
        found = {name.lower(): name for name in reversed(names)}
        return next((found[name] for name in LABELS if name in found), None)
    if settings.label and settings.label not in names:
        raise DataError(
            f"{shown(where)} has no column '{shown(settings.label)}'; found {_list(names)}; set label: COLUMN"
        )
    return settings.label or None


def _list(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(shown, listed[:_LISTED])) + (", ..." if len(listed) > _LISTED else "")


def _order(column: pa.Array) -> tuple[str, ...]:
    if pa.types.is_dictionary(column.type) and column.type.ordered:
        return tuple(map(str, column.dictionary.to_pylist()))
    return ()


def cells(column: pa.Array, missing: Iterable[str]) -> pa.Array:
    """Return a column as strings without spaces around them, null = missing, whatever its type."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if str(column.type) not in _WORDS:
        if pa.types.is_null(column.type):
            return pa.nulls(len(column), pa.large_string())
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        return pc.cast(column, pa.large_string())
    words = pc.utf8_trim_whitespace(pc.cast(column, pa.large_string()))
    gone = pc.is_in(words, pa.array(list(missing), pa.large_string()))
    return pc.if_else(gone, pa.scalar(None, pa.large_string()), words)


def _checked_label(found: list[Inferred], label: str, rows: Rows, settings: TabularSettings) -> list[Column]:
    """Return the columns, with a label that is never missing and whose classes all have rows enough."""
    place = next(place for place, one in enumerate(found) if one.column.name == label)
    column, facts = found[place].column, found[place].facts
    if column.kind in ("id", "text", "datetime"):
        raise DataError(
            f"the label {shown(label)} is taken for {column.kind} ({found[place].reason}), which cannot be predicted; "
            f"choose another label, or set data.columns: {{{shown(label)}: {{kind: category}}}}"
        )
    if facts.missing and settings.on_error == "stop":
        raise DataError(
            f"{facts.missing:,} rows of {shown(rows.where)} have no label; fill column '{shown(label)}', or set "
            "on_error: skip"
        )
    if column.kind in CODED:
        words = boolean_words(column) if column.kind == "boolean" else column.categories
        counts = [facts.levels[word] for word in words]
        labels = np.repeat(np.arange(len(counts)), counts)
        if not settings.columns.get(label, Declared()).categories:
            check_classes(labels, words, rows.where, "row", MIN_CLASSES)
    columns = [one.column for one in found]
    columns[place] = column.model_copy(update={"optional": False})
    return columns


def _pieces(rows: Rows, schema: Schema, settings: TabularSettings, skipped: list[int]) -> Iterator[Table]:
    start, place = 0, {name: k for k, name in enumerate(rows.names)}
    for batch in rows.batches():
        arrays = {
            column.name: decoded(batch.column(place[column.name]), column, settings.missing)
            for column in schema.columns
        }
        piece = Table(pa.table(list(arrays.values()), names=list(arrays)), schema)
        if settings.on_error == "skip" and schema.label is not None and arrays[schema.label].null_count:
            gone = piece.missing(schema.label)
            skipped.extend((start + 1 + np.flatnonzero(gone)).tolist())
            piece = piece.take(np.flatnonzero(~gone))
        start += len(batch)
        yield piece


def decoded(column: pa.Array, wanted: Column, missing: Iterable[str] = MISSING) -> pa.Array:
    """Return a column of a source as a table holds it.

    Args:
        column: Strings, or values of the user's own type.
        wanted: What the column is.
        missing: Words that stand for a missing value.

    Raises:
        DataError: A value does not fit, or lies outside of the declared bounds.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    target = KINDS[wanted.kind]
    try:
        if wanted.kind == "datetime" and pa.types.is_temporal(column.type):
            found = pc.cast(_naive(column), target, safe=False)
            _check_bounds(found, wanted)
            return found
        if wanted.kind in ("number", "integer") and not _is_words(column.type):
            found = _from_numbers(column, target)
        elif wanted.kind == "text" and _is_words(column.type):
            return pc.if_else(pc.is_null(cells(column, missing)), pa.scalar(None, target), pc.cast(column, target))
        else:
            found = _from_words(cells(column, missing), wanted, target)
    except (pa.ArrowException, OverflowError):
        raise DataError(f"column {shown(wanted.name)} holds values that are no {wanted.kind}; correct them") from None
    if wanted.kind in NUMERIC:
        _check_bounds(found, wanted)
    return found


def _is_words(kind: pa.DataType) -> bool:
    return str(kind) in _WORDS or pa.types.is_dictionary(kind)


def _naive(column: pa.Array) -> pa.Array:
    zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
    return pc.cast(column, pa.timestamp(column.type.unit)) if zoned else column


def _from_numbers(column: pa.Array, target: pa.DataType) -> pa.Array:
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_floating(column.type) and pa.types.is_integer(target):
        column = pc.round(column)
    return pc.cast(column, target, safe=pa.types.is_integer(target))


def _from_words(words: pa.Array, wanted: Column, target: pa.DataType) -> pa.Array:
    if wanted.kind in ("id", "text"):
        return words
    if wanted.kind in ("number", "integer"):
        return pc.cast(read_numbers(words, wanted), target)
    if wanted.kind == "datetime":
        dates = parse_dates(words, date_format(wanted))
        found = pa.array(dates, target, mask=np.isnat(dates))
    else:
        names = boolean_words(wanted) if wanted.kind == "boolean" else wanted.categories
        if wanted.kind == "boolean":
            words, names = pc.utf8_lower(words), (names[0].lower(), names[1].lower())
        found = pc.index_in(words, pa.array(names, pa.large_string()))
    if found.null_count > words.null_count:
        what = f"dates written as {date_format(wanted)}" if wanted.kind == "datetime" else "known values"
        raise DataError(
            f"column {shown(wanted.name)} holds {found.null_count - words.null_count:,} values that are not {what}; "
            "correct them, or declare the column in data.columns"
        )
    return found


def _check_bounds(found: pa.Array, wanted: Column) -> None:
    if len(found) == found.null_count:
        return
    dates = wanted.kind == "datetime"
    ends: Any = pc.min_max(found.cast(pa.int64()) if dates else found).as_py()
    if dates:
        ends = {name: value / 1e6 for name, value in ends.items()}

    def told(bound: float) -> str:
        return write_seconds(bound, date_format(wanted)) if dates else f"{bound:g}"

    for name, bound, outside in (("low", wanted.low, ends["min"]), ("high", wanted.high, ends["max"])):
        if bound is not None and (outside < bound if name == "low" else outside > bound):
            raise DataError(
                f"column {shown(wanted.name)} is declared with {name}: {told(bound)}, but holds a value "
                f"{'below' if name == 'low' else 'above'} it; correct the rows, or change the bound"
            )
