"""Tables without what their constraints determine: what a generator learns, and the way back to whole rows.

A computed column is left out and computed again; of two ordered columns one becomes the difference to the other; a
combination becomes one column. Rows that come back then meet these constraints whatever was drawn. Moments of few times
of day become days and times, so that no other hours are made.
Legend: N rows, K tuples.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from lookalike.core.constraints import Combination, Constraint, Formula, Inequality, Range, Unique
from lookalike.core.expression import parse
from lookalike.core.schema import Column, Schema
from lookalike.data.asked import asked_values
from lookalike.data.clock import Clock, clock_of
from lookalike.data.holding import DAY, broken, by_day, day_of, days_of, listed, together
from lookalike.data.table import CODED, Table, Values, table_schema

Numbers = npt.NDArray[np.float64]
_STEPS = (86400.0, 3600.0, 60.0, 1.0)


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@final
class Computed(_Step):
    """A column that is left out and computed from others."""

    step: Literal["computed"] = Field(default="computed", description="Kind of the step.")
    rule: Formula = Field(description="How it is computed.")

    @property
    def replaced(self) -> tuple[str, ...]:
        """Columns that a generator does not see as they are."""
        return (self.rule.column,)

    def columns(self, known: dict[str, Column]) -> dict[str, Column]:
        """Return the columns that are left, by name and in order."""
        return {name: column for name, column in known.items() if name != self.rule.column}

    def reduce(self, values: dict[str, Values]) -> dict[str, Values]:
        """Return the values that are left."""
        return {name: column for name, column in values.items() if name != self.rule.column}

    def restore(self, values: dict[str, Values], schema: Schema) -> dict[str, Values]:
        """Return the values with the computed column."""
        expression = parse(self.rule.equals)
        numbers = {name: np.asarray(values[name], dtype=np.float64) for name in expression.names}
        found = expression.value(numbers)
        column = schema.column(self.rule.column)
        return {**values, column.name: _rounded(np.where(np.isfinite(found), found, np.nan), column)}


@final
class Difference(_Step):
    """A column that becomes its difference to another one, never below `least`."""

    step: Literal["difference"] = Field(default="difference", description="Kind of the step.")
    rule: Inequality = Field(description="What the two columns keep.")
    target: str = Field(description="The column that is replaced.")
    column: Column = Field(description="What it becomes.")
    least: float = Field(ge=0, description="Smallest difference.")
    bounds: tuple[float, float] = Field(description="Smallest and largest value that the target gets.")
    by_day: bool = Field(default=False, description="The other is counted by its day.")
    whole: float = Field(default=0.0, ge=0, description="Seconds that dates of the target are multiples of; 0 = any.")

    @property
    def replaced(self) -> tuple[str, ...]:
        """Columns that a generator does not see as they are."""
        return (self.target,)

    @property
    def _other(self) -> str:
        return self.rule.low if self.target == self.rule.high else self.rule.high

    @property
    def _sign(self) -> float:
        return 1.0 if self.target == self.rule.high else -1.0

    def columns(self, known: dict[str, Column]) -> dict[str, Column]:
        """Return the columns, the target as a difference."""
        return {name: self.column if name == self.target else column for name, column in known.items()}

    def _pair(self, values: dict[str, Values]) -> tuple[Numbers, Numbers]:
        target, other = (np.asarray(values[name], dtype=np.float64) for name in (self.target, self._other))
        return target, day_of(other) if self.by_day else other

    def reduce(self, values: dict[str, Values]) -> dict[str, Values]:
        """Return the values, the target as a difference."""
        target, other = self._pair(values)
        gap = np.maximum(self._sign * (target - other), self.least)
        # Differences of decimal numbers are no decimal numbers until they are rounded.
        return {**values, self.target: _rounded(gap, self.column)}

    def restore(self, values: dict[str, Values], schema: Schema) -> dict[str, Values]:
        """Return the values with the target."""
        gap, other = self._pair(values)
        column = schema.column(self.target)
        found = _rounded(np.clip(other + self._sign * np.maximum(gap, self.least), *self.bounds), column)
        # Days beside moments stay days: what has hours would be written without them, and then break the rule.
        found = np.floor(found / self.whole) * self.whole if self.whole else found
        unit = self.whole or _unit(column)
        short = self._sign * (found - other) < (self.least if self.rule.strict else 0.0)
        return {**values, self.target: np.where(short & (unit > 0), _rounded(found + self._sign * unit, column), found)}


@final
class Joined(_Step):
    """Columns of which one category tells all: one of them, or a new one that numbers the tuples."""

    step: Literal["joined"] = Field(default="joined", description="Kind of the step.")
    rule: Combination = Field(description="The tuples there are.")
    key: str = Field(description="The column that tells the tuple.")

    @property
    def replaced(self) -> tuple[str, ...]:
        """Columns that a generator does not see as they are."""
        return tuple(name for name in self.rule.columns if name != self.key)

    def columns(self, known: dict[str, Column]) -> dict[str, Column]:
        """Return the columns, the key in the place of the first."""
        made = Column(
            name=self.key, kind="category", categories=tuple(str(place) for place in range(len(self.rule.tuples)))
        )
        if self.key not in known:
            known = {
                (self.key if name == self.rule.columns[0] else name): (made if name == self.rule.columns[0] else column)
                for name, column in known.items()
            }
        return {name: column for name, column in known.items() if name not in self.replaced}

    def reduce(self, values: dict[str, Values], schema: Schema) -> dict[str, Values]:
        """Return the values, every tuple as its number where the key is new."""
        left = {name: column for name, column in values.items() if name not in self.replaced}
        if self.key in left:
            return left
        rows = [_as_numbers(values[name], schema.column(name)) for name in self.rule.columns]
        size = len(self.rule.tuples)
        keys = together([np.concatenate(pair) for pair in zip(listed(self.rule, schema), rows, strict=True)])
        order = np.argsort(keys[:size], kind="stable")
        return {**left, self.key: order[np.searchsorted(keys[:size][order], keys[size:])]}

    def restore(self, values: dict[str, Values], schema: Schema) -> dict[str, Values]:
        """Return the values with the columns of every row's tuple; a category that is in none makes them missing."""
        tuples = dict(zip(self.rule.columns, listed(self.rule, schema), strict=True))
        place = np.asarray(values[self.key], dtype=np.int64)
        if self.key in tuples:
            codes = np.where(np.isnan(tuples[self.key]), -1, tuples[self.key]).astype(np.int64)
            of_code = np.full(len(schema.column(self.key).categories) + 1, -1, dtype=np.int64)
            of_code[codes] = np.arange(len(codes))
            place = of_code[place]
        found = {name: column for name, column in values.items() if name != self.key or name in tuples}
        for name in self.replaced:
            cells = np.append(tuples[name], np.nan)[place]
            coded = schema.column(name).kind in CODED
            found[name] = np.where(np.isnan(cells), -1, cells).astype(np.int64) if coded else cells
        return found


