"""Which rows of a table break a constraint. A missing value breaks nothing, except where tuples are listed.

Legend: N rows, K tuples.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lookalike.core.constraints import Cell, Combination, Constraint, Formula, Inequality, Range
from lookalike.core.errors import DataError
from lookalike.core.expression import parse
from lookalike.core.schema import Column, Schema

if TYPE_CHECKING:
    from lookalike.data.table import Table

Flags = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
DAY = 86400.0
"""Seconds."""
_TIMED = re.compile("%-?[HI]")
_MOST_TUPLES = 10_000
_SHOWN = 5
_MEASURED = ("number", "integer", "datetime")
_WORDS = ("id", "text")


def above(low_N: Values, high_N: Values, strict: bool = False) -> Flags:
    """Return where the one is above the other, or equal to it if `strict`."""
    return np.asarray(low_N >= high_N if strict else low_N > high_N)


def days_of(column: Column) -> bool:
    """Say whether a column holds days without a time, by the type or the format that it is written in."""
    stored = column.stored
    timed = "%" not in stored or _TIMED.search(stored) is not None
    return column.kind == "datetime" and (stored.startswith("date") or not timed)


def by_day(low: Column, high: Column) -> bool:
    """Say whether two dates are compared by day: one of them has no time, which is no midnight."""
    return low.kind == high.kind == "datetime" and days_of(low) != days_of(high)


def day_of(moments_N: Values) -> Values:
    """Return the midnights before moments, in seconds since 1970."""
    return np.asarray(np.floor(moments_N / DAY) * DAY)


def outside(values_N: Values, low: float | None, high: float | None) -> Flags:
    """Return where values lie beyond bounds; None = no bound."""
    below = np.zeros(len(values_N), dtype=np.bool_) if low is None else values_N < low
    return np.asarray(below if high is None else below | (values_N > high))


def differing(values_N: Values, wanted_N: Values, rounding: float) -> Flags:
    """Return where values are not what they should be.

    Args:
        values_N: What stands there; NaN = missing, which differs from nothing.
        wanted_N: What should; infinite = it cannot be computed.
        rounding: Largest difference that rounding makes, beside that of floating-point numbers.
    """
    wanted_N = np.broadcast_to(wanted_N, values_N.shape)
    with np.errstate(invalid="ignore"):
        size_N = np.maximum(np.abs(values_N), np.abs(wanted_N))
        far = ~(np.abs(values_N - wanted_N) <= rounding + 1e-9 * np.where(np.isfinite(size_N), size_N, 0.0))
    return far & ~np.isnan(values_N) & ~np.isnan(wanted_N)


def together(columns: Sequence[Values | Codes]) -> Codes:
    """Return one number for each row, equal where rows are equal in all columns, [N]; missing is a value."""
    found = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        filled = np.where(np.isnan(column), -np.inf, column) + 0.0
        codes = np.unique(filled, return_inverse=True)[1].ravel()
        found = np.unique(found * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].ravel()
    return found.astype(np.int64)


def repeated(keys_N: Codes) -> Flags:
    """Return which rows have the key of an earlier one; a negative key is that of no other."""
    first = np.zeros(len(keys_N), dtype=np.bool_)
    first[np.unique(keys_N, return_index=True)[1]] = True
    return ~first & (keys_N >= 0)


def different(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return each value once, rising; none may be missing.

    Example:
        >>> different(np.array([3, 1, 3])).tolist()
        [1, 3]
    """
    # np.unique takes a hundred times as long for a million different whole numbers: it hashes them (numpy 2.3 to 2.4).
    rising = np.sort(values)
    return np.asarray(rising[np.append(np.ones(min(1, len(rising)), dtype=np.bool_), rising[1:] != rising[:-1])])


def rounding_of(column: Column) -> float:
    """Return the largest difference that the rounding of a column makes."""
    if column.kind == "integer":
        return 0.5
    return 0.0 if column.decimals is None else 0.5 * 10.0**-column.decimals


def as_numbers(data: Table, name: str) -> Values:
    """Return a column as numbers, categories as codes, [N]; NaN = missing."""
    kind = data.schema.column(name).kind
    if kind in _MEASURED:
        return data.numbers(name)
    if kind in _WORDS:
        # Here and not above: images and texts do without its 25 MB.
        import pandas as pd

        codes = np.asarray(pd.factorize(np.array(data.strings(name), dtype=object))[0])
    else:
        codes = data.codes(name)
    return np.where(codes < 0, np.nan, codes)


def listed(constraint: Combination, schema: Schema) -> list[Values]:
    """Return the tuples of a combination by column, in the form of `as_numbers`, each [K].

    Raises:
        DataError: A tuple holds a value that its column cannot.
    """
    found = []
    for place, name in enumerate(constraint.columns):
        column = schema.column(name)
        known: dict[Cell, float] = {category: float(code) for code, category in enumerate(column.categories)}
        cells = [cells[place] for cells in constraint.tuples]
        wrong = next((c for c in cells if c is not None and (c not in known if known else isinstance(c, str))), None)
        if wrong is not None:
            raise DataError(f"constraint {constraint.title}: a tuple holds what column {name} cannot; give its values")
        values = [np.nan if c is None else known.get(c, c) if known else c for c in cells]
        found.append(np.array(values, dtype=np.float64))
    return found


