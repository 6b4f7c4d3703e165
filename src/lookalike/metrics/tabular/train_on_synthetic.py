"""Are learners trained on the synthetic rows as good on real rows as those that were trained on real rows?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.registry import configured, find
from lookalike.core.rng import Rng
from lookalike.core.store import digest
from lookalike.data.arrays import mixed_space, modelled
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import NUMERIC, Table, Values, concatenate_tables
from lookalike.encoders.memo import Memo
from lookalike.techniques.influence import accuracy, auc, interval, r_squared
from lookalike.techniques.neighbours import k_nearest
from lookalike.techniques.utility import class_weights, per_class, stratified

Floats = npt.NDArray[np.float64]
_WEAK = 0.1
_BINS = 10
_POOL = 4000
_NEIGHBOURS = 5
_COVERS = "test rows, by their influence; one trained generator and one draw of synthetic rows, one fit of each learner"
_predicted: Memo[Floats] = Memo(1 << 26, lambda rows: rows.nbytes)


@final
class TrainOnSynthetic(Method):
    """Figure on the holdout of learners trained on synthetic rows, beside the same learners trained on real ones.

    The figure is the area under the curve for classes (mean of one against all the others), R2 for a label that is a
    number. Learners and keys are the same for every training set, and only the test reads the holdout. The value is
    that of the first learner. Floor: trained on as many real rows (on all, when there are fewer). Ceiling: chance.
    `detail.rows` also holds all real rows, those with class weights, real and synthetic rows together, and two
    baselines that any generator should beat: columns shuffled within each class, and rows between neighbours.

    Source: Esteban et al. 2017, arXiv 1706.02633 (train on synthetic, test on real); Chawla et al. 2002,
        doi:10.1613/jair.953 (rows between neighbours, SMOTE).

    Differs from the papers: several learners, an interval; SMOTE makes rows of all classes in their own shares, and
        takes a category from the nearer of the two rows.
    """

    verdict: ClassVar[str] = "utility"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    learners: tuple[str, ...] = Field(
        default=("tabular.boosting", "tabular.logistic"),
        min_length=1,
        description="Downstream models, by registry name; the first one gives the value.",
    )
    learner_settings: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the first learner, for example {iterations: 50}."
    )
    figure: Literal["auto", "auc", "accuracy"] = Field(
        default="auto", description="What is measured for classes; auto = auc. A label that is a number has R2 always."
    )

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of a learner before any work starts."""
        for place, name in enumerate(self.learners):
            configured("learners", name, {} if place else self.learner_settings, "learner_settings")
        return self

    def score(self, real: Reference[Table], synthetic: Table, rng: Rng) -> Score:
        """Return the figure of the first learner; higher is better.

        Raises:
            DataError: There are no synthetic or no training rows, or no label.
        """
        train, label = real.train, real.train.schema.label
        if label is None:
            raise DataError(
                "training needs a label, found a table without one; set data.label to the column to predict"
            )
        if not len(synthetic) or not len(train):
            raise DataError(f"training needs rows, found {len(synthetic)} synthetic and {len(train)} real ones")
        test = real.holdout.take(np.flatnonzero(~real.holdout.missing(label)))
        # The root seed and not the path: rows before and after filtering share what was trained on real rows.
        key = Rng(rng.seed).child("train_on_synthetic")
        if not len(test):
            return self._without_holdout(train, synthetic, key)
        sets = _training_sets(train, synthetic, key)
        first, *others = self.learners
        answers = {name: self._trained(first, data, weight, test, key) for name, (data, weight) in sets.items()}
        judge = self._judge(test)
        found = {name: judge(answer) for name, answer in answers.items()}
        rows = {name: {**_row(*found[name]), **_accuracy(answers[name], test)} for name in sets}
        beside = ("real", "real_same_size", "synthetic")
        more = {
            other: {name: _row(*judge(self._trained(other, sets[name][0], None, test, key))) for name in beside}
            for other in others
        }
        chance, value = self._chance(test), rows["synthetic"]["value"]
        gain = (found["real_plus_synthetic"][0] - found["real"][0], found["real_plus_synthetic"][1] - found["real"][1])
        measured = self._measured(test)
        return Score(
            value=value,
            interval=interval(*found["synthetic"]),
            n_real=len(train),
            n_synthetic=len(synthetic),
            floor=rows["real_same_size"]["value"],
            ceiling=chance,
            better="higher",
            detail={
                "title": f"{measured}, {first}",
                "figure": measured,
                "learner": first,
                "learner_settings": self.learner_settings,
                "learner_seeds": 1,
                "learner_weak": rows["real"]["value"] - chance < _WEAK * (1 - chance),
                "n_test": len(test),
                "n_same_size": len(sets["real_same_size"][0]),
                "rows": rows,
                "learners": more,
                "gain": {"value": gain[0], "interval": list(interval(*gain))},
                "interval": _COVERS,
                "interval_covers": _COVERS,
            },
        )

    def _measured(self, test: Table) -> str:
        if not test.classes:
            return "R2"
        return "accuracy" if self.figure == "accuracy" else "area under the curve"

    def _judge(self, test: Table) -> Callable[[Floats], tuple[float, Floats]]:
        """Return what makes a figure and its influences of predictions."""
        if test.classes:
            measure = accuracy if self.figure == "accuracy" else auc
            return lambda found: measure(test.labels, found)
        target = test.numbers(str(test.schema.label))
        return lambda found: r_squared(target, found)

    def _chance(self, test: Table) -> float:
        if not test.classes:
            return 0.0
        return float(test.counts().max() / len(test)) if self.figure == "accuracy" else 0.5

    def _trained(self, name: str, data: Table, weight: Floats | None, test: Table, key: Rng) -> Floats:
        """Return what a learner says of the test rows: probabilities, [N, K], or values, [N]."""
        method = find("learners", name)(**(self.learner_settings if name == self.learners[0] else {}))
        even = weight is None or bool(np.ptp(weight) == 0)
        facts = [name, method.model_dump(mode="json"), data.fingerprint(), test.fingerprint(), even, key.seed]

        def predicted() -> Floats:
            fitted = method.fit(data, None if even else weight, None, key.child("learner"))
            found: Floats = fitted.predict_proba(test) if test.classes else fitted.predict_values(test)
            return found

        return _predicted.get(digest(facts), predicted)

    def _without_holdout(self, train: Table, synthetic: Table, key: Rng) -> Score:
        """Return the figure on the training rows: the learner has not seen them, but the generator has."""
        test = train.take(np.flatnonzero(~train.missing(str(train.schema.label))))
        if not len(test):
            raise DataError(f"training needs rows with a value of '{train.schema.label}', found none")
        value, influence_N = self._judge(test)(self._trained(self.learners[0], synthetic, None, test, key))
        detail = {
            "title": f"{self._measured(test)} on the training rows, {self.learners[0]}",
            "not_estimated": "floor: there is no holdout, so no real rows to test a learner of real rows on; "
            "set data.holdout above 0",
            "interval": _COVERS,
        }
        bounds = interval(value, influence_N)
        return Score(value, bounds, len(train), len(synthetic), None, None, "higher", detail)


