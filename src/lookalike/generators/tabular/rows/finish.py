"""Gives drawn values the form of their column: its grid, its decimals, its bounds."""

from __future__ import annotations

import numpy as np

from lookalike.core.schema import Column
from lookalike.data.table import Numbers

_STEPS = (86400.0, 3600.0, 60.0, 1.0)


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
