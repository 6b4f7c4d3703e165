"""Moments that never come before, or after, one of their owner: how far apart they are is learnt, not when they are.

Legend: N rows, P rows of their owners.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, final

import numpy as np

from lookalike.data.table import Codes, Numbers
from lookalike.generators.tables.families.order import Known
from lookalike.generators.tables.families.stage import Columns

_DAY = 86_400.0
_FEWEST = 20


@final
@dataclass(frozen=True)
class Since:
    """A column of moments that is learnt by its distance, in whole days of the owner, from a column of the owner.

    Attributes:
        column: The column.
        owner: That of the owner.
        low: Least distance, in seconds.
        high: Greatest distance.
        first: Earliest moment there was.
        last: Latest one.
        exact: No moment is on the wrong side within the day either.
    """

    column: str
    owner: str
    low: float
    high: float
    first: float
    last: float
    exact: bool

    @property
    def told(self) -> str:
        """What it says, in words."""
        side = "since" if self.low >= 0 else "until"
        return (
            f"{self.column} is learnt as the time {side} {self.owner} of the owner, "
            f"{'before' if self.low >= 0 else 'after'} {'which' if self.exact else 'whose day'} it never comes"
        )

    def apart(self, values: Numbers, owners_N: Numbers) -> Numbers:
        """Return distances; a time of day stays what it is."""
        return np.asarray(values - np.floor(owners_N / _DAY) * _DAY)

    def moments(self, apart: Numbers, owners_N: Numbers) -> Numbers:
        """Return the moments again; none is nearer or further than those learnt from, none outside their stretch."""
        day = np.floor(owners_N / _DAY) * _DAY
        values = np.clip(np.clip(apart, self.low, self.high) + day, self.first, self.last)
        # The stretch gives way where it is on the wrong side of the owner's moment.
        if self.low >= 0:
            return np.asarray(np.maximum(values, owners_N if self.exact else day))
        return np.asarray(np.minimum(values, owners_N if self.exact else day + _DAY - 1))

    def saved(self) -> dict[str, Any]:
        """Return what `Since(**...)` takes."""
        return asdict(self)

    @classmethod
    def of(cls, name: str, values: Numbers, owner: Codes, owners: Mapping[str, Numbers]) -> Self | None:
        """Return the column of the owner that moments are best told by, [P] each; None where none is.

        One is where no moment comes before its day, or none after it, and where distances differ less than moments
        do: those of births and of orders of one year do not.
        """
        best, least = None, float(np.nanvar(values)) if np.isfinite(values).any() else 0.0
        for other, moments in owners.items():
            if np.isnan(moments).any():
                continue
            span = float(np.nanmin(values)), float(np.nanmax(values))
            apart = cls(name, other, 0, 0, *span, exact=False).apart(values, moments[owner])
            ends = float(np.nanmin(apart)), float(np.nanmax(apart))
            if (ends[0] >= 0 or ends[1] < _DAY) and float(np.nanvar(apart)) < least:
                wrong = values < moments[owner] if ends[0] >= 0 else values > moments[owner]
                least, best = float(np.nanvar(apart)), cls(name, other, *ends, *span, exact=not wrong.any())
        return best


def since(own: Known, parents: Known, owner: Codes) -> tuple[Since, ...]:
    """Return the columns of moments that are told by one of the owner.

    Args:
        own: Columns of the rows, [N].
        parents: Columns of the owners, [P].
        owner: The owner of each row, [N].
    """
    moments = {name: np.asarray(values, dtype=np.float64) for name, (column, values) in parents.items()
               if column.kind == "datetime"}  # fmt: skip
    if len(owner) < _FEWEST or not moments:
        return ()
    found = [Since.of(name, np.asarray(values, dtype=np.float64), owner, moments)
             for name, (column, values) in own.items()
             if column.kind == "datetime" and (column.grid or 0.0) <= _DAY]  # fmt: skip
    return tuple(one for one in found if one is not None)


def told_by(own: Known, ways: tuple[Since, ...], parents: Known, owner: Codes) -> Known:
    """Return columns with distances in the place of moments; bounds of moments are none of distances."""
    found = dict(own)
    for one in ways:
        column, values = own[one.column]
        of = np.asarray(parents[one.owner][1], dtype=np.float64)[owner]
        apart = one.apart(np.asarray(values, dtype=np.float64), of)
        found[one.column] = column.model_copy(update={"low": None, "high": None}), apart
    return found


def told_again(made: Columns, ways: tuple[Since, ...], parents: Columns, owner: Codes) -> Columns:
    """Return columns with moments again."""
    again = {one.column: one.moments(made[one.column], np.asarray(parents[one.owner])[owner]) for one in ways}
    return {**made, **again}
