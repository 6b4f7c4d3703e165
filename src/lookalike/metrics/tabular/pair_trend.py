"""Whether columns go together as they do in the real rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import grouped, modelled
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table
from lookalike.techniques.association import associations
from lookalike.techniques.controls import compare
from lookalike.techniques.shapes import grouped_interval

Values = npt.NDArray[np.float64]
_SHOWN = 50
_MAPPED = 60


@final
class PairTrend(Method):
    """Likeness of associations, 0 to 1: one minus the mean difference of how strongly two columns go together.

    Two ordered columns: rank correlation, its difference halved as it runs from -1 to 1. An ordered and another one:
    correlation ratio of the ranks. Two others: Cramer's V. Floor: training rows in the place of the synthetic ones.
    Ceiling: columns permuted on their own. Most pairs of most tables hardly go together, so that the ceiling is high:
    read the distance to it, or `pair_distance`.

    Source: Spearman 1904, doi:10.2307/1412159; Cramer 1946, Mathematical Methods of Statistics, section 21.9.

    Differs from the papers: nothing; the mean over pairs is a summary of them.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind.")
    columns: int = Field(default=100, ge=2, le=2000, description="Most columns; of a wider table so many are drawn.")
    levels: int = Field(default=30, ge=2, description="Categories of a column at most; the others count as one.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the mean likeness over all pairs; higher is better.

        Raises:
            DataError: A set has fewer than 4 rows, or there are fewer than two columns that are no keys or texts.
        """
        names = modelled(synthetic.schema, most=self.columns)
        if len(names) < 2:
            raise DataError(f"pairs need at least 2 columns of numbers, categories or dates, found {', '.join(names)}")
        coding = grouped(real.train, names, self.levels)
        sets = compare(real, synthetic, self.rows, coding.array, shuffled_columns)
        order_F = ~coding.nominal
        one, two = np.triu_indices(len(names), 1)
        width_P = 1.0 + (order_F[one] & order_F[two])

        def differences(first: Values, second: Values) -> Values:
            apart: Values = np.abs(associations(first, order_F) - associations(second, order_F))[one, two] / width_P
            return apart

        def likeness(first: Values, second: Values) -> float:
            return float(1 - differences(first, second).mean())

        value = likeness(sets.real, sets.synthetic)
        real_FF, made_FF = associations(sets.real, order_F), associations(sets.synthetic, order_F)
        off_P = differences(sets.real, sets.synthetic)
        return Score(
            value=value,
            interval=grouped_interval(value, likeness, (sets.real, sets.synthetic)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if sets.control is None else likeness(sets.real, sets.control),
            ceiling=likeness(sets.real, sets.shuffled),
            better="higher",
            detail={
                "title": "likeness of associations",
                "pairs": [
                    {
                        "columns": [names[one[p]], names[two[p]]],
                        "value": float(1 - off_P[p]),
                        "real": float(real_FF[one[p], two[p]]),
                        "synthetic": float(made_FF[one[p], two[p]]),
                    }
                    for p in np.argsort(-off_P, kind="stable")[:_SHOWN]
                ],
                "n_pairs": len(one),
                **(_below(names, off_P) if len(names) <= _MAPPED else {}),
                "interval": "jackknife over 20 groups of real and synthetic rows; one generator",
                **sets.facts,
            },
        )


def _below(names: Sequence[str], off_P: Values) -> dict[str, object]:
    """Return the differences of all pairs as rows below the diagonal, for the map of the report."""
    off_FF = np.zeros((len(names), len(names)))
    off_FF[np.triu_indices(len(names), 1)] = off_P
    return {
        "columns": list(names),
        "apart": [np.round(off_FF[:row, row], 3).tolist() for row in range(len(names))],
    }
