"""How much of what each column of real rows holds is reached: categories, ranges of numbers, and rare ones of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.arrays import modelled, ordered, plain
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table
from lookalike.techniques.bootstrap import centred_interval
from lookalike.techniques.controls import compare
from lookalike.techniques.shapes import binned, bins, filled

Codes = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@final
class Coverage(Method):
    """Share of the categories and bins of real rows that some synthetic row is in, and the mean over columns.

    Numbers are cut into bins with equally many training rows. Compared at equal size, so that real rows do not reach
    everything either. Floor: training rows in the place of the synthetic ones. Ceiling: one row over and over. `detail`
    tells the same for rare categories and bins alone, those with less than `rare` of the rows.

    Source: Alaa et al. 2022, arXiv:2102.08921 (coverage of real modes); here mode = category or bin of one column.

    Differs from the paper: columns one by one, without a space; `precision_recall` looks at whole rows.
    """

    verdict: ClassVar[str] = "diversity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind.")
    columns: int = Field(default=500, ge=1, description="Most columns; of a wider table so many are drawn.")
    bins: int = Field(default=50, ge=2, le=1000, description="Bins of a number at most.")
    rare: float = Field(default=0.01, gt=0, lt=1, description="Share of real rows below which a category is rare.")
    resamples: int = Field(default=500, ge=100, le=10_000, description="Bootstrap resamples for the interval.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the mean share; higher is better.

        Raises:
            DataError: A set has fewer than 4 rows, or there are only keys and texts.
        """
        names = modelled(synthetic.schema, most=self.columns)
        sets = compare(real, synthetic, self.rows, self._cutter(real.train, names), shuffled_columns)
        held = [np.bincount(column) for column in sets.real.T]
        made, one = _counts(sets.synthetic, held), _counts(np.repeat(sets.real[:1], sets.rows, axis=0), held)
        other = None if sets.control is None else _counts(sets.control, held)
        shares = _shares(held, made, None)
        value, rare = _mean(shares), _shares(held, made, self.rare * sets.rows)
        draw = rng.child("bootstrap").numpy()
        # Of a bin with some rows a resample holds none with the chance of a Poisson count.
        chance = np.exp(-np.concatenate(made).astype(np.float64))
        weight = np.concatenate([_weights(there, len(held)) for there in held])
        again = np.array([weight[draw.random(len(chance)) > chance].sum() for _ in range(self.resamples)])
        low, high = centred_interval(value, again)
        return Score(
            value=value,
            interval=(max(0.0, low), min(1.0, high)),
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if other is None else _mean(_shares(held, other, None)),
            ceiling=_mean(_shares(held, one, None)),
            better="higher",
            detail={
                "title": "categories and bins reached",
                **self._rare(held, made, other, one, sets.rows),
                "columns": [
                    {
                        "column": names[f],
                        "value": float(shares[f]),
                        "rare": None if np.isnan(rare[f]) else float(rare[f]),
                    }
                    for f in np.argsort(shares, kind="stable")
                ],
                "worst": names[int(np.argmin(shares))],
                "interval": "bootstrap over synthetic rows; one generator",
                **sets.facts,
            },
        )

    def _cutter(self, train: Table, names: tuple[str, ...]) -> Callable[[Table], Codes]:
        """Return what tells the bin of every value, [N, F], the numbers being cut as in the training rows."""
        marks = {
            name: bins(plain(train, [name])[:, 0], True, self.bins)
            for name in names
            if ordered(train.schema.column(name))
        }

        def cut(data: Table) -> Codes:
            rows = plain(data, names)
            columns = [
                binned(rows[:, f], marks[name], True) if name in marks else filled(rows[:, f])
                for f, name in enumerate(names)
            ]
            return np.stack(columns, axis=1)

        return cut

    def _rare(
        self, held: list[Codes], made: list[Codes], other: list[Codes] | None, one: list[Codes], rows: int
    ) -> dict[str, Any]:
        """Return the figures of rare categories and bins, where there are any."""
        limit = self.rare * rows
        value = _mean(_shares(held, made, limit))
        if np.isnan(value):
            return {"rare": None}
        floor = None if other is None else _mean(_shares(held, other, limit))
        ceiling = _mean(_shares(held, one, limit))
        return {"rare": {"value": value, "floor": floor, "ceiling": ceiling, "below": self.rare}}


def _counts(rows_NF: Codes, held: list[Codes]) -> list[Codes]:
    """Return by column how many rows are in each bin that real rows can be in."""
    return [
        np.bincount(column, minlength=len(there))[: len(there)] for column, there in zip(rows_NF.T, held, strict=True)
    ]


def _shares(held: list[Codes], made: list[Codes], rarer_than: float | None) -> Values:
    """Return the share of the bins with real rows that are reached, by column; NaN where there is no such bin."""
    result = np.full(len(held), np.nan)
    for f, (there, reached) in enumerate(zip(held, made, strict=True)):
        asked = there > 0 if rarer_than is None else (there > 0) & (there < rarer_than)
        if asked.any():
            result[f] = (reached[asked] > 0).mean()
    return result


def _weights(there: Codes, columns: int) -> Values:
    """Return what each bin adds to the mean of the shares over columns when it is reached."""
    asked = (there > 0).astype(np.float64)
    return asked / (max(1.0, float(asked.sum())) * columns)


def _mean(shares: Values) -> float:
    """Return the mean over columns; NaN where no column has such bins."""
    known = shares[~np.isnan(shares)]
    return float(known.mean()) if len(known) else float("nan")
