"""How much of the variety of real rows the synthetic ones reach, and how many of these look real."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import percentile_interval, resampled_means
from lookalike.techniques.controls import compare
from lookalike.techniques.manifold import overlap


@final
class PrecisionRecall(Method):
    """Recall: the share of holdout images that lie among the synthetic ones; with precision, density and coverage.

    Two samples of one distribution do not score 1, so each of the four comes with its floor: training images in the
    place of the synthetic ones. Ceiling of precision and density: training images whose pixels were permuted over the
    rows; of recall and coverage: one image over and over. Recall trusts outliers: a few synthetic images far out reach
    everything, and even permuted pixels can score well (`shuffled` in the detail). Coverage does not: read both.

    Source: Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1-2 (precision, recall); Naeem et al. 2020,
        arXiv:2002.09797, equations 3-4 (density, coverage).

    Differs from the paper: one k for all four; the reference is the holdout; an interval by bootstrap.
    """

    verdict: ClassVar[str] = "diversity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    encoder: str = Field(default="tabular.mixed", description="Feature extractor, by its name among the encoders.")
    k: int = Field(default=5, ge=1, le=1000, description="Neighbour that sets the radius of a ball; the papers: 3, 5.")
    rows: int = Field(default=10_000, ge=4, description="Most rows of each kind; time grows with the square.")
    resamples: int = Field(default=500, ge=100, le=10_000, description="Bootstrap resamples for the intervals.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return recall, with the other three in `detail`; higher is better.

        Raises:
            DataError: A set has no more than k rows.
        """
        features = prepared(self.encoder, real.train)
        sets = compare(real, synthetic, self.rows, lambda data: embedded(features, data), shuffled_columns)
        found = overlap(sets.real, sets.synthetic, self.k)
        floors = {} if sets.control is None else overlap(sets.real, sets.control, self.k).means()
        shuffled = overlap(sets.real, sets.shuffled, self.k).means()
        # More than k copies give balls of radius 0: any larger number would give the same recall and coverage.
        constant = overlap(sets.real, np.repeat(sets.real[:1], self.k + 1, axis=0), self.k).means()
        ceilings = {**shuffled, "recall": constant["recall"], "coverage": constant["coverage"]}
        values = found.means()
        intervals = {}
        for name, rows in found.columns().items():
            generator = rng.child(f"bootstrap {name}").numpy()
            intervals[name] = percentile_interval(resampled_means(rows[:, None], self.resamples, generator)[:, 0])
        figures = {
            name: {
                "value": values[name],
                "interval": list(intervals[name]),
                "floor": floors.get(name),
                "ceiling": ceilings[name],
                "shuffled": shuffled[name],
            }
            for name in values
        }
        return Score(
            value=values["recall"],
            interval=intervals["recall"],
            n_real=sets.rows,
            n_synthetic=sets.rows,
            floor=floors.get("recall"),
            ceiling=ceilings["recall"],
            better="higher",
            detail={
                "name": f"recall[{features.name}]",
                "title": f"recall, {features.name} features",
                "extractor": features.name,
                "digest": features.digest,
                "dimension": features.dimension,
                "k": self.k,
                **figures,
                "interval": "bootstrap over the rows asked about, the balls held fixed; one generator, one extractor",
                **sets.facts,
            },
        )
