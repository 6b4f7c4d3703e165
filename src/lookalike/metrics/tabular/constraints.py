"""Whether rows meet the constraints that the data were read with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.constraints import Constraint, Unique
from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.holding import broken
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table
from lookalike.techniques.controls import compare
from lookalike.techniques.proportions import clopper_pearson

Flags = npt.NDArray[np.bool_]


@final
class Constraints(Method):
    """Share of rows that meet every constraint stated under `data.constraints`: 1 is best, and what is delivered.

    All synthetic rows are looked at, and each constraint is counted alone in `detail`. Floor: real rows, below 1 only
    where a constraint allows it. Ceiling: real rows with each column permuted on its own, which shows how little
    the constraints say if it is high. Without constraints every row meets them.

    Source: ours; the interval is that of Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.
    """

    verdict: ClassVar[str] = "validity"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    rows: int = Field(default=10_000, ge=4, description="Most real rows; of the synthetic ones all are looked at.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the share, 0 to 1; higher is better.

        Raises:
            DataError: A set has fewer than 4 rows.
        """
        del rng
        rules = real.train.schema.constraints
        # Rows that must differ are judged in the whole set below; pieces of it would miss what stands in two.
        by_row = [rule for rule in rules if not isinstance(rule, Unique)]
        sets = compare(real, synthetic, self.rows, lambda data: _met(data, by_row), shuffled_columns)
        met_NC = _met(synthetic, rules)
        every_N = met_NC.all(axis=1)
        hits, n = int(every_N.sum()), len(synthetic)
        unmet = int((~met_NC.all(axis=0)).sum())
        return Score(
            value=hits / n,
            interval=clopper_pearson(hits, n),
            n_real=sets.rows,
            n_synthetic=n,
            floor=None if sets.control is None else float(sets.real.all(axis=1).mean()),
            ceiling=float(sets.shuffled.all(axis=1).mean()),
            better="higher",
            detail={
                "title": "rows that meet every constraint",
                "constraints": {
                    "total": len(rules),
                    "met": len(rules) - unmet,
                    "rows": [_told(real, rule, met_NC[:, place]) for place, rule in enumerate(rules)],
                },
                **({} if rules else {"stated": "no constraint is stated under data.constraints"}),
                **sets.facts,
            },
        )


def _met(data: Table, rules: Sequence[Constraint]) -> Flags:
    """Return which rows meet each constraint, [N, C]."""
    found = np.ones((len(data), len(rules)), dtype=np.bool_)
    for place, rule in enumerate(rules):
        found[:, place] = ~broken(data, rule)
    return found


def _told(real: Reference[Table], rule: Constraint, met_N: Flags) -> dict[str, Any]:
    parts = {name: _share(rows, rule) for name, rows in (("train", real.train), ("holdout", real.holdout))}
    return {"constraint": rule.title, "broken": int((~met_N).sum()), "value": float(met_N.mean()), **parts}


def _share(data: Table, rule: Constraint) -> float | None:
    return float((~broken(data, rule)).mean()) if len(data) else None
