"""Are rows of one owner as alike as in the data?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Member
from lookalike.data.arrays import plain
from lookalike.data.relations import Relations
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import CODED, WORDS, Codes
from lookalike.techniques.controls import compare
from lookalike.techniques.families import SUMS, likeness, sums_of_codes, sums_of_numbers
from lookalike.techniques.shapes import grouped_interval

Values = npt.NDArray[np.float64]
_RANKS = 1001


@final
class Siblings(Method):
    """Difference of how alike siblings are in real and synthetic families, mean over columns: 0 is best.

    How alike they are is 1 less the variance within families over that of all rows: 0 for strangers, 1 for equals;
    numbers are taken by their rank among the training rows. `detail` also holds `neighbours`: the same of rows next to
    each other, where a table has an order. Floor: training families in the place of the synthetic ones. Ceiling: every
    column permuted over all families, so that siblings are strangers.

    Source: Fisher 1925, Statistical Methods for Research Workers, section 38 (intraclass correlation).
    Differs from the book: ranks, and categories as corners.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    rows: int = Field(default=2_000, ge=4, description="Most families of each kind.")

    def score(self, real: Reference[Relations], synthetic: Relations, rng: Rng) -> Score:
        """Return the mean difference; lower is better.

        Raises:
            DataError: No table with a parent has columns to compare, or there are fewer than 4 families.
        """
        del rng
        columns = [_Column(real.train, member, column.name) for member in synthetic.owned
                   for column in member.rows.columns if column.kind not in WORDS]  # fmt: skip
        if not columns:
            raise DataError("tables.siblings needs a table with a parent that has more than keys and texts, found none")
        ordered = np.array([one.member.order is not None and one.name != one.member.order for one in columns])

        def sums(data: Relations) -> Values:
            return np.concatenate([one.sums(data) for one in columns], axis=1)

        def found(rows: Values) -> tuple[Values, Values]:
            return likeness(rows.reshape(len(rows), len(columns), SUMS))

        def apart(one: Values, other: Values) -> float:
            return float(np.abs(found(one)[0] - found(other)[0]).mean())

        def neighbours(one: Values, other: Values) -> float:
            return float(np.abs(found(one)[1] - found(other)[1])[ordered].mean())

        sets = compare(real, synthetic, self.rows, sums, _strangers)
        value, control = apart(sets.real, sets.synthetic), sets.control
        further: dict[str, Any] = {}
        if ordered.any():
            beside = neighbours(sets.real, sets.synthetic)
            further["neighbours"] = {
                "value": beside,
                "interval": grouped_interval(beside, neighbours, (sets.real, sets.synthetic)),
                "floor": None if control is None else neighbours(sets.real, control),
                "ceiling": neighbours(sets.real, sets.shuffled),
            }
        parts = {"real": sets.real, "synthetic": sets.synthetic, "shuffled": sets.shuffled}
        return Score(
            value=value,
            interval=grouped_interval(value, apart, (sets.real, sets.synthetic)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if control is None else apart(sets.real, control),
            ceiling=apart(sets.real, sets.shuffled),
            better="lower",
            detail={
                "title": "difference of how alike siblings are",
                **further,
                "columns": _by_column(columns, ordered, {name: found(rows) for name, rows in parts.items()}),
                "interval": "jackknife over 20 groups of real and synthetic families; one generator",
                **sets.facts,
            },
        )


def _by_column(
    columns: Sequence[_Column], ordered: npt.NDArray[np.bool_], each: Mapping[str, tuple[Values, Values]]
) -> list[dict[str, Any]]:
    """Return how alike siblings are in each column, those first that differ most."""
    rows = []
    for f in np.argsort(-np.abs(each["real"][0] - each["synthetic"][0]), kind="stable").tolist():
        row: dict[str, Any] = {"table": columns[f].member.name, "column": columns[f].name}
        row |= {name: float(both[0][f]) for name, both in each.items()}
        if ordered[f]:
            row["neighbours"] = {name: float(both[1][f]) for name, both in each.items()}
        rows.append(row)
    return rows


class _Column:
    """One column of an owned table, measured by the training rows."""

    def __init__(self, train: Relations, member: Member, name: str) -> None:
        self.member, self.name = member, name
        self.column = member.rows.column(name)
        table = train.tables[member.name]
        if self.column.kind in CODED:
            codes = table.codes(name) + 1
            self.share = np.bincount(codes, minlength=len(self.column.categories) + 1) / max(len(codes), 1)
        else:
            known = plain(table, [name])[:, 0]
            known = known[~np.isnan(known)]
            # Ranks keep one huge value from being all the variance there is.
            self.ranks = np.quantile(known, np.linspace(0, 1, _RANKS)) if len(known) else np.zeros(1)

    def sums(self, data: Relations) -> Values:
        """Return the sums of every row of the root, over all families below it, [N, SUMS]."""
        name, owner = self.member.name, data.owners(self.member.name)
        table, families = data.tables[name], len(data.sizes[name])
        if self.column.kind in CODED:
            found = sums_of_codes(table.codes(self.name) + 1, owner, families, self.share)
        else:
            values = plain(table, [self.name])[:, 0]
            rank = (np.searchsorted(self.ranks, values, "left") + np.searchsorted(self.ranks, values, "right")) / 2
            rank = np.where(np.isnan(values), np.nan, rank / len(self.ranks))
            found = sums_of_numbers(rank, owner, families, 0.5)
        root: Codes = data.rooted(str(self.member.parent))
        return np.stack([np.bincount(root, part, len(data)) for part in found.T], axis=1)


def _strangers(data: Relations, generator: np.random.Generator) -> Relations:
    """Return families of the same sizes whose rows were permuted over all families, each column on its own."""
    tables = {
        name: shuffled_columns(table, generator) if name in data.sizes else table for name, table in data.tables.items()
    }
    return Relations(tables, data.sizes, data.schema)
