"""Which real values a report may show: one rule for charts, lists and axes.

A value is named when at least ten real training rows have it; all others, those of the holdout alone among them, are
pooled and counted. The lowest and the highest number of a column are values of one row each: an axis ends where ten
rows lie beyond, at a round number. Words of a boolean and classes of the label are named always.
Legend: N rows, L levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lookalike.core.schema import Column
from lookalike.data.table import Numbers

LEAST = 10
"""Real training rows that a value needs to be named."""
_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_WHOLE_STEPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0)
_TAIL = 0.005
Shares = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def nameable(column: Column, real_L: npt.NDArray[np.int64], label: bool = False) -> Flags:
    """Return which levels may be named, [L].

    Args:
        column: The column.
        real_L: Training rows that have each level.
        label: The column is the label, whose classes stand in recipe and manifest.
    """
    return np.full(len(real_L), label or column.kind == "boolean") | (real_L >= LEAST)


def pooled(names: Sequence[str], named_L: Flags, shares: Mapping[str, Shares]) -> tuple[list[str], dict[str, Shares]]:
    """Return names and shares with one level last in the place of those that may not be named.

    Args:
        names: Of the levels.
        named_L: What `nameable` gave.
        shares: Share of each level, by part.
    """
    # What no part has, as a category that was declared and never seen, is no value that could be hidden.
    seen_L = np.any(list(shares.values()), axis=0) if shares else named_L
    rare_L = ~named_L & seen_L
    kept = np.flatnonzero(named_L)
    found = {part: np.append(values[kept], values[rare_L].sum()) for part, values in shares.items()}
    words = [*(names[place] for place in kept.tolist()), f"rare values ({int(rare_L.sum()):,})"]
    return (words, found) if rare_L.any() else (words[:-1], {part: values[:-1] for part, values in found.items()})


def axis(column: Column, real_N: Numbers, synthetic_N: Numbers, bins: int) -> Numbers:
    """Return ends of ranges of equal width, at round numbers; the first and the last range are open.

    Args:
        column: The column.
        real_N: Its training values, none missing.
        synthetic_N: Its synthetic values, none missing: they alone say where the axis lies when few rows are real.
        bins: Ranges, about.
    """
    far = np.sort(real_N if len(real_N) >= 2 * LEAST else synthetic_N)
    if len(far):
        beyond = min(max(LEAST, math.floor(_TAIL * len(far))), (len(far) + 1) // 2) if len(real_N) >= 2 * LEAST else 1
        low, high = float(far[beyond - 1]), float(far[-beyond])
    else:
        low, high = 0.0, 1.0
    step = _round_step(column, max((high - low) / bins, 1e-12 * max(abs(low), abs(high))))
    first = math.floor(low / step)
    edges = (float(first) + np.arange(math.floor(high / step) - first + 2)) * step
    return np.asarray(edges - 0.5 if column.kind == "integer" else edges)


def _round_step(column: Column, width: float) -> float:
    """Return a round number that is no smaller, whole for integers; of dates days, hours, ... or seconds."""
    unit: float = 1.0
    steps: tuple[float, ...] = _STEPS
    if column.kind == "datetime":
        unit = next((unit for unit in _UNITS if width >= unit), 1.0)
    if column.kind in ("integer", "datetime"):
        steps = _WHOLE_STEPS
    width = max(width / unit, 1.0 if column.kind == "integer" else 0.0)
    if width <= 0:
        return unit
    power = 10.0 ** math.floor(math.log10(width))
    return unit * power * next(step for step in steps if power * step >= width * (1 - 1e-9))
