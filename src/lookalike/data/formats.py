"""How values stand in a file, and back: digits after the point, words of a boolean, formats of dates, types.

`Column.stored` says it: the name of an Arrow type, or for files of text a way of writing numbers (`POINT`, ...; with
marks as in `fixed 1.234,5 kg`), the two words of a boolean (`no|yes`), or the format of a date (`%d.%m.%Y`, with the
parts that `dateforms` adds).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.core.schema import Column
from lookalike.data.digits import write_way
from lookalike.data.marks import way_and_look
from lookalike.data.table import Table

FIXED, POINT, SHORT = "fixed", "point", "short"
"""Ways of writing numbers: always as many digits after the point; at least one digit; none for whole numbers."""
PAIR = "|"
"""Stands between the two words of a boolean."""
_FRACTION = re.compile(r"%(\d)f")
_PIECE = re.compile(r"%\df|%-[dmHI]|%\^b|%P|%z|(?:(?!%\df|%-[dmHI]|%\^b|%P|%z).)+", re.DOTALL)
_EXACT = re.compile(r"%(-|\^|[bBpP])")
"""Parts of which one date has several writings."""


def parse_dates(words: pa.Array, form: str, exact: bool = False) -> npt.NDArray[np.datetime64]:
    """Return dates in microseconds, [N]; NaT where a word is missing or not in that format.

    Args:
        words: Strings, null = missing.
        form: A format as `Column.stored` has it; with `%z` the moments are those in UTC.
        exact: Take only words that would be written back as they are: no days or hours of one digit, no other letters.
    """
    # Here and not above: images and texts do without its 25 MB.
    import pandas as pd

    series = pd.Series(words.to_pylist(), dtype=object)
    wanted = _FRACTION.sub("%f", form).replace("%-", "%").replace("%^", "%").replace("%P", "%p")
    parsed = pd.to_datetime(series, format=wanted, errors="coerce", utc="%z" in form)
    values = parsed.dt.tz_localize(None) if parsed.dt.tz is not None else parsed
    found = values.to_numpy().astype("datetime64[us]")
    if exact and _EXACT.search(form):
        there = np.flatnonzero(~np.isnat(found))
        back = np.array(write_dates(found[there], form), dtype=object)
        found[there[back != series.to_numpy()[there]]] = np.datetime64("NaT")
    elif exact and "%z" not in form and len(found):
        length = len(write_dates(np.array(["2000-10-20T10:10:10"], dtype="datetime64[us]"), form)[0])
        found[np.asarray(pc.fill_null(pc.utf8_length(words), 0)) != length] = np.datetime64("NaT")
    return found


def date_seconds(word: str, form: str) -> float | None:
    """Return a date in seconds since 1970, written in a format or by ISO 8601; None when it is neither.

    Example:
        >>> date_seconds("02.01.1970", "%d.%m.%Y"), date_seconds("1970-01-02", "%d.%m.%Y"), date_seconds("x", "%Y")
        (86400.0, 86400.0, None)
    """
    for known in (form, "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
        found = parse_dates(pa.array([word]), known)[0]
        if not np.isnat(found):
            return float(found.astype(np.int64)) / 1e6
    return None


def write_seconds(seconds: float, form: str) -> str:
    """Return a date, given in seconds since 1970, written in a format."""
    return write_dates(np.array([round(seconds * 1e6)]).astype("datetime64[us]"), form)[0]


def write_dates(values: npt.NDArray[np.datetime64], form: str) -> list[str]:
    """Return dates written in a format, [N]; there must be no missing one."""
    # Here and not above: images and texts do without its 25 MB.
    import pandas as pd

    stamps = pd.Series(values.astype("datetime64[us]")).dt
    pieces = [_piece(stamps, piece, len(values)) for piece in _PIECE.findall(form)]
    return pieces[0] if len(pieces) == 1 else ["".join(row) for row in zip(*pieces, strict=True)]


def _piece(stamps: Any, piece: str, n: int) -> list[str]:  # noqa: ANN401  the dates of a pandas series
    if match := _FRACTION.fullmatch(piece):
        digits = int(match[1])
        return [f"{value:0{digits}d}" for value in (stamps.microsecond // 10 ** (6 - digits)).tolist()]
    if piece.startswith("%-"):
        half = (stamps.hour + 11) % 12 + 1
        parts = {"%-d": stamps.day, "%-m": stamps.month, "%-H": stamps.hour, "%-I": half}
        return [str(value) for value in parts[piece].tolist()]
    if piece in ("%^b", "%P"):
        words = stamps.strftime("%b" if piece == "%^b" else "%p")
        return [word.upper() if piece == "%^b" else word.lower() for word in words]
    # Moments of several zones were brought to UTC.
    return ["Z"] * n if piece == "%z" else list(stamps.strftime(piece)) if "%" in piece else [piece] * n


def write_numbers(values: npt.NDArray[np.float64], column: Column) -> list[str]:
    """Return numbers written as the column writes them, [N]; there must be no missing one."""
    way, look = way_and_look(column.stored)
    return look.write(_digits(values, column, way))


def read_numbers(words: pa.Array, column: Column) -> pa.Array:
    """Return words as the column writes its numbers as float64; null = missing.

    Raises:
        pa.ArrowException: A word is no such number.
    """
    return pc.cast(way_and_look(column.stored)[1].read(words), pa.float64())


def _digits(values: npt.NDArray[np.float64], column: Column, way: str) -> list[str]:
    if column.kind == "integer" and column.decimals is None:
        return list(np.char.mod("%d", np.rint(values).astype(np.int64)))
    if (words := write_way(values, way)) is not None:
        return words
    digits = column.decimals
    # Adding nothing turns the negative zero into the positive one.
    rounded = (values if digits is None else np.round(values, digits)) + 0.0
    if way == FIXED and digits is not None:
        return list(np.char.mod(f"%.{digits}f", rounded))
    plain = list(pc.cast(pa.array(rounded), pa.string()).to_pylist())
    if way == POINT:
        return [word if "." in word or "e" in word else f"{word}.0" for word in plain]
    return plain


def written(table: Table) -> pa.Table:
    """Return the table as strings, each as its column writes it; null = missing."""
    arrays = []
    for column in table.schema.columns:
        values = table.table.column(column.name).combine_chunks()
        present = np.flatnonzero(np.asarray(pc.is_valid(values)))
        words: list[str | None] = [None] * len(table)
        for place, word in zip(present.tolist(), _words(table, column, present), strict=True):
            words[place] = word
        arrays.append(pa.array(words, pa.large_string()))
    return pa.table(arrays, names=table.table.column_names)


def _words(table: Table, column: Column, present: npt.NDArray[np.int64]) -> list[str]:
    name = column.name
    if column.kind in ("id", "text"):
        strings = table.strings(name)
        return [str(strings[place]) for place in present.tolist()]
    if column.kind == "datetime":
        return write_dates(_moments(table, name)[present], date_format(column))
    if column.kind in ("number", "integer"):
        return write_numbers(table.numbers(name)[present], column)
    names = boolean_words(column) if column.kind == "boolean" else column.categories
    return [names[code] for code in table.codes(name)[present].tolist()]


def _moments(table: Table, name: str) -> npt.NDArray[np.datetime64]:
    return np.asarray(table.table.column(name).combine_chunks().to_numpy(zero_copy_only=False)).astype("datetime64[us]")


def date_format(column: Column) -> str:
    """Return the format in which a column of dates is written as text."""
    if "%" in column.stored:
        return column.stored
    return "%Y-%m-%d" if column.stored.startswith("date") else "%Y-%m-%d %H:%M:%S"


def boolean_words(column: Column) -> tuple[str, str]:
    """Return how false and true are written."""
    first, bar, second = column.stored.partition(PAIR)
    if bar:
        return first, second
    return ("0", "1") if _number_type(column.stored) else ("false", "true")


def _number_type(name: str) -> bool:
    try:
        kind = arrow_type(name)
    except ValueError:
        return False
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type of that name.

    Raises:
        ValueError: It is none that a table can be written in.
    """
    if zoned := re.fullmatch(r"timestamp\[(\w+), tz=([^\]]+)\]", name):
        return pa.timestamp(zoned[1], zoned[2])
    if exact := re.fullmatch(r"decimal(\d+)\((\d+), (\d+)\)", name):
        return pa.decimal128(int(exact[2]), int(exact[3])) if exact[1] == "128" else pa.float64()
    return pa.type_for_alias(name)


