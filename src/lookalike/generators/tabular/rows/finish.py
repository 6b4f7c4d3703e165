"""Gives drawn values the form of their column: its grid, its decimals, its bounds; makes new keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Numbers

_STEPS = (86400.0, 3600.0, 60.0, 1.0)
_COUNTED = 10**10


def step_of(column: Column, values: Numbers) -> float | None:
    """Return what all values are whole multiples of: the declared grid, 1 for integers, days or hours of dates.

    Args:
        column: The column.
        values: What it holds; NaN = missing.
    """
    if column.grid is not None or column.kind == "number":
        return column.grid
    if column.kind == "integer":
        return 1.0
    there = values[~np.isnan(values)]
    return next((step for step in _STEPS if len(there) and not np.mod(there, step).any()), None)


def to_form(column: Column, values: Numbers, step: float | None, low: float, high: float) -> Numbers:
    """Return the nearest values that the column can hold.

    Args:
        column: The column.
        values: Any numbers; NaN = missing.
        step: As `step_of` gave.
        low: Smallest value seen.
        high: Largest value seen.
    """
    if step is not None:
        values = np.rint(values / step) * step
    if column.decimals is not None and column.kind == "number":
        values = np.round(values, column.decimals)
    bottom = low if column.low is None else max(low, column.low)
    top = high if column.high is None else min(high, column.high)
    return np.clip(values, bottom, top)


def key_start(keys: Sequence[str | None]) -> str:
    """Return what new keys shall begin with, so that none of them is a real one.

    Keys that are whole numbers of at most 10 digits are followed by numbers of 18 digits; others by words.
    """
    real = [key for key in keys if key is not None]
    if real and all(key.isdecimal() and len(key) <= 10 for key in real):
        return "#"
    start, count = "new-", 1
    while any(key.startswith(start) for key in real):
        count += 1
        start = f"new{count}-"
    return start


def new_keys(start: str, rows: range, rng: Rng) -> list[str]:
    """Return keys that no other row of this stream has; another stream has others, but for a chance of 1 in 10^8."""
    stream = rng.child("key").integer()
    if start == "#":
        # Never below 10^17, and below 2^63, so that a column of 64-bit numbers can hold them.
        return [str((10**7 + stream % (9 * 10**7)) * _COUNTED + row) for row in rows]
    return [f"{start}{stream % 16**12:012x}-{row}" for row in rows]
