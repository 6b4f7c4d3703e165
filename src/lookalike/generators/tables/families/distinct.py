"""Columns in which no two rows of one family are equal, as they are parts of a key: what comes again is drawn anew.

Legend: N rows in the order of their families, P families.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from lookalike.core.constraints import Unique
from lookalike.core.rng import Rng
from lookalike.core.schema import Member
from lookalike.data.holding import repeated, together
from lookalike.data.table import WORDS, Codes, Values
from lookalike.generators.tables.families.stage import Columns


def alone(member: Member, replaced: Collection[str], kept: Collection[str] = ()) -> dict[str, str]:
    """Return the constraints that one column keeps in every family, by their title, and that column.

    They are those by which no two rows are alike in the key of the owner, in what is copied from it, and in one column
    more.

    Args:
        member: The table.
        replaced: Columns that are not learnt as they are.
        kept: Columns in which no two rows of a family are equal, whatever else they are.
    """
    owned = {*member.columns, *([member.column] if member.column else [])}
    links = {column for column, _ in member.links}
    copies = {column for column, _ in member.inherited} - {*replaced}
    taken = {*replaced, str(member.order)} - {*kept}
    taken |= {column.name for column in member.rows.columns if column.kind in WORDS and column.name not in links}
    found = {}
    for rule in member.rows.constraints:
        if isinstance(rule, Unique) and owned and owned < set(rule.columns):
            rest = set(rule.columns) - owned - copies
            if len(rest) == 1 and not rest & taken:
                found[rule.title] = rest.pop()
    return found


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
    """A column in which no two rows of a family are equal.

    Attributes:
        column: The column.
        values: What it holds: numbers, codes, or rows of a shared table.
        share: How often each comes.
    """

    column: str
    values: tuple[float, ...]
    share: tuple[float, ...]

    @classmethod
    def of(cls, name: str, values: Values) -> Self:
        """Return the column with what it holds, missing values left out."""
        numbers = np.asarray(values)
        known, count = np.unique(numbers[_there(numbers)], return_counts=True)
        return cls(name, tuple(known.tolist()), tuple((count / count.sum()).tolist()))

    @classmethod
    def opened(cls, about: Mapping[str, Any]) -> Self:
        """Return what was saved as its attributes."""
        return cls(about["column"], tuple(about["values"]), tuple(about["share"]))

    def parted(self, made: Columns, sizes: Codes, rng: Rng) -> Columns:
        """Return columns in which a value that its family has already is another one, as long as there are some.

        Args:
            made: Columns, [N] each; a negative code or no number is missing, and may come again.
            sizes: Rows of each family, [P].
            rng: Key.
        """
        values = np.array(made[self.column])
        owner = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        start, draw = np.cumsum(sizes) - sizes, rng.numpy()
        again = repeated(np.where(_there(values), together([owner, values]), -1))
        known, share = np.array(self.values), np.array(self.share)
        for row in np.flatnonzero(again).tolist():
            first = start[owner[row]]
            free = ~np.isin(known, values[first : first + sizes[owner[row]]])
            if free.any():
                values[row] = draw.choice(known[free], p=share[free] / share[free].sum())
        return {**made, self.column: values}