def largest_of(stored: str) -> int | None:
    """Return the largest whole number of a type; None = it is no type of such.

    Example:
        >>> largest_of("uint16"), largest_of("int64"), largest_of("string")
        (65535, 9223372036854775807, None)
    """
    found = re.fullmatch(r"(u?)int(\d+)", stored)
    return None if found is None else 2 ** (int(found[2]) - (not found[1])) - 1


def _natural(column: Column) -> pa.DataType:
    """Return the type of a column whose source was text."""
    if column.kind == "boolean":
        words = boolean_words(column)
        return pa.int64() if words == ("0", "1") else pa.bool_() if words[0].lower() == "false" else pa.large_string()
    kinds = {"number": pa.float64(), "integer": pa.int64(), "datetime": pa.timestamp("us")}
    return kinds.get(column.kind, pa.large_string())


def stored_type(column: Column) -> pa.DataType:
    """Return the Arrow type that values of a column are written in: as the user's were, else the natural one."""
    if column.kind in ("category", "ordinal", "id", "text") and column.stored.startswith("dictionary"):
        return pa.dictionary(pa.int32(), pa.string(), ordered=column.stored.endswith("ordered"))
    try:
        found = arrow_type(column.stored) if column.stored else _natural(column)
    except ValueError:
        return _natural(column)
    # Keys without a form are larger than those of any program that counts.
    return pa.int64() if column.kind == "id" and pa.types.is_integer(found) and not column.form else found