def broken(data: Table, constraint: Constraint) -> Flags:
    """Return which rows break a constraint, [N]; of equal rows that must not be, all but the first."""
    if isinstance(constraint, Inequality):
        low, high = data.numbers(constraint.low), data.numbers(constraint.high)
        if by_day(data.schema.column(constraint.low), data.schema.column(constraint.high)):
            low, high = day_of(low), day_of(high)
        return above(low, high, constraint.strict)
    if isinstance(constraint, Range):
        return outside(data.numbers(constraint.column), constraint.low, constraint.high)
    if isinstance(constraint, Formula):
        expression = parse(constraint.equals)
        wanted = expression.value({name: data.numbers(name) for name in expression.names})
        rounding = rounding_of(data.schema.column(constraint.column))
        return differing(data.numbers(constraint.column), wanted, rounding)
    columns = [as_numbers(data, name) for name in constraint.columns]
    if isinstance(constraint, Combination):
        allowed = listed(constraint, data.schema)
        keys = together([np.concatenate(pair) for pair in zip(allowed, columns, strict=True)])
        size = len(constraint.tuples)
        return ~np.isin(keys[size:], keys[:size])
    keys = together(columns)
    keys[np.isnan(np.stack(columns)).any(axis=0)] = -1
    return repeated(keys)


def constrained(data: Table, constraints: Sequence[Constraint]) -> Table:
    """Return the table with constraints in its schema, after a look whether its rows meet them.

    Args:
        data: Real rows.
        constraints: What must hold; tuples of a combination that are not given are those that occur.

    Raises:
        DataError: A column does not exist or is of the wrong kind, or rows break a constraint.
    """
    complete: list[Constraint] = []
    for constraint in constraints:
        _check(data.schema, constraint)
        learnt = isinstance(constraint, Combination) and not constraint.tuples
        complete.append(_occurring(data, constraint) if learnt else constraint)
        check_rows(data, complete[-1])
    schema = data.schema.model_copy(update={"constraints": tuple(complete)})
    return type(data)(data.table, schema)


def check_rows(data: Table, constraint: Constraint, what: str = "the data") -> None:
    """Refuse rows that break a constraint more often than it allows.

    Raises:
        DataError: With how many and which they are, by number; no value is told.
    """
    rows = np.flatnonzero(broken(data, constraint))
    if len(rows) <= constraint.allow * len(data):
        return
    some = ", ".join(f"{row + 1:,}" for row in rows[:_SHOWN].tolist()) + (", ..." if len(rows) > _SHOWN else "")
    share = np.ceil(len(rows) / len(data) * 1e4) / 1e4
    raise DataError(
        f"constraint {constraint.title}: {what} break it in {len(rows):,} of {len(data):,} rows (rows {some}, counted "
        f"from 1 without a header); correct them, remove the constraint, or set its allow to {min(share, 0.9999):g} "
        "if so many may"
    )


def _check(schema: Schema, constraint: Constraint) -> None:
    known = [column.name for column in schema.columns]
    for name in constraint.columns:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"columns: {', '.join(known[:20])}"
            raise DataError(f"constraint {constraint.title}: no column is called '{name}'; {hint}")
    kinds = [schema.column(name).kind for name in constraint.columns]
    if isinstance(constraint, Inequality | Range | Formula):
        able = ("number", "integer") if isinstance(constraint, Formula) else _MEASURED
        for place, (name, kind) in enumerate(zip(constraint.columns, kinds, strict=True)):
            if kind not in (_MEASURED if place else able):
                raise DataError(
                    f"constraint {constraint.title}: column {name} is of kind {kind}; allowed: {', '.join(able)}; "
                    "declare it under data.columns if it is one"
                )
    if isinstance(constraint, Inequality) and kinds.count("datetime") == 1:
        raise DataError(f"constraint {constraint.title}: a date and a number cannot be compared; compare two dates")
    if isinstance(constraint, Combination) and set(kinds) & set(_WORDS):
        raise DataError(f"constraint {constraint.title}: keys and free texts have no combinations; leave them out")


def _occurring(data: Table, constraint: Constraint) -> Combination:
    """Return a combination with the tuples that occur."""
    assert isinstance(constraint, Combination)
    columns = [as_numbers(data, name) for name in constraint.columns]
    firsts = np.unique(together(columns), return_index=True)[1]
    if len(firsts) > _MOST_TUPLES:
        raise DataError(
            f"constraint {constraint.title}: {len(firsts):,} combinations occur; at most {_MOST_TUPLES:,} can be kept; "
            "name columns with fewer different values"
        )
    cells: list[list[Cell]] = []
    for name, column in zip(constraint.columns, columns, strict=True):
        categories = data.schema.column(name).categories
        values = column[firsts].tolist()
        cells.append([None if np.isnan(v) else categories[int(v)] if categories else v for v in values])
    return constraint.model_copy(update={"tuples": tuple(zip(*cells, strict=True))})
