"""Drops synthetic rows that could not stand in the table."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from pydantic import Field

from lookalike.core.constraints import Combination, Constraint
from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.holding import broken, constrained, outside
from lookalike.data.table import NUMERIC, Table
from lookalike.techniques.selection import without

_CLOSE = 1e-6


@final
class Valid(Method):
    """Keeps rows within declared bounds, with finite, rightly rounded values, that meet all constraints.

    Constraints under `data.constraints` hold in every run, with this filter or without it: rows that break one never
    reach a filter. Here they are counted among reasons of their own when the filter stands alone, and more can be
    stated, which the real data need not meet. Tuples of a combination that are not given are those of the training
    rows, the only real ones that are read, and only then.

    Source: ours.
    """

    reads_real: ClassVar[bool] = True

    constraints: tuple[Constraint, ...] = Field(
        default=(), description="Further constraints, which only synthetic rows must meet."
    )

    def select(self, data: Table, real: Reference[Table] | None, rng: Rng) -> Selection:
        """Return the rows that are valid; nothing is drawn. A row with several faults is counted by the first.

        Raises:
            DataError: A constraint does not fit the columns.
            ConfigError: Combinations are to be those of real rows, and there are none.
        """
        del rng
        open_ = [rule.title for rule in self.constraints if isinstance(rule, Combination) and not rule.tuples]
        if open_ and real is None:
            raise ConfigError(f"tabular.valid: {open_[0]}: there are no real rows to take them from; give tuples")
        model = data.take(np.zeros(0, dtype=np.int64)) if real is None else real.train
        lenient = tuple(rule.model_copy(update={"allow": 1.0}) for rule in self.constraints)
        rules = constrained(model, lenient).schema.constraints
        why = data.problems()
        for column in data.schema.columns:
            if column.kind in NUMERIC:
                why = _faults(column, data.numbers(column.name)) | why
        for rule in rules:
            why = dict.fromkeys(np.flatnonzero(broken(data, rule)).tolist(), f"breaks {rule.title}") | why
        return without(len(data), why, "valid")


def _faults(column: Column, values: np.ndarray) -> dict[int, str]:
    """Return what is wrong with the numbers of a column, by row."""
    found: dict[int, str] = {}
    known = np.where(np.isnan(values), 0.0, values)
    step = column.grid or (1.0 if column.kind == "integer" else None)
    if step is None and column.decimals is not None:
        step = 10.0**-column.decimals
    if step is not None and column.kind != "datetime":
        with np.errstate(invalid="ignore"):
            ratio = known / step
            off = np.abs(ratio - np.rint(ratio)) > _CLOSE * np.maximum(1.0, np.abs(ratio))
        found |= dict.fromkeys(np.flatnonzero(off).tolist(), f"{column.name} is not rounded")
    # Beyond its bounds says more than badly rounded, and infinite more than both.
    beyond = outside(values, column.low, column.high)
    found |= dict.fromkeys(np.flatnonzero(beyond).tolist(), f"{column.name} out of bounds")
    return found | dict.fromkeys(np.flatnonzero(~np.isfinite(known)).tolist(), f"{column.name} is not finite")
