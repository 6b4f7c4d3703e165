"""Can an attacker who knows all but one column of a training row learn that column from the synthetic rows?"""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import MixedSpace, mixed_space, modelled, plain
from lookalike.data.table import Table, concatenate_tables
from lookalike.techniques.attacks import Risk, guessed, risk, widened
from lookalike.techniques.neighbours import k_nearest

Places = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
_KEY = Rng(0).child("attribute inference")


@final
class AttributeInference(Method):
    """Risk that the nearest synthetic row tells a column of a training row that the attacker does not know.

    For every column in turn, the attacker knows the others and answers with the value of the nearest synthetic row.
    What can be learnt in this way of rows never used is no leak: the risk is (attack - control) / (1 - control). The
    value is that of the column whose interval begins highest. Floor: 0, as for rows never used. Ceiling: 1, a copier.
    `detail.columns` also says what guessing reaches; an attack that does not beat it says nothing.

    Source: Giomi et al. 2023, arXiv:2211.10459 (inference attack, risk, Wilson intervals).

    Differs from the paper: distances in a space where every column weighs the same; a number is right within a share of
        its absolute value, a date within the same share of the standard deviation.
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    secrets: tuple[str, ...] = Field(default=(), description="Columns the attacker wants to know; empty = each.")
    guesses: int = Field(default=1_000, ge=10, le=100_000, description="Training rows, and holdout rows, asked about.")
    rows: int = Field(default=50_000, ge=1, description="Most synthetic rows that the attacker sees.")
    most: int = Field(default=20, ge=1, description="Secret columns at most; of a wider table so many are drawn.")
    tolerance: float = Field(
        default=0.05, ge=0, le=1, description="Error of a number that counts as right, a share of it."
    )

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the risk of the worst column; 0 is best.

        Raises:
            DataError: There are no training or no synthetic rows, fewer than two columns, or a secret is no column.
        """
        if not len(synthetic) or not len(real.train):
            raise DataError(f"an attack needs rows, found {len(synthetic)} synthetic, {len(real.train)} training ones")
        if not len(real.holdout):
            told = "there are no held-out real rows to compare with; set data.holdout above 0"
            return Score(float("nan"), None, 0, len(synthetic), None, None, "target", {"not_estimated": told})
        names = modelled(synthetic.schema)
        secrets = self._secrets(synthetic, names)
        n = min(self.guesses, len(real.train), len(real.holdout))
        seen, train, held = (
            data.take(np.sort(_KEY.child(kind).numpy().permutation(len(data))[:size]))
            for kind, data, size in (
                ("seen", synthetic, self.rows),
                ("train", real.train, n),
                ("held", real.holdout, n),
            )
        )
        # Measured on real rows: a synthetic column that is off must not weigh differently.
        space = mixed_space(concatenate_tables([real.train, real.holdout]), names)
        places = [(part, space.array(part)) for part in (seen, train, held)]
        level = widened(len(secrets))
        found = {name: self._risk(name, space, places, level) for name in secrets}
        worst = max(found, key=lambda name: found[name].interval[0])
        return Score(
            value=found[worst].value,
            interval=found[worst].interval,
            n_real=2 * n,
            n_synthetic=len(seen),
            floor=0.0,
            ceiling=1.0,
            better="target",
            detail={
                "title": "attribute-inference risk",
                "unit": "share",
                "worst": worst,
                "columns": [
                    _told(name, found[name]) for name in sorted(found, key=lambda name: -found[name].interval[0])
                ],
                "mean": float(np.mean([one.value for one in found.values()])),
                "weak": found[worst].weak,
                "tolerance": self.tolerance,
                "interval": f"Wilson over rows, widened for showing the worst of {len(secrets)} columns; one generator",
                "interval_covers": "the choice of rows in question, not another training of the generator",
            },
        )

    def _secrets(self, data: Table, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) < 2:
            raise DataError(f"inference needs at least 2 columns of numbers, categories or dates, found {names[0]}")
        unknown = [name for name in self.secrets if name not in names]
        if unknown:
            raise DataError(f"secrets: no column '{unknown[0]}' can be guessed; allowed: {', '.join(names)}")
        return self.secrets or modelled(data.schema, most=self.most)

    def _risk(self, name: str, space: MixedSpace, places: list[tuple[Table, Places]], level: float) -> Risk:
        """Return the risk of one column; places are those of synthetic, training and holdout rows."""
        known = np.ones(space.dimension, dtype=np.bool_)
        known[space.slices[name]] = False
        (seen, seen_at), *asked = places
        answers, seen_at = plain(seen, [name])[:, 0], seen_at[:, known]
        truths = [plain(rows, [name])[:, 0] for rows, _ in asked]
        rooms = [self._room(name, truth, space, seen.schema.column(name).kind) for truth in truths]
        right = []
        for (_, at), truth, room in zip(asked, truths, rooms, strict=True):
            nearest = k_nearest(at[:, known], seen_at, 1)[1][:, 0]
            right.append((int(guessed(answers[nearest], truth, room).sum()), len(truth)))
        blind = answers[_KEY.child("blind").numpy().integers(0, len(answers), len(truths[0]))]
        base = int(guessed(blind, truths[0], rooms[0]).sum())
        return risk(right[0], right[1], (base, len(truths[0])), level)

    def _room(self, name: str, truth: Values, space: MixedSpace, kind: str) -> Values | float:
        """Return how far a guess may be off; for dates by their spread, not by the years since 1970."""
        if kind == "datetime":
            return self.tolerance * space.scales[name]
        return 0.0 if name in space.corners else self.tolerance * np.abs(truth)


def _told(name: str, found: Risk) -> dict[str, Any]:
    return {
        "column": name,
        "value": found.value,
        "interval": list(found.interval),
        "attack": found.attack,
        "control": found.control,
        "baseline": found.baseline,
        "guesses": found.guesses,
        "weak": found.weak,
    }
