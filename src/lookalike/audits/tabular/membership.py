"""Can an attacker who sees the synthetic rows tell which real rows were used in training?"""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.arrays import Grouping, grouped, modelled, row_keys
from lookalike.data.table import Table, concatenate_tables
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.attacks import membership_scores
from lookalike.techniques.boosting import MOST_CATEGORIES, Boosting, fit_boosting
from lookalike.techniques.ranking import advantage, auc_interval, best_threshold, placements, rate_at

Values = npt.NDArray[np.float64]
_RATES = (0.001, 0.01, 0.1)
_LEAST = 20
_KEY = Rng(0).child("membership")


@final
class Membership(Method):
    """True-positive minus false-positive rate of the best attack that guesses whether a row was used in training.

    Members are training rows, non-members one half of the holdout; the other half is what the attacker knows of the
    population. Attack and threshold are chosen on one half of the rows in question and measured on the other, so that
    no attack at all gives 0 and not the best of many chances. Floor: the mean with the answers permuted. Ceiling: a
    copier. `detail.attacks` holds for each attack the area under the curve and the true-positive rates at a
    false-positive rate of .1, 1 and 10 %, on all rows; `max` is the best of them, `null` what the best
    reaches by chance.

    Source: Chen et al. 2020, arXiv:1909.03935; Hilprecht et al. 2019, doi:10.2478/popets-2019-0067; van Breugel et al.
        2023, arXiv:2302.12580 (DOMIAS); Hayes et al. 2019, arXiv:1705.07663 (a classifier's answer); Carlini et al.
        2022, arXiv:2112.03570 (rates at few false positives).

    Differs from the papers: densities by nearest neighbours and by boosted trees; the attacker has half of the holdout.
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    encoder: str = Field(default="tabular.mixed", description="Space of the distances, by its name among the encoders.")
    asked: int = Field(default=5_000, ge=40, description="Most members, and as many non-members, that are asked about.")
    rows: int = Field(default=50_000, ge=1, description="Most synthetic rows that the attacker sees.")
    iterations: int = Field(default=100, ge=1, le=10_000, description="Trees of the attack by a classifier.")
    permutations: int = Field(default=200, ge=20, le=10_000, description="Draws of permuted answers for the null.")

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the advantage; 0 is best.

        Raises:
            DataError: There are no training or no synthetic rows.
        """
        if not len(synthetic) or not len(real.train):
            raise DataError(f"an attack needs rows, found {len(synthetic)} synthetic, {len(real.train)} training ones")
        order = _KEY.child("holdout").numpy().permutation(len(real.holdout))
        n = min(len(real.train), len(order) // 2, self.asked)
        if n < _LEAST:
            told = f"an attack needs {2 * _LEAST} held-out real rows and {_LEAST} training rows, found "
            told += f"{len(order)} and {len(real.train)}; raise data.holdout or give more data"
            detail = {"not_estimated": told}
            return Score(float("nan"), None, len(order), len(synthetic), None, None, "target", detail)
        members = real.train.take(np.sort(_KEY.child("train").numpy().permutation(len(real.train))[:n]))
        strangers = real.holdout.take(np.sort(order[:n]))
        reference = real.holdout.take(np.sort(order[n : n + max(n, len(order) - 2 * n)]))
        seen = synthetic.take(np.sort(_KEY.child("seen").numpy().permutation(len(synthetic))[: self.rows]))
        asked = concatenate_tables([members, strangers])
        space = prepared(self.encoder, reference)
        scores = membership_scores(embedded(space, asked), embedded(space, seen), embedded(space, reference))
        scores["classifier"] = _classified(asked, seen, reference, self.iterations)
        attacks = {name: _attack(found[:n], found[n:]) for name, found in scores.items()}
        best = max(attacks, key=lambda name: float(attacks[name]["auc"]))
        table = np.stack(list(scores.values()), axis=1)
        (value, interval), used = _advantage(table[:n], table[n:])
        null = self._null(table, n, rng)
        used_rows = set(row_keys(real.train, modelled(asked.schema)))
        twins = sum(key in used_rows for key in row_keys(strangers, modelled(asked.schema))) / n
        return Score(
            value=value,
            interval=interval,
            n_real=2 * n,
            n_synthetic=len(seen),
            floor=float(np.mean(null["advantage"])),
            ceiling=1 - twins,
            better="target",
            detail={
                "title": "membership advantage",
                "unit": "share",
                "attack": list(scores)[used],
                "attacks": attacks,
                "max": {"attack": best, **attacks[best]},
                "null": {
                    "auc": float(np.mean(null["auc"])),
                    "interval": [float(end) for end in np.quantile(null["auc"], [0.025, 0.975])],
                    "p_value": float((1 + np.sum(null["auc"] >= attacks[best]["auc"])) / (1 + self.permutations)),
                    "of": "largest area under the curve over the attacks, answers permuted",
                },
                "n_members": n,
                "n_nonmembers": n,
                "n_reference": len(reference),
                "features": space.name,
                "digest": space.digest,
                "interval": "rows in question, by Newcombe; attacks and thresholds were chosen on other rows",
                "interval_covers": "the choice of rows in question, not another training of the generator",
            },
        )

    def _null(self, table: Values, n: int, rng: Rng) -> dict[str, Values]:
        """Return what the best attack seems to reach when members and non-members are drawn anew from both."""
        draw = rng.child("null").numpy()
        largest, gained = np.empty(self.permutations), np.empty(self.permutations)
        for number in range(self.permutations):
            again = table[draw.permutation(len(table))]
            largest[number] = max(float(placements(column[:n], column[n:])[0].mean()) for column in again.T)
            gained[number] = _advantage(again[:n], again[n:])[0][0]
        return {"auc": largest, "advantage": gained}


def _classified(asked: Table, seen: Table, reference: Table, iterations: int) -> Values:
    """Return how sure trees are that a row is synthetic rather than of the reference; they have seen none of them."""
    coding: Grouping = grouped(reference, modelled(asked.schema), MOST_CATEGORIES)
    x = np.concatenate([coding.array(seen), coding.array(reference)])
    side = np.repeat(np.array([1, 0]), [len(seen), len(reference)])
    weight = np.where(side == 1, len(side) / (2 * len(seen)), len(side) / (2 * len(reference)))
    settings = Boosting(iterations=iterations)
    model = fit_boosting(x, side, weight, coding.nominal, settings, _KEY.child("classifier"), classes=True)
    found: Values = model.decision_function(coding.array(asked))
    return found


def _attack(members: Values, strangers: Values) -> dict[str, Any]:
    value, interval = auc_interval(*placements(members, strangers))
    rates = {f"tpr_at_fpr_{rate:g}": rate_at(members, strangers, rate) for rate in _RATES}
    return {"auc": value, "interval": list(interval), **rates}


def _advantage(members: Values, strangers: Values) -> tuple[tuple[float, tuple[float, float]], int]:
    """Return the advantage on every second row, by the attack and threshold that are best on the others."""
    chosen = []
    for place in range(members.shape[1]):
        own, other = members[::2, place], strangers[::2, place]
        threshold = best_threshold(own, other)
        chosen.append((float((own > threshold).mean() - (other > threshold).mean()), threshold))
    best = int(np.argmax([gain for gain, _ in chosen]))
    return advantage(members[1::2, best], strangers[1::2, best], chosen[best][1]), best
