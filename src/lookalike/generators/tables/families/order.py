"""A column that children come in the order of: where one lies between two others is learnt, not its value.

Legend: M rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from lookalike.core.schema import Column
from lookalike.data.table import Numbers
from lookalike.generators.tabular.rows.finish import step_of, to_form


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
    def after(self) -> Column:
        """How much later the last of a family is than the first."""
        whole = self.step is not None and float(self.step).is_integer()
        return Column(name=self.column.name, kind="integer" if whole else "number", low=0, grid=self.step)

    @property
    def between(self) -> Column:
        """Which share of the way from its left to its right neighbour a row lies at."""
        return Column(name=self.column.name, kind="number", low=0, high=1)

    def share(self, left_M: Numbers, values_M: Numbers, right_M: Numbers) -> Numbers:
        """Return how far values are on the way between two others; 0 where these are equal."""
        span_M = right_M - left_M
        return np.asarray(np.where(span_M > 0, (values_M - left_M) / np.where(span_M > 0, span_M, 1), 0))

    def value(self, left_M: Numbers, share_M: Numbers, right_M: Numbers) -> Numbers:
        """Return the value that lies at a share of the way; never beyond the neighbours."""
        found_M = self.formed(left_M + share_M * (right_M - left_M))
        return np.asarray(np.clip(found_M, left_M, right_M))

    def later(self, first_M: Numbers, after_M: Numbers) -> Numbers:
        """Return the values that come so much later."""
        return np.asarray(np.maximum(self.formed(first_M + np.maximum(after_M, 0)), first_M))

    def formed(self, values_M: Numbers) -> Numbers:
        """Return the nearest values that the column can hold."""
        return to_form(self.column, values_M, self.step, self.low, self.high)
