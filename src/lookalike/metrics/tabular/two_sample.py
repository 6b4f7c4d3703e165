"""Can boosted trees tell synthetic rows from real ones that nothing has seen?"""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import Grouping, grouped, modelled
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table
from lookalike.techniques.boosting import MOST_CATEGORIES, Boosting, held_out_scores
from lookalike.techniques.controls import compare
from lookalike.techniques.ranking import auc_interval, placements

Values = npt.NDArray[np.float64]
_KEY = Rng(0).child("two sample")
_PAIRED = float(np.sqrt(2))


@final
class TwoSample(Method):
    """Area under the curve of trees that tell synthetic rows from as many held-out real ones: .5 is best, 1 is worst.

    The trees are judged on rows that they have not seen, fold by fold. Floor: training rows in the place of the
    synthetic ones. Ceiling: training rows with columns permuted on their own; when even that is not told from real
    rows, columns do not go together or the rows are too few, and the figure says little.

    Source: Lopez-Paz and Oquab 2017, arXiv:1610.06545 (classifier two-sample test).

    Differs from the paper: the area under the curve in place of the accuracy, and all rows judged by cross-validation.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    rows: int = Field(default=10_000, ge=20, description="Most rows of each kind.")
    columns: int = Field(default=500, ge=1, description="Most columns; of a wider table so many are drawn.")
    folds: int = Field(default=3, ge=2, le=20, description="Parts of the rows that are left out in turn.")
    iterations: int = Field(default=100, ge=1, le=10_000, description="Trees, one after the other.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the area under the curve; lower is better.

        Raises:
            DataError: A set has too few rows, or there are only keys and texts.
        """
        coding = grouped(real.train, modelled(synthetic.schema, most=self.columns), MOST_CATEGORIES)
        sets = compare(real, synthetic, self.rows, coding.array, shuffled_columns)
        if sets.rows < 2 * self.folds:
            raise DataError(
                f"{self.folds} folds need {2 * self.folds} rows of each kind, found {sets.rows}; lower folds"
            )
        value, interval, wins = self._told(sets.real, sets.synthetic, coding)
        floor = None if sets.control is None else self._told(sets.real, sets.control, coding)
        ceiling = self._told(sets.real, sets.shuffled, coding)[0]
        return Score(
            value=value,
            interval=interval,
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=None if floor is None else floor[0],
            ceiling=ceiling,
            better="lower",
            detail={
                "title": "told from real rows, area under the curve",
                "floor_interval": None if floor is None else list(floor[1]),
                "folds": self.folds,
                "by_fold": wins,
                "interval": "rows, by DeLong, wider by the root of 2 as folds share rows; one generator",
                **sets.facts,
            },
        )

    def _told(self, real: Values, other: Values, coding: Grouping) -> tuple[float, tuple[float, float], list[Any]]:
        """Return the area under the curve, its interval, and that of each fold."""
        x = np.concatenate([real, other])
        side = np.repeat(np.array([0, 1]), [len(real), len(other)])
        settings = Boosting(iterations=self.iterations)
        scores, fold = held_out_scores(x, side, coding.nominal, settings, self.folds, _KEY)
        # Scores of two folds come from two models, and are compared within each only.
        parts = [
            placements(scores[(fold == k) & (side == 1)], scores[(fold == k) & (side == 0)]) for k in range(self.folds)
        ]
        wins, losses = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
        value, (low, high) = auc_interval(wins, losses)
        # What one fold has too many of by chance, the others' trees learn, and the other way round: each pair of folds
        # errs twice together. With nothing to tell, this doubles the variance at most.
        interval = (max(0.0, value - _PAIRED * (value - low)), min(1.0, value + _PAIRED * (high - value)))
        return value, interval, [float(part[0].mean()) for part in parts]
