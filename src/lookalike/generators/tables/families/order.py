"""A column that children come in the order of: where one lies between two others is learnt, not its value.

Of a column of moments the day is the order, and the time of day a column of its own: a share of a stretch of days says
nothing of what hours there are.
Legend: N rows, M rows of one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from lookalike.core.schema import Column
from lookalike.data.table import Codes, Numbers, Values
from lookalike.generators.tabular.rows.finish import step_of, to_form

Known = dict[str, tuple[Column, Values]]
SPAN = "span"
"""Name of the column that says how far apart two neighbours are."""
_DAY = 86_400.0


@final
@dataclass(frozen=True)
class Order:
    """The column that gives the order, and the form of its values.

    Attributes:
        column: The column.
        step: What all values are whole multiples of; None = any.
        low: Lowest value.
        high: Highest value.
    """

    column: Column
    step: float | None
    low: float
    high: float

    @classmethod
    def of(cls, column: Column, values: Numbers) -> Order:
        """Return the order of values, none of them missing."""
        ends = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
        return cls(column, step_of(column, values), *ends)

    @property
    def timed(self) -> bool:
        """Whether values are moments and not days."""
        return self.column.kind == "datetime" and (self.step is None or self.step % _DAY > 0)

    @property
    def clock(self) -> Column:
        """The time of day."""
        whole = self.step is not None
        return Column(name=f"{self.column.name} clock", kind="integer" if whole else "number", low=0, grid=self.step)

    def taken_apart(self, known: Known) -> Known:
        """Return columns with the day and the time of day in the place of moments, first of all."""
        name = self.column.name
        values = np.asarray(known[name][1], dtype=np.float64)
        rest = {key: found for key, found in known.items() if key != name}
        if not self.timed:
            return {name: known[name], **rest}
        days = np.floor(values / _DAY) * _DAY
        return {name: (self.column, days), self.clock.name: (self.clock, values - days), **rest}

    def joined(self, made: Mapping[str, Any], owner_N: Codes) -> dict[str, Any]:
        """Return columns with moments again, the rows of each owner in their order."""
        if not self.timed:
            return dict(made)
        name, found = self.column.name, dict(made)
        clock = np.clip(found.pop(self.clock.name), 0, _DAY - (self.step or 1e-6))
        found[name] = self.formed(found[name] + clock)
        order = np.lexsort((found[name], owner_N))
        return {key: values[order] for key, values in found.items()}

    def placed(self, known: Known, target: Known) -> tuple[Known, Known]:
        """Return what is known and what is learnt, with the place in the order in the place of the value."""
        name = self.column.name
        values, left = np.asarray(target[name][1]), np.asarray(known[f"left {name}"][1])
        if f"right {name}" not in known:
            return known, {**target, name: (self._after, values - left)}
        right = np.asarray(known[f"right {name}"][1])
        span = self._after.model_copy(update={"name": SPAN}), right - left
        return {**known, SPAN: span}, {**target, name: (self._between, _share(left, values, right))}

    def values(self, left_M: Any, drawn_M: Any, right_M: Any | None) -> Numbers:  # noqa: ANN401  numbers, as made
        """Return values from what was drawn; never before the left neighbour, nor after the right one."""
        if right_M is None:
            return np.asarray(np.maximum(self._unit(left_M + np.maximum(drawn_M, 0)), left_M))
        return np.asarray(np.clip(self._unit(left_M + drawn_M * (right_M - left_M)), left_M, right_M))

    def formed(self, values_M: Numbers) -> Numbers:
        """Return the nearest values that the column can hold."""
        return to_form(self.column, values_M, self.step, self.low, self.high)

    def _unit(self, values_M: Numbers) -> Numbers:
        low = np.floor(self.low / _DAY) * _DAY if self.timed else self.low
        return to_form(self.column, values_M, _DAY if self.timed else self.step, low, self.high)

    @property
    def _after(self) -> Column:
        """How much later one row is than another."""
        step = _DAY if self.timed else self.step
        whole = step is not None and float(step).is_integer()
        return Column(name=self.column.name, kind="integer" if whole else "number", low=0, grid=step)

    @property
    def _between(self) -> Column:
        return Column(name=self.column.name, kind="number", low=0, high=1)


def _share(left_M: Numbers, values_M: Numbers, right_M: Numbers) -> Numbers:
    """Return how far values are on the way between two others; 0 where these are equal."""
    span_M = right_M - left_M
    return np.asarray(np.where(span_M > 0, (values_M - left_M) / np.where(span_M > 0, span_M, 1), 0))
