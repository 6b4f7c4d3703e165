"""A column of moments with few times of day, as shifts have: the day stays a date, the time becomes a category.

Moments between known ones, as generators of numbers make them, have hours that no row has; a category has not, and is
learnt with the day.
Legend: N rows.
"""

from __future__ import annotations

from typing import Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from lookalike.core.schema import Column, Schema
from lookalike.data.table import Table, Values

DAY = 86_400.0
_MOST = 50
"""Most times of day."""
_OFTEN = 5
"""Rows that each of several has on average, at least."""
Numbers = npt.NDArray[np.float64]


@final
class Clock(BaseModel):
    """A column of moments that becomes one of days and one of times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["clock"] = Field(default="clock", description="Kind of the step.")
    target: str = Field(description="The column of moments, and then of days.")
    name: str = Field(description="Column of the times.")
    times: tuple[float, ...] = Field(description="Seconds after midnight that occur, rising.")

    @property
    def replaced(self) -> tuple[str, ...]:
        """Columns that a generator does not see and cannot be asked for: none, see `asked`."""
        return ()

    def columns(self, known: dict[str, Column]) -> dict[str, Column]:
        """Return the columns, the times right after the days."""
        found: dict[str, Column] = {}
        for name, column in known.items():
            found[name] = column
            if name == self.target:
                ends = {end: None if (value := getattr(column, end)) is None else float(_day(np.array([value]))[0])
                        for end in ("low", "high")}  # fmt: skip
                found[name] = column.model_copy(update=ends)
                words = tuple(str(place) for place in range(len(self.times)))
                found[self.name] = Column(name=self.name, kind="category", categories=words, optional=column.optional)
        return found

    def reduce(self, values: dict[str, Values]) -> dict[str, Values]:
        """Return the values, moments as days and numbers of times."""
        moments = np.asarray(values[self.target], dtype=np.float64)
        return {**values, self.target: _day(moments), self.name: self._codes(moments)}

    def restore(self, values: dict[str, Values], schema: Schema) -> dict[str, Values]:
        """Return the values with moments; one beyond a declared bound is moved by a day."""
        column = schema.column(self.target)
        days, codes = np.asarray(values[self.target], dtype=np.float64), np.asarray(values[self.name], dtype=np.int64)
        # A model may think one of the two missing where the other is there.
        known = np.append(np.asarray(self.times), np.nan)[codes]
        moments = _day(days) + known
        if column.high is not None:
            moments = np.where(moments > column.high, moments - DAY, moments)
        if column.low is not None:
            moments = np.where(moments < column.low, moments + DAY, moments)
        return {**{name: found for name, found in values.items() if name != self.name}, self.target: moments}

    def asked(self, moments: Numbers) -> dict[str, list[object]]:
        """Return what to ask of both columns for asked moments, NaN = missing; the nearest time that occurs."""
        codes = self._codes(moments).tolist()
        return {
            self.target: [None if day != day else day for day in _day(moments).tolist()],  # noqa: PLR0124  NaN
            self.name: [None if code < 0 else str(code) for code in codes],
        }

    def _codes(self, moments: Numbers) -> npt.NDArray[np.int64]:
        known, clock = np.asarray(self.times), _clock(moments)
        right = np.clip(np.searchsorted(known, clock), 0, len(known) - 1)
        left = np.maximum(right - 1, 0)
        near = np.where(np.abs(clock - known[left]) <= np.abs(known[right] - clock), left, right)
        return np.where(np.isnan(moments), -1, near).astype(np.int64)


def clock_of(train: Table, name: str) -> Clock | None:
    """Return how to learn the times of a column; None when it has days only, or too many times.

    Args:
        train: Real rows.
        name: A column of them.
    """
    if train.schema.column(name).kind != "datetime" or name == train.schema.label:
        return None
    moments = train.numbers(name)
    there = moments[~np.isnan(moments)]
    times = np.unique(_clock(there))
    if not times.any() or len(times) > _MOST or (len(times) > 1 and len(there) < _OFTEN * len(times)):
        return None
    own = f"{name} time"
    while own in {column.name for column in train.schema.columns}:
        own += " "
    return Clock(target=name, name=own, times=tuple(times.tolist()))


def _day(moments: Numbers) -> Numbers:
    return np.asarray(np.floor(moments / DAY) * DAY)


def _clock(moments: Numbers) -> Numbers:
    # Seconds since 1970 are exact to less than a microsecond; what is left of them is rounded to it again.
    return np.asarray(np.round(moments - _day(moments), 6))
