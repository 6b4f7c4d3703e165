"""Whether every two columns together are distributed as in the real rows."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import modelled, ordered, plain
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table
from lookalike.techniques.controls import compare
from lookalike.techniques.shapes import binned, bins, grouped_interval, pair_distances, pair_of_columns

Codes = npt.NDArray[np.int64]
_SHOWN = 50
_KEY = Rng(0).child("pairs of columns")


@final
class PairDistance(Method):
    """Total variation distance of the joint distribution of two binned columns, and the mean over pairs: 0 is best.

    It is the share of rows that would have to move to another cell of the two-way table. Numbers are cut at quantiles
    of the training rows, rare categories count as one, a missing value has a bin of its own. Floor: training rows in
    the place of the synthetic ones, far above 0 where rows are few. Ceiling: columns permuted on their own.

    Source: Tao et al. 2021, arXiv:2112.09238 (two-way marginals by total variation distance).

    Differs from the paper: bins at quantiles, and a floor.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind.")
    bins: int = Field(default=10, ge=2, le=100, description="Bins of a number and categories of a column at most.")
    pairs: int = Field(default=1_000, ge=1, description="Most pairs; of a wider table so many are drawn.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the mean distance; lower is better.

        Raises:
            DataError: A set has fewer than 4 rows, or there are fewer than two columns that are no keys or texts.
        """
        schema = synthetic.schema
        names = modelled(schema)
        if len(names) < 2:
            raise DataError(f"pairs need at least 2 columns of numbers, categories or dates, found {', '.join(names)}")
        pairs_P2 = pair_of_columns(len(names), self.pairs, _KEY.numpy())
        used = np.unique(pairs_P2)
        names = tuple(names[f] for f in used)
        pairs_P2 = np.searchsorted(used, pairs_P2)
        order = [ordered(schema.column(name)) for name in names]
        marks = [bins(plain(real.train, [name])[:, 0], order[f], self.bins) for f, name in enumerate(names)]

        def cut(data: Table) -> Codes:
            rows = plain(data, names)
            return np.stack([binned(rows[:, f], mark, order[f]) for f, mark in enumerate(marks)], axis=1)

        def distance(first: Codes, second: Codes) -> float:
            return float(pair_distances(first, second, pairs_P2).mean())

        sets = compare(real, synthetic, self.rows, cut, shuffled_columns)
        found_P = pair_distances(sets.real, sets.synthetic, pairs_P2)
        floor_P = None if sets.control is None else pair_distances(sets.real, sets.control, pairs_P2)
        value = float(found_P.mean())
        return Score(
            value=value,
            interval=grouped_interval(value, distance, (sets.real, sets.synthetic)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if floor_P is None else float(floor_P.mean()),
            ceiling=distance(sets.real, sets.shuffled),
            better="lower",
            detail={
                "title": "distance of pairs of columns",
                "pairs": [
                    {
                        "columns": [names[place] for place in pairs_P2[p]],
                        "value": float(found_P[p]),
                        "floor": None if floor_P is None else float(floor_P[p]),
                    }
                    for p in np.argsort(-found_P, kind="stable")[:_SHOWN]
                ],
                "n_pairs": len(pairs_P2),
                "interval": "jackknife over 20 groups of real and synthetic rows; one generator",
                **sets.facts,
            },
        )
