"""What is asked of the columns of new rows, checked against a schema."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from lookalike.core.errors import ConfigError
from lookalike.core.schema import Column, Schema
from lookalike.data.dateforms import COMPACT
from lookalike.data.formats import boolean_words, date_format, date_seconds, write_seconds
from lookalike.data.marks import Look, way_and_look
from lookalike.data.pixels import shown
from lookalike.data.table import CODED, NUMERIC, Numbers, Values

_LABEL = "label"
_LISTED = 20


def asked_values(n: int, schema: Schema, where: Mapping[str, object] | None, method: str) -> dict[str, Values]:
    """Return what is asked of each column, in the form that `Table.of` takes.

    Args:
        n: Number of rows.
        schema: The columns there are.
        where: Column -> one value, or one for each row; `label` means the label column unless a column is called so;
            None as a value asks for a missing one. Values as the column writes them, or as they are held: the words of
            a boolean or false and true, dates in the column's format, as ISO texts or seconds since 1970.
        method: Name of the generator, for messages.

    Raises:
        ConfigError: A column or a value cannot be asked for.
    """
    found: dict[str, Values] = {}
    able = [column.name for column in schema.columns if column.kind in (*NUMERIC, *CODED)]
    for key, value in (where or {}).items():
        name = schema.label if key == _LABEL and key not in able and schema.label else key
        if name not in able:
            listed = ", ".join(able[:_LISTED]) + (", ..." if len(able) > _LISTED else "")
            raise ConfigError(f"where: {method} cannot choose by '{shown(key)}'; allowed: {listed}")
        one = value is None or isinstance(value, str) or not isinstance(value, Sequence | np.ndarray)
        values = [value] * n if one else list(value)  # type: ignore[call-overload]
        if len(values) != n:
            raise ConfigError(
                f"where: {len(values)} values of {name} for {n} rows; give one value, or one for each row"
            )
        found[name] = _column(schema.column(name), values)
    return found


def _column(column: Column, values: Sequence[object]) -> Values:
    if (quick := _quick(column, values)) is not None:
        return quick
    if any(value is None for value in values) and not column.optional:
        raise ConfigError(f"where: {column.name} is never missing; ask for a value of it")
    if column.kind in CODED:
        place = {name: k for k, name in enumerate(column.categories)}
        names = [_name(column, value) for value in values]
        wrong = sorted({name for name in names if name is not None and name not in place})
        if wrong:
            known = boolean_words(column) if column.kind == "boolean" else column.categories
            listed = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
            raise ConfigError(f"where: {column.name} has no value '{shown(wrong[0])}'; allowed: {listed}")
        return np.array([-1 if name is None else place[name] for name in names], dtype=np.int64)
    return _whole(column, np.array([np.nan if value is None else _number(column, value) for value in values]))


def _whole(column: Column, numbers: Numbers) -> Numbers:
    """Return numbers with the digits that the column has; others never come and are refused."""
    if column.kind == "datetime" or (column.kind == "number" and column.decimals is None):
        return numbers
    digits = column.decimals or 0
    rounded = np.round(numbers, digits)
    off = np.flatnonzero(np.abs(rounded - numbers) > 1e-9 * np.maximum(1, np.abs(numbers)))
    if len(off):
        has = f"has {digits} digits after the point" if digits else "holds whole numbers"
        raise ConfigError(
            f"where: {column.name} {has}, found {numbers[off[0]]:.15g}; ask for {rounded[off[0]]:.{digits}f}"
        )
    return np.asarray(rounded, dtype=np.float64)


def _quick(column: Column, values: Sequence[object]) -> Values | None:
    """Return plain floats and known names without a look at each; None = they need one."""
    kinds, gone = set(map(type, values)), type(None)
    if gone in kinds and not column.optional:
        return None
    if column.kind in NUMERIC and kinds <= {float, gone}:
        numbers = np.array(values, dtype=np.float64)
        usual = np.isfinite(numbers).sum() == len(values) - (list(values).count(None) if gone in kinds else 0)
        return _whole(column, numbers) if usual else None
    if column.kind in CODED and kinds <= {str, gone}:
        place: dict[object, int] = {None: -1, **{name: k for k, name in enumerate(column.categories)}}
        found = np.array([place.get(value, -2) for value in values], dtype=np.int64)
        return found if (found >= -1).all() else None
    return None


def _name(column: Column, value: object) -> str | None:
    if value is None:
        return None
    if column.kind != "boolean":
        return str(value)
    # The column's own words first: they may be 1 and 0, or false and true the other way round.
    own = dict(zip(boolean_words(column), column.categories, strict=True))
    word = str(value)
    return own.get(word) or {"0": "false", "1": "true"}.get(word, word.lower())


def _marked(column: Column, word: str) -> float | None:
    """Return a number that is written as the column writes its numbers, with its currency or unit or without."""
    look = way_and_look(column.stored)[1]
    if look == Look():
        return None
    for known in (look, replace(look, prefix="", suffix="")):
        if re.match(known.pattern, word.strip()):
            return float(known.read(pa.array([word.strip()]))[0].as_py())
    return None


def _number(column: Column, value: object) -> float:
    try:
        if column.kind == "datetime" and column.stored in COMPACT and isinstance(value, int):
            value = str(value)
        if column.kind == "datetime" and isinstance(value, str):
            if (known := date_seconds(value, date_format(column))) is not None:
                return known
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        own = _marked(column, value) if isinstance(value, str) else None
        number = float(value) if own is None else own  # type: ignore[arg-type]
    except (TypeError, ValueError):
        example = write_seconds(0.0, date_format(column)) if column.kind == "datetime" else ""
        kind = f"a date such as {example}" if example else "a number"
        raise ConfigError(f"where: {column.name} needs {kind}, found '{shown(value)}'") from None
    if not np.isfinite(number):
        raise ConfigError(f"where: {column.name} needs a finite number, found {number}; None asks for a missing one")
    return number
