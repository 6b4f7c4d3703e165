"""Columns in which no two rows of one family are equal, as they are parts of a key: what comes again is drawn anew.

Rows are drawn anew whole, given their owner and siblings as before; where that does not help, one column gives way.
Legend: N rows in the order of their families, P families, M rows that come again, T drawn in the place of each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from lookalike.core.constraints import Unique
from lookalike.core.rng import Rng
from lookalike.core.schema import Member
from lookalike.data.clock import Clock
from lookalike.data.holding import repeated, together
from lookalike.data.reduced import Reduction
from lookalike.data.table import WORDS, Codes, Values
from lookalike.generators.tables.families.order import Order
from lookalike.generators.tables.families.stage import Columns


def alone(member: Member, replaced: Collection[str], kept: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """Return the constraints that are kept within every family, by their title, and the columns that do so together.

    They are those by which no two rows are alike in the key of the owner, in what is copied from it, and in further
    columns.

    Args:
        member: The table.
        replaced: Columns that are not learnt as they are.
        kept: Columns in which no two rows of a family are equal, whatever else they are.
    """
    owned = {*member.columns, *([member.column] if member.column else [])}
    links = {column for column, _ in member.links}
    copies = {column for column, _ in member.inherited} - {*replaced}
    taken = {*replaced, *(one.name for one in member.rows.columns if one.kind in WORDS and one.name not in links)}
    found = {}
    for rule in member.rows.constraints:
        if isinstance(rule, Unique) and owned and owned < set(rule.columns):
            rest = tuple(name for name in rule.columns if name not in owned | copies)
            # An order alone cannot give way; with other columns these do.
            able = not {*rest} & taken and {*rest} - {member.order}
            if {*rest} & {*kept} or able:
                found[rule.title] = rest
    return found


def timed(rules: Collection[tuple[str, ...]], way: Reduction | None) -> list[tuple[str, ...]]:
    """Return columns that keep constraints, each once, with the times of day that are columns of their own."""
    times = {step.target: step.name for step in (way.steps if way is not None else ()) if isinstance(step, Clock)}
    return sorted({(*names, *(times[name] for name in names if name in times)) for names in rules})


def new_keys(member: Member) -> dict[str, str]:
    """Return the constraints that a column of new keys keeps, as no two rows have the same, and that column."""
    of_others = {member.column, *(column for column, _ in (*member.links, *member.inherited))}
    own = [one.name for one in member.rows.columns if one.kind == "id" and one.name not in of_others]
    rules = [rule for rule in member.rows.constraints if isinstance(rule, Unique)]
    return {rule.title: name for rule in rules for name in own if name in rule.columns}


def _there(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which values are not missing: numbers may be none, codes and rows are at least 0."""
    return np.asarray(~np.isnan(values) if values.dtype.kind == "f" else values >= 0)