def _row(value: float, influence_N: Floats) -> dict[str, Any]:
    return {"value": value, "interval": list(interval(value, influence_N))}


def _accuracy(answer: Floats, test: Table) -> dict[str, Any]:
    """Return the share of right classes, as a whole and by class; nothing where the label is a number."""
    if not test.classes:
        return {}
    value, influence_N = accuracy(test.labels, answer)
    bounds, by_class = interval(value, influence_N), per_class((influence_N + value)[:, None], test)
    return {"accuracy": value, "accuracy_interval": list(bounds), "per_class": by_class}


def _training_sets(train: Table, synthetic: Table, key: Rng) -> dict[str, tuple[Table, Floats | None]]:
    """Return the rows of the comparison, each with the weights of its rows."""
    size = min(len(synthetic), len(train))
    grouped = _classes(train)
    if train.classes:
        chosen = stratified(train, size, key.child("same size"))
    else:
        chosen = np.sort(key.child("same size").numpy().permutation(len(train))[:size]).astype(np.int64)
    same, groups = train.take(chosen), grouped[chosen]
    return {
        "real": (train, None),
        "real_same_size": (same, None),
        **({"real_class_weights": (train, class_weights(train))} if train.classes else {}),
        "synthetic": (synthetic, None),
        "real_plus_synthetic": (concatenate_tables([train, synthetic]), None),
        "column_marginals": (_marginals(same, groups, key.child("marginals")), None),
        "between_neighbours": (_between(same, groups, key.child("neighbours")), None),
    }


def _classes(data: Table) -> npt.NDArray[np.int64]:
    """Return the class of each row; of a label that is a number, the tenth of all rows that it is in."""
    if data.classes:
        return data.labels
    values = np.nan_to_num(data.numbers(str(data.schema.label)))
    return np.searchsorted(np.unique(np.quantile(values, np.arange(1, _BINS) / _BINS)), values).astype(np.int64)


def _marginals(data: Table, groups: npt.NDArray[np.int64], rng: Rng) -> Table:
    """Return rows in which every column was permuted over its class: what a column does alone is all that is left."""
    parts = [
        shuffled_columns(data.take(np.flatnonzero(groups == group)), rng.child("class", group).numpy())
        for group in np.unique(groups).tolist()
    ]
    return concatenate_tables(parts)


def _between(data: Table, groups: npt.NDArray[np.int64], rng: Rng) -> Table:
    """Return as many rows, each between a row and one of its nearest five of the same class among 4,000."""
    names = modelled(data.schema)
    space = mixed_space(data, names)
    parts = []
    for group in np.unique(groups).tolist():
        draw = rng.child("class", group).numpy()
        own = data.take(np.flatnonzero(groups == group))
        pool = own.take(np.sort(draw.permutation(len(own))[:_POOL]))
        near = k_nearest(space.array(own), space.array(pool), min(_NEIGHBOURS + 1, len(pool)))[1]
        # Of the nearest, the first mostly is the row itself.
        place = draw.integers(min(1, near.shape[1] - 1), near.shape[1], len(own))
        other = pool.take(near[np.arange(len(own)), place])
        share = draw.random(len(own))
        columns = {
            column.name: _mixed(own, other, column.name, share) if column.name in names else own.values(column.name)
            for column in data.schema.columns
        }
        parts.append(Table.of(columns, data.schema))
    return concatenate_tables(parts)


def _mixed(first: Table, second: Table, name: str, share: Floats) -> Values:
    if first.schema.column(name).kind in NUMERIC:
        low, high = first.numbers(name), second.numbers(name)
        between = low + share * (high - low)
        return np.where(np.isnan(between), low, between)
    return np.where(share < 0.5, first.codes(name), second.codes(name))
