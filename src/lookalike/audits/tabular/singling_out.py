"""Can an attacker make statements from synthetic rows that are true of exactly one training row?"""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import modelled, ordered, plain
from lookalike.data.table import Table
from lookalike.techniques.attacks import Predicate, Risk, multivariate, risk, singling_out, univariate, widened

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_TRIES = 10
_KEY = Rng(0).child("singling out")


@final
class SinglingOut(Method):
    """Risk that a statement which is true of one synthetic row is true of exactly one training row, beyond chance.

    Two attacks: statements on one column (a value that occurs once, the largest, the smallest) and on several columns
    of one row. Each is held against training rows and against holdout rows, which it cannot have learnt from, at equal
    size: the risk is (attack - control) / (1 - control). The value is that of the attack whose interval begins
    highest. Floor: 0, as for rows
    never used. Ceiling: training rows in the place of the synthetic ones; it is low where training rows are many more
    than holdout rows. `detail.baseline` says what guessing reaches; an attack that does not beat it says nothing.

    Source: Giomi et al. 2023, arXiv:2211.10459 (singling-out attacks, risk, Wilson intervals).

    Differs from the paper: tables are compared at one size by the chance that a statement holds for one of so many
        rows; statements that are guessed take their values from independent columns.
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    guesses: int = Field(default=1_000, ge=10, le=100_000, description="Statements of each attack at most.")
    columns: int = Field(default=4, ge=2, le=50, description="Columns in a statement of the second attack.")
    rows: int = Field(default=50_000, ge=2, description="Most rows of each kind.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the risk; 0 is best.

        Raises:
            DataError: There are no training or no synthetic rows, or only keys and texts.
        """
        if not len(synthetic) or not len(real.train):
            raise DataError(f"an attack needs rows, found {len(synthetic)} synthetic, {len(real.train)} training ones")
        if not len(real.holdout):
            told = "there are no held-out real rows to compare with; set data.holdout above 0"
            return Score(float("nan"), None, 0, len(synthetic), None, None, "target", {"not_estimated": told})
        names = modelled(synthetic.schema)
        order_F = np.array([ordered(synthetic.schema.column(name)) for name in names])
        made, train, held = (
            plain(data.take(np.sort(_KEY.child(kind).numpy().permutation(len(data))[: self.rows])), names)
            for kind, data in (("made", synthetic), ("train", real.train), ("held", real.holdout))
        )
        found = self._risks(made, train, held, order_F)
        if not found:
            told = "no statement is true of exactly one synthetic row"
            return Score(0.0, None, len(held), len(made), 0.0, 0.0, "target", {"not_estimated": told})
        copied = self._risks(train, train, held, order_F)
        worst = max(found, key=lambda name: found[name].interval[0])
        return Score(
            value=found[worst].value,
            interval=found[worst].interval,
            n_real=len(held),
            n_synthetic=len(made),
            floor=0.0,
            ceiling=max((one.value for one in copied.values()), default=0.0),
            better="target",
            detail={
                "title": "singling-out risk",
                "unit": "share",
                "worst": worst,
                "attacks": {name: _told(one) for name, one in found.items()},
                "weak": all(one.weak for one in found.values()),
                "compared_at": min(len(train), len(held)),
                "interval": "Wilson over statements, widened for showing the worse of two attacks; one generator",
                "interval_covers": "the choice of statements, not another training of the generator",
            },
        )

    def _risks(self, made: Values, train: Values, held: Values, order_F: Flags) -> dict[str, Risk]:
        size, found = min(len(train), len(held)), {}
        for kind, (statements, guessed) in self._statements(made, order_F).items():
            if statements:
                hits, control, base = (
                    (float(singling_out(some, rows, size).sum()), len(some))
                    for some, rows in ((statements, train), (statements, held), (guessed, train))
                )
                found[kind] = risk(hits, control, base, widened(2))
        return found

    def _statements(self, made: Values, order_F: Flags) -> dict[str, tuple[list[Predicate], list[Predicate]]]:
        """Return by attack statements that are true of one synthetic row, and as many guessed ones."""
        single = univariate(made, order_F)
        chosen = np.sort(_KEY.child("single").numpy().permutation(len(single))[: self.guesses])
        one = [single[place] for place in chosen.tolist()]
        # Medians of what is known; a column without any value has none, and no statement needs it.
        filled = np.where(np.isnan(made).all(axis=0), 0.0, made)
        middle, size = np.nanmedian(filled, axis=0), min(self.columns, made.shape[1])
        draw, several = _KEY.child("several").numpy(), []
        for _ in range(_TRIES * self.guesses):
            statement = multivariate(made, order_F, middle, size, draw)
            if np.count_nonzero(statement.holds(made)) == 1:
                several.append(statement)
            if len(several) == self.guesses:
                break
        apart = _KEY.child("apart").numpy().permuted(made, axis=0)
        other = _KEY.child("guessed").numpy()
        guessed = [
            [multivariate(apart, order_F, middle, width, other) for _ in statements]
            for width, statements in ((1, one), (size, several))
        ]
        return {"one_column": (one, guessed[0]), "several_columns": (several, guessed[1])}


def _told(found: Risk) -> dict[str, Any]:
    return {
        "value": found.value,
        "interval": list(found.interval),
        "attack": found.attack,
        "control": found.control,
        "baseline": found.baseline,
        "guesses": found.guesses,
        "weak": found.weak,
    }