@final
@dataclass(frozen=True)
class Distinct:
    """Columns in which no two rows of a family are equal together.

    Attributes:
        column: The one that gives way where rows that are drawn anew come again.
        values: What it holds: numbers, codes, or rows of a shared table.
        share: How often each comes.
        beside: The others; of rows that differ in these it may be equal.
    """

    column: str
    values: tuple[float, ...]
    share: tuple[float, ...]
    beside: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, values: Values, beside: Sequence[str] = ()) -> Self:
        """Return the column with what it holds, missing values left out."""
        numbers = np.asarray(values)
        known, count = np.unique(numbers[_there(numbers)], return_counts=True)
        return cls(name, tuple(known.tolist()), tuple((count / count.sum()).tolist()), tuple(beside))

    @classmethod
    def opened(cls, about: Mapping[str, Any]) -> Self:
        """Return what was saved as its attributes; models of earlier versions have one column."""
        return cls(about["column"], tuple(about["values"]), tuple(about["share"]), tuple(about.get("beside", ())))

    def keys(self, made: Columns, owner: Codes) -> Codes:
        """Return one number for each row, equal where rows of a family are equal; -1 where a value is missing.

        Args:
            made: Columns, [N] each.
            owner: The family of each row, [N].
        """
        # A time of day is a column while rows are made and a part of the moment after that.
        values = [np.asarray(made[name]) for name in (self.column, *self.beside) if name in made]
        there = np.logical_and.reduce([_there(one) for one in values])
        return np.where(there, together([owner, *values]), -1)

    def parted(self, made: Columns, sizes: Codes, rng: Rng) -> Columns:
        """Return columns in which a value that comes again is another one, as long as there are some.

        Args:
            made: Columns, [N] each; a negative code or no number is missing, and may come again.
            sizes: Rows of each family, [P].
            rng: Key.
        """
        values = np.array(made[self.column])
        owner = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        start, draw = np.cumsum(sizes) - sizes, rng.numpy()
        again = np.flatnonzero(repeated(self.keys(made, owner)))
        beside = [np.asarray(made[name]) for name in self.beside if name in made]
        known, share = np.array(self.values), np.array(self.share)
        for row in again.tolist():
            family = slice(start[owner[row]], start[owner[row]] + sizes[owner[row]])
            alike = np.logical_and.reduce(
                [np.ones(sizes[owner[row]], bool), *(one[family] == one[row] for one in beside)]
            )
            free = ~np.isin(known, values[family][alike])
            if free.any():
                values[row] = draw.choice(known[free], p=share[free] / share[free].sum())
        return {**made, self.column: values}

    def moved(self, made: Columns, sizes: Codes, order: str, bound: bool, rng: Rng) -> Columns:
        """Return rows of which those that come again though all values are there are at another place in the order.

        They go to the nearest day that has room, of those on which any family has a row, and stay where none has.

        Args:
            made: Columns, [N] each, of every family in its order.
            sizes: Rows of each family, [P].
            order: Column that gives the order.
            bound: Whether they stay between the first and the last of their family.
            rng: Key.
        """
        owner = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        again = np.flatnonzero(repeated(self.keys(made, owner))) if order in self.beside else np.zeros(0, np.int64)
        if not len(again):
            return made
        values, days, start = np.array(made[self.column]), np.array(made[order]), np.cumsum(sizes) - sizes
        beside = [np.asarray(made[name]) for name in self.beside if name in made and name != order]
        known, share, every, draw = np.array(self.values), np.array(self.share), np.unique(days), rng.numpy()
        for row in again.tolist():
            family = slice(start[owner[row]], start[owner[row]] + sizes[owner[row]])
            alike = np.logical_and.reduce(
                [np.ones(sizes[owner[row]], bool), *(one[family] == one[row] for one in beside)]
            )
            low, high = (days[family].min(), days[family].max()) if bound else (-np.inf, np.inf)
            others = every[(every >= low) & (every <= high)]
            for day in others[np.argsort(np.abs(others - days[row]), kind="stable")].tolist():
                free = ~np.isin(known, values[family][alike & (days[family] == day)])
                if free.any():
                    if values[row] not in known[free]:
                        values[row] = draw.choice(known[free], p=share[free] / share[free].sum())
                    days[row] = day
                    break
        rank = np.lexsort((days, owner))
        return {name: np.asarray(one)[rank] for name, one in {**made, self.column: values, order: days}.items()}