Step = Annotated[Computed | Difference | Joined | Clock, Field(discriminator="step")]


@final
class Reduction(BaseModel):
    """The way from whole rows to what is learnt of them, and back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    whole: Schema = Field(description="Of whole rows.")
    steps: tuple[Step, ...] = Field(description="In the order in which columns are replaced.")

    @property
    def replaced(self) -> frozenset[str]:
        """Columns that a generator does not see as they are."""
        return frozenset(name for step in self.steps for name in step.replaced)

    @property
    def kept(self) -> list[str]:
        """What is met whatever is drawn, in words."""
        return [step.rule.title for step in self.steps if not isinstance(step, Clock)]

    def left(self) -> Schema:
        """Return the schema of reduced rows; a range that is demanded is a bound of its column."""
        known = {column.name: column for column in self.whole.columns}
        for step in self.steps:
            known = step.columns(known)
        for rule in self.whole.constraints:
            if isinstance(rule, Range) and rule.column in known and rule.column not in self.replaced:
                known[rule.column] = _narrowed(known[rule.column], rule)
        return table_schema(list(known.values()), self.whole.label)

    def reduce(self, data: Table) -> Table:
        """Return rows without what is determined."""
        values = {column.name: data.values(column.name) for column in data.schema.columns}
        for step in self.steps:
            values = step.reduce(values, self.whole) if isinstance(step, Joined) else step.reduce(values)
        return Table.of(values, self.left())

    def asked(self, n: int, where: Mapping[str, object] | None, method: str) -> Mapping[str, object] | None:
        """Return what to ask of reduced rows, for what is asked of n whole ones.

        Args:
            n: Number of rows.
            where: Column -> one value, or one for each row, as `asked_values` takes it.
            method: Name of the generator, for messages.

        Raises:
            ConfigError: A column or a value cannot be asked for.
        """
        timed = {step.target: step for step in self.steps if isinstance(step, Clock) and step.target in (where or {})}
        if not where or not timed:
            return where
        moments = asked_values(n, self.whole, {name: where[name] for name in timed}, method)
        found: dict[str, object] = {name: value for name, value in where.items() if name not in timed}
        for name, step in timed.items():
            found |= step.asked(np.asarray(moments[name], dtype=np.float64))
        return found

    def restore(self, data: Table) -> Table:
        """Return whole rows."""
        values = {column.name: data.values(column.name) for column in data.schema.columns}
        for step in reversed(self.steps):
            values = step.restore(values, self.whole)
        return Table.of(values, self.whole)


def reduction_of(train: Table, besides: Collection[str] = (), fixed: Collection[str] = ()) -> Reduction:
    """Return how to keep the constraints of a table by construction, and few times of day as they are.

    A constraint is left to rejection where replacing a column would lose values (one is missing where the others are
    not), would replace the label, or needs a column that another one replaced.

    Args:
        train: Real rows.
        besides: Columns whose times of day are learnt in another way.
        fixed: Columns that are known before all others, so that only a formula may replace them.
    """
    gone: set[str] = set()
    steps: list[Step] = []
    held = frozenset(fixed) | ({train.schema.label} if train.schema.label else set())
    for rule in _ordered(train.schema.constraints, held):
        step = None if gone & set(rule.columns) else _step(train, rule, held)
        if step is not None:
            gone |= set(step.replaced)
            steps.append(step)
    # Last of all, so that what is computed from a moment is computed from the whole one.
    times = [clock_of(train, column.name) for column in train.schema.columns if column.name not in gone | {*besides}]
    return Reduction(whole=train.schema, steps=(*steps, *(step for step in times if step is not None)))


def _ordered(rules: tuple[Constraint, ...], held: frozenset[str]) -> Iterator[Constraint]:
    """Yield rules so that what one replaces is needed by none after it, as far as that is possible."""
    left = [rule for rule in rules if isinstance(rule, Inequality | Combination | Formula)]
    while left:
        free = (
            rule
            for rule in left
            if not any(_target(rule, held) in other.columns for other in left if other is not rule)
        )
        chosen = next(free, left[0])
        left.remove(chosen)
        yield chosen


def _target(rule: Constraint, held: frozenset[str]) -> str:
    """Return the column that a rule would replace first of all."""
    if isinstance(rule, Inequality):
        return rule.low if rule.high in held else rule.high
    return rule.columns[0] if isinstance(rule, Formula) else rule.columns[-1]


def _step(train: Table, rule: Constraint, held: frozenset[str]) -> Computed | Difference | Joined | None:
    if isinstance(rule, Formula):
        expression = parse(rule.equals)
        wanted = expression.value({name: train.numbers(name) for name in expression.names})
        same = np.isnan(train.numbers(rule.column)) == ~np.isfinite(wanted)
        return Computed(rule=rule) if rule.column != train.schema.label and same.all() else None
    if isinstance(rule, Inequality):
        return _difference(train, rule, held)
    if isinstance(rule, Unique | Range) or broken(train, rule).any():
        return None
    return _joined(train, rule, held)


def _difference(train: Table, rule: Inequality, held: frozenset[str]) -> Difference | None:
    target = _target(rule, held)
    other = rule.low if target == rule.high else rule.high
    values, others = train.numbers(target), train.numbers(other)
    if target in held or (np.isnan(others) & ~np.isnan(values)).any() or np.isnan(values).all():
        return None
    first, second = train.schema.column(target), train.schema.column(other)
    if day := by_day(first, second):
        others = day_of(others)
        if not days_of(first) and target == rule.low:
            return None  # A moment of the same day is above that day.
    gaps = np.abs(values - others)[~np.isnan(values)]
    whole = first.kind == second.kind == "integer"
    unit = max(_unit(first), _unit(second)) if first.grid == second.grid else min(_unit(first), _unit(second))
    days = 0.0
    if first.kind == "datetime":
        unit, days = _common(gaps), _common(values[~np.isnan(values)])
    decimals = [column.decimals for column in (first, second) if column.kind == "number"]
    least = 0.0 if not rule.strict else DAY if day else unit or float(gaps[gaps > 0].min(initial=1.0))
    column = Column(
        name=target,
        kind="integer" if whole else "number",
        low=least,
        optional=first.optional,
        grid=unit if unit > 0 and (first.kind == "datetime" or first.grid) else None,
        decimals=None if None in decimals or whole else max((d for d in decimals if d is not None), default=None),
    )
    bottom, top = float(np.nanmin(values)), float(np.nanmax(values))
    # The other one may go farther, in rows where the target is missing or that are allowed to break the rule.
    if target == rule.high:
        top = max(top, float(np.nanmax(others)) + least)
    else:
        bottom = min(bottom, float(np.nanmin(others)) - least)
    return Difference(
        rule=rule, target=target, column=column, least=least, bounds=(bottom, top), whole=days, by_day=day
    )


def _common(seconds: Numbers) -> float:
    """Return the largest of day, hour, minute and second that all are multiples of, 0 = none."""
    return next((step for step in _STEPS if not np.mod(seconds, step).any()), 0.0)


def _joined(train: Table, rule: Combination, held: frozenset[str]) -> Joined | None:
    """Return the step with a column that tells all others, or else with a new one."""
    schema, tuples = train.schema, listed(rule, train.schema)
    size = len(np.unique(together(tuples))) if rule.tuples else 0
    for name, cells in zip(rule.columns, tuples, strict=True):
        able = schema.column(name).kind in CODED and held & set(rule.columns) <= {name}
        if able and size and len(np.unique(together([cells]))) == size:
            return Joined(rule=rule, key=name)
    if held & set(rule.columns) or not size:
        return None
    key = " + ".join(rule.columns)
    while key in schema_names(schema):
        key += " "
    return Joined(rule=rule, key=key)


def schema_names(schema: Schema) -> frozenset[str]:
    """Return the names of the columns."""
    return frozenset(column.name for column in schema.columns)


def _as_numbers(values: Values, column: Column) -> Numbers:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(numbers < 0, np.nan, numbers) if column.kind in CODED else numbers


def _unit(column: Column) -> float:
    """Return the step between values of a column, 0 = any."""
    if column.grid is not None:
        return column.grid
    if column.kind == "integer":
        return 1.0
    return 0.0 if column.decimals is None else 10.0**-column.decimals


def _rounded(values: Numbers, column: Column) -> Numbers:
    if column.kind == "integer":
        return np.rint(values)
    return values if column.decimals is None else np.round(values, column.decimals)


def _narrowed(column: Column, rule: Range) -> Column:
    lows = [bound for bound in (column.low, rule.low) if bound is not None]
    highs = [bound for bound in (column.high, rule.high) if bound is not None]
    return column.model_copy(update={"low": max(lows, default=None), "high": min(highs, default=None)})