def typed(table: Table) -> pa.Table:
    """Return the table in the types that the user's own had."""
    arrays = []
    for column in table.schema.columns:
        target = stored_type(column)
        values = table.table.column(column.name).combine_chunks()
        arrays.append(_TYPED.get(column.kind, _as_words)(values, column, target))
    return pa.table(arrays, names=table.table.column_names)


def _as_words(values: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(target):
        return pc.cast(values, pa.string()).dictionary_encode()
    if pa.types.is_integer(target) and column.kind == "text":
        # Keys that repeat and are left empty.
        return pa.nulls(len(values), target)
    return pc.cast(values, target)


def _as_category(values: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
    names = pa.array(column.categories, pa.large_string())
    if pa.types.is_dictionary(target):
        return pa.DictionaryArray.from_arrays(values, names.cast(pa.string()), ordered=target.ordered)
    return pc.cast(names.take(values), target)


def _as_boolean(values: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
    if pa.types.is_large_string(target) or pa.types.is_string(target):
        return pa.array(boolean_words(column), target).take(values)
    return pc.cast(values, target)


def _as_number(values: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
    if column.kind == "number" and column.decimals is not None:
        values = pc.round(values, ndigits=column.decimals)
    if pa.types.is_large_string(target) or pa.types.is_string(target):
        return pc.cast(pc.cast(values, pa.string()), target)
    return pc.cast(values, target, safe=False)


def _as_date(values: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(target) and target.tz is not None:
        return pc.cast(pc.assume_timezone(values, "UTC"), target, safe=False)
    return pc.cast(values, target, safe=False)


_TYPED: dict[str, Callable[[pa.Array, Column, pa.DataType], pa.Array]] = {
    "category": _as_category,
    "ordinal": _as_category,
    "boolean": _as_boolean,
    "number": _as_number,
    "integer": _as_number,
    "datetime": _as_date,
}