def distinct_of(
    alone: Collection[tuple[str, ...]],
    known: Mapping[str, Values],
    order: Order | None,
    kept: Collection[str] = (),
    moments: Collection[str] = (),
) -> tuple[Distinct, ...]:
    """Return what keeps rows of a family apart in columns together: that with most values gives way.

    Args:
        alone: Columns in which no two rows of one owner may be equal together.
        known: Columns of the rows, and the rows of shared tables that they refer to, [N] each.
        order: What gives the order: it never gives way, and equal days have a time beside them.
        kept: Columns in which no two rows of a family are equal, whatever else they are.
        moments: Columns that keep to one side of a moment of the owner: they give way where no other can.
    """
    found, first = [], None if order is None else order.column.name
    for names in alone:
        able = [name for name in names if name != first]
        if able and {*names} <= {*known} and not {*names} & {*kept}:
            column = max(able, key=lambda name: (name not in moments, len(np.unique(np.asarray(known[name])))))
            times = [order.clock.name] if order is not None and first in names and order.timed else []
            found.append(Distinct.of(column, known[column], [*(name for name in names if name != column), *times]))
    return tuple(found)


def repeating(rules: Sequence[Distinct], made: Columns, owner: Codes, step: Codes, now: int) -> Codes:
    """Return the rows of a step that are equal to another of their family, of that step or of one before.

    Args:
        rules: Columns in which no two rows of a family are equal together.
        made: Columns, [N] each.
        owner: The family of each row, [N].
        step: When each row is made, [N].
        now: The step.
    """
    rows = np.flatnonzero(step <= now)
    rows = rows[np.argsort(step[rows], kind="stable")]
    needed = {name for one in rules for name in (one.column, *one.beside) if name in made}
    some = {name: np.asarray(made[name])[rows] for name in needed}
    again = np.logical_or.reduce([repeated(one.keys(some, owner[rows])) for one in rules])
    return np.sort(rows[again & (step[rows] == now)])


def instead(
    rules: Sequence[Distinct], made: Columns, drawn: Columns, owner: Codes, rows: Codes, earlier: Codes
) -> Codes:
    """Return which of the rows drawn in the place of each is taken, [M]; -1 = its family has them all.

    It is that which is most like the row in all columns but those that give way: what a row says besides was learnt
    from families in which none comes again. One in which another value is missing is taken where no other can be: it
    never comes again, and there would be ever more of them.

    Args:
        rules: Columns in which no two rows of a family are equal together.
        made: Columns, [N] each.
        drawn: Columns of what was drawn in the place of rows, as many for one after the other, [M times T] each.
        owner: The family of each row, [N].
        rows: Rows that come again, [M].
        earlier: All others that are made.
    """
    of = np.repeat(rows, len(drawn[rules[0].column]) // len(rows))
    taken, far = np.zeros(len(of), dtype=np.bool_), np.zeros(len(of))
    for one in rules:
        needed = [name for name in (one.column, *one.beside) if name in drawn]
        both = {name: np.concatenate([np.asarray(made[name])[earlier], drawn[name]]) for name in needed}
        keys = one.keys(both, np.concatenate([owner[earlier], owner[of]]))
        taken |= np.isin(keys[len(earlier) :], keys[: len(earlier)][keys[: len(earlier)] >= 0])
    giving_way = {one.column for one in rules}
    for name in (name for name in drawn if name not in giving_way):
        far += _apart(np.asarray(made[name])[of], np.asarray(drawn[name]))
    lost = np.zeros(len(of))
    for name in {name for one in rules for name in (one.column, *one.beside) if name in drawn}:
        lost += _there(np.asarray(made[name])[of]) != _there(np.asarray(drawn[name]))
    far += lost * (1 + far.max(initial=0))
    far_MT = np.where(taken, np.inf, far).reshape(len(rows), -1)
    first = np.arange(len(rows)) * far_MT.shape[1]
    return np.asarray(np.where(np.isfinite(far_MT.min(axis=1)), first + np.argmin(far_MT, axis=1), -1))


def _apart(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return how far values are apart, [N]: of codes whether they differ, of numbers as a part of the mean distance."""
    if one.dtype.kind != "f":
        return np.asarray(one != other, dtype=np.float64)
    missing = np.isnan(one) != np.isnan(other)
    apart = np.where(missing | np.isnan(one), 0, np.abs(one - other))
    return np.asarray(np.where(missing, 1, apart / (apart.mean() or 1)))
