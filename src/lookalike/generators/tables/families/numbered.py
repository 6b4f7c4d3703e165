"""Columns that number the rows of every family, as lines of an order are: counted again instead of learnt.

And orders in which no two rows of one family are equal, as numbers with gaps are: kept apart.
Legend: N rows in the order of their families, P families.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.relations import ranges
from lookalike.data.table import CODED, Codes, Numbers, Values
from lookalike.generators.tables.families.order import Known
from lookalike.generators.tables.families.since import Since
from lookalike.generators.tables.families.stage import Columns
from lookalike.generators.tabular.rows.finish import step_of

_FEWEST = 12
"""Rows beyond the first of their families from which on a column is said to number them."""
_FAMILIES = 20
"""Families of several rows from which on an order is said never to repeat."""
_NEARLY = 0.95
"""Share of families of several rows that are numbered from which on it is told that others are not."""
_WHOLE = re.compile(r"[+-]?\d{1,15}")


@final
@dataclass(frozen=True)
class Numbered:
    """A column that holds first, first + 1, ... in every family.

    Attributes:
        column: The column.
        first: The number of the first row.
        levels: Of a column of categories the number that each stands for; empty = it holds numbers.
        leads: Rows are in its order; else it is learnt, and made the rank of what was drawn.
    """

    column: str
    first: float
    levels: tuple[float, ...] = ()
    leads: bool = True

    @property
    def told(self) -> str:
        """What it says, in words."""
        way = "place" if self.leads else "rank by what is drawn, as it is in no order of others"
        return f"{self.column} numbers the rows of each owner from {self.first:g} on: each row gets its {way}"

    def again(self, made: Columns, sizes: Codes) -> Values:
        """Return the numbers of made rows, [N]."""
        place = within(sizes)
        if not self.leads:
            drawn = np.asarray(made[self.column])
            numbers = np.append(self.levels, np.nan)[drawn] if self.levels else drawn
            order = np.lexsort((place, numbers, _owner(sizes)))
            place = place[np.argsort(order)]
        if not self.levels:
            return np.asarray(self.first + place, dtype=np.float64)
        # No family is larger than the largest that was learnt, whose last row had the highest category.
        codes = np.argsort(self.levels)
        return np.asarray(codes[np.searchsorted(np.sort(self.levels), self.first + place)], dtype=np.int64)

    @classmethod
    def opened(cls, about: Mapping[str, Any]) -> Self:
        """Return what was saved as its attributes."""
        return cls(**{**about, "levels": tuple(about["levels"])})


def numbered(own: Known, sizes: Codes, order: str | None) -> tuple[Numbered, ...]:
    """Return the columns that number the rows of every family.

    The first that rises with the order, or the first of all where there is no order, leads, and with it all that number
    rows alike.

    Args:
        own: Columns of the rows, [N].
        sizes: Rows of each family, [P].
        order: Column that rows of one family are in the order of; None = they have none.
    """
    owner = _owner(sizes)
    found: dict[str, tuple[Numbers, tuple[float, ...]]] = {}
    for name, (column, values) in own.items():
        numbers, levels = whole_numbers(column, values)
        first, right = _in_turn(numbers, sizes)
        if first is not None and right.all():
            found[name] = numbers, levels
    able = [name for name in found if order in (None, name) or _rises(found[name][0], own[str(order)][1], owner)]
    leader = order if order in able else next(iter(able), None)
    lead = None if leader is None else found[leader][0] - found[leader][0].min()
    return tuple(
        Numbered(name, float(numbers.min()), levels, lead is not None and np.array_equal(numbers - numbers.min(), lead))
        for name, (numbers, levels) in found.items()
    )


def nearly_numbered(own: Known, sizes: Codes) -> list[str]:
    """Return in words which columns number the rows of nearly all families: they are learnt as any others.

    Args:
        own: Columns of the rows, [N].
        sizes: Rows of each family, [P].
    """
    told = []
    for name, (column, values) in own.items():
        first, right = _in_turn(whole_numbers(column, values)[0], sizes)
        several = right[sizes > 1]
        if first is not None and not right.all() and several.mean() >= _NEARLY:
            told.append(
                f"{name} numbers the rows of nearly every owner from {first:g} on, but not of {int((~right).sum()):,}: "
                "it is learnt as any other column; where these are mistakes, correct them"
            )
    return told


def _in_turn(numbers: Numbers, sizes: Codes) -> tuple[float | None, npt.NDArray[np.bool_]]:
    """Return the number that most families begin with, and which are numbered from that on, [P]; None = too few are."""
    owner, place = _owner(sizes), within(sizes)
    # Rows of the root are in no family.
    if not len(numbers) or not len(sizes) or np.isnan(numbers).all():
        return None, np.zeros(len(sizes), dtype=np.bool_)
    in_turn = numbers[np.lexsort((numbers, owner))]
    firsts, count = np.unique(in_turn[place == 0], return_counts=True)
    first = float(firsts[np.argmax(count)])
    right = np.bincount(owner, weights=in_turn != first + place, minlength=len(sizes)) == 0
    enough = int((place[right[owner]] > 0).sum()) >= _FEWEST
    return first if enough and first.is_integer() else None, right


def in_turn(own: Known, sizes: Codes, order: str | None, counted: Sequence[Numbered], rng: Rng) -> Codes:
    """Return rows in the order in which those of one family are learnt, [N].

    It is that of the numbers that lead; else that in which they stand, or, where they have none, one that `rng` gives.
    """
    owner = _owner(sizes)
    for one in counted:
        if one.leads:
            return np.lexsort((whole_numbers(*own[one.column])[0], owner))
    return np.arange(len(owner)) if order is not None else np.lexsort((rng.numpy().random(len(owner)), owner))


def counted_again(made: Columns, counted: Sequence[Numbered], sizes: Codes) -> Columns:
    """Return columns with those that number rows, rows being in their order."""
    return {**made, **{one.column: one.again(made, sizes) for one in counted}}


@final
@dataclass(frozen=True)
class Apart:
    """An order in which no two rows of a family are equal.

    Attributes:
        column: The column.
        step: What all values are whole multiples of: least that two rows are apart.
        low: Lowest value.
        high: Highest value.
    """

    column: str
    step: float
    low: float
    high: float

    @property
    def told(self) -> str:
        """What it says, in words."""
        return f"no two rows of one owner are equal in {self.column}, which gives their order: nor are made ones"

    @classmethod
    def of(cls, column: Column, values: Values, sizes: Codes, demanded: bool = False) -> Self | None:
        """Return how values are kept apart; None where two of one family are equal, or where they may be any numbers.

        Args:
            column: The column.
            values: What it holds, rising in each family, [N].
            sizes: Rows of each family, [P].
            demanded: They must be, however few families show it.
        """
        values = np.asarray(values, dtype=np.float64)
        step = step_of(column, values)
        if column.kind == "number" and step is None and column.decimals is not None:
            step = 10.0**-column.decimals
        siblings = np.diff(_owner(sizes)) == 0
        enough = demanded or int((sizes > 1).sum()) >= _FAMILIES
        if step is None or not len(values) or not enough or (np.diff(values)[siblings] <= 0).any():
            return None
        return cls(column.name, step, float(values.min()), float(values.max()))

    def parted(self, made: Columns, sizes: Codes, ways: Sequence[Since], parents: Columns) -> Columns:
        """Return columns in which no two rows of a family are equal: later ones give way, up to the highest value.

        Args:
            made: Columns, rows of a family in the order of this one.
            sizes: Rows of each family, [P].
            ways: Columns that keep to one side of a moment of the owner; where there is no room between the two, the
                highest, or lowest, value gives way.
            parents: Columns of the owners, [P] each.
        """
        values = np.asarray(made[self.column], dtype=np.float64)
        place, before = within(sizes), np.repeat(sizes, sizes) - 1
        # Less their place, numbers that must differ by 1 need only not fall.
        count: Numbers = np.rint(values / self.step) - place
        top = np.rint(self.high / self.step) - before
        for one in ways:
            if one.column == self.column:
                after, owners = one.low >= 0, np.asarray(parents[one.owner])[_owner(sizes)]
                edge = one.moments(np.full(len(count), one.low if after else one.high), owners) / self.step
                # A moment that is a whole multiple is one after rounding only.
                edge = np.ceil(edge - 1e-6) if after else np.floor(edge + 1e-6) - before
                top = np.maximum(top, edge) if after else np.minimum(top, edge)
        count = np.minimum(_highest_so_far(count, sizes), top)
        return {**made, self.column: np.round((count + place) * self.step, 9)}


def _highest_so_far(values: Numbers, sizes: Codes) -> Numbers:
    """Return the highest value of a family up to each row, [N]."""
    if not len(values):
        return values
    # Families stand apart by more than values differ, so that one pass does for all.
    apart = _owner(sizes) * (float(np.ptp(values)) + 1)
    return np.asarray(np.maximum.accumulate(values + apart) - apart)


def _rises(numbers: Numbers, values: Values, owner: Codes) -> bool:
    """Say whether values never fall from one number of a family to the next."""
    index = np.lexsort((numbers, owner))
    fall = np.diff(np.asarray(values, dtype=np.float64)[index]) < 0
    return not bool((fall & (np.diff(owner) == 0)).any())


def whole_numbers(column: Column, values: Values) -> tuple[Numbers, tuple[float, ...]]:
    """Return whole numbers, and those that categories stand for; none where it holds something else."""
    if column.kind in ("integer", "number"):
        return np.asarray(values, dtype=np.float64), ()
    known = [float(one) for one in column.categories if _WHOLE.fullmatch(one)]
    if column.kind not in CODED or len(set(known)) < max(1, len(column.categories)):
        return np.zeros(0), ()
    return np.append(known, np.nan)[np.asarray(values, dtype=np.int64)], tuple(known)


def _owner(sizes: Codes) -> Codes:
    return np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)


def within(sizes: Codes) -> Codes:
    """Return the place of each row in its family, from 0 on, [N]."""
    return ranges(np.zeros(len(sizes), dtype=np.int64), sizes)
