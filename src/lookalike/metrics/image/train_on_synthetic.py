"""Is a learner trained on the synthetic rows as good on real rows as one that was trained on real rows?"""

from __future__ import annotations

from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.registry import configured, find
from lookalike.core.rng import Rng
from lookalike.core.store import digest
from lookalike.data.images import Images, concatenate
from lookalike.data.shuffled import shuffled_pixels
from lookalike.encoders.memo import Memo
from lookalike.techniques.parts import Parts
from lookalike.techniques.utility import COVERS, Hits, accuracy, class_weights, per_class, stratified

Values = npt.NDArray[np.float64]
_WEAK = 0.1
_hits: Memo[npt.NDArray[np.bool_]] = Memo(1 << 26, lambda rows: rows.nbytes)


@final
class TrainOnSynthetic(Method):
    """Accuracy on the holdout of a learner trained on synthetic rows, beside the same learner trained on real ones.

    Learner, number of steps and keys are the same for every training set, and only the test reads the holdout. Floor:
    trained on as many real rows (on all, when there are fewer). Ceiling: always answering the most frequent class.
    `detail.rows` also holds all real rows, those with class weights, real and synthetic rows together, and a baseline
    that any generator should beat: real rows whose pixels were shuffled within each class.

    Source: Ravuri and Vinyals 2019, arXiv 1905.10887 (classification accuracy score); Esteban et al. 2017,
        arXiv 1706.02633 (train on synthetic, test on real).

    Differs from the papers: a small learner, several seeds of it, and an interval.
    """

    verdict: ClassVar[str] = "utility"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")
    needs_classes: ClassVar[bool] = True

    learner: str = Field(default="image.cnn", description="Which downstream model learns, by registry name.")
    learner_settings: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the learner, for example {steps: 200}; empty = its defaults."
    )
    seeds: int = Field(default=2, ge=1, le=20, description="How often the learner is trained on each row, at least 1.")

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of the learner before any work starts."""
        configured("learners", self.learner, self.learner_settings, "learner_settings")
        return self

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng) -> Score:
        """Return the accuracy, 0 to 1; higher is better.

        Raises:
            DataError: There are no synthetic or no training rows.
        """
        train, test = real.train, real.holdout
        if not len(synthetic) or not len(train):
            raise DataError(f"training needs rows, found {len(synthetic)} synthetic and {len(train)} real ones")
        draw = rng.child("bootstrap").numpy()
        # The root seed and not the path: rows before and after filtering share what was trained on real rows.
        key = Rng(rng.seed).child("train_on_synthetic")
        if not len(test):
            return self._without_holdout(train, synthetic, key, draw)
        same = train.take(stratified(train, min(len(synthetic), len(train)), key.child("same size")))
        hits = {
            "real": self._trained(train, None, test, key),
            "real_same_size": self._trained(same, None, test, key),
            "real_class_weights": self._trained(train, class_weights(train), test, key),
            "synthetic": self._trained(synthetic, None, test, key),
            "real_plus_synthetic": self._trained(concatenate([train, synthetic]), None, test, key),
            "pixel_marginals": self._trained(_marginals(same, key.child("marginals")), None, test, key),
        }
        rows = {name: {**accuracy(row, draw), "per_class": per_class(row, test)} for name, row in hits.items()}
        gain = accuracy(hits["real_plus_synthetic"] - hits["real"], draw)
        chance = float(test.counts().max() / len(test))
        shown = rows["synthetic"]
        return Score(
            value=shown["accuracy"],
            interval=(shown["interval"][0], shown["interval"][1]),
            n_real=len(train),
            n_synthetic=len(synthetic),
            floor=rows["real_same_size"]["accuracy"],
            ceiling=chance,
            better="higher",
            detail={
                "title": f"accuracy, {self.learner}",
                "learner": self.learner,
                "learner_settings": self.learner_settings,
                "learner_seeds": self.seeds,
                "learner_weak": rows["real"]["accuracy"] - chance < _WEAK * (1 - chance),
                "n_test": len(test),
                "n_same_size": len(same),
                "rows": rows,
                "gain": {"value": gain["accuracy"], "interval": gain["interval"]},
                "interval": COVERS,
                "interval_covers": COVERS,
            },
        )

    def _trained(self, data: Images, weight: Values | None, test: Images, key: Rng) -> Hits:
        """Return which test rows each learner recognises, 1 or 0, [N, S]."""
        method = find("learners", self.learner)(**self.learner_settings)
        even = weight is None or bool(np.ptp(weight) == 0)
        facts = [self.learner, method.model_dump(mode="json"), data.fingerprint(), test.fingerprint(), even, key.seed]

        def recognised(seed: int) -> npt.NDArray[np.bool_]:
            fitted = method.fit(data, None if even else weight, None, key.child("learner", seed))
            right: npt.NDArray[np.bool_] = fitted.predict(test) == test.labels
            return right

        def every() -> npt.NDArray[np.bool_]:
            # A learner per core: two cores that share every small operation wait for each other.
            return np.stack(Parts(self.seeds).map(recognised, range(self.seeds)), axis=1)

        return _hits.get(digest([*facts, self.seeds]), every).astype(np.float64)

    def _without_holdout(self, train: Images, synthetic: Images, key: Rng, draw: np.random.Generator) -> Score:
        """Return the accuracy on the training rows: the learner has not seen them, but the generator has."""
        found = accuracy(self._trained(synthetic, None, train, key), draw)
        detail = {
            "title": f"accuracy on the training rows, {self.learner}",
            "not_estimated": "floor: there is no holdout, so no real rows to test a learner of real rows on; "
            "set data.holdout above 0",
            "interval": COVERS,
        }
        interval = (found["interval"][0], found["interval"][1])
        return Score(found["accuracy"], interval, len(train), len(synthetic), None, None, "higher", detail)


def _marginals(data: Images, rng: Rng) -> Images:
    """Return rows in which every pixel was permuted over its class: what a pixel does alone is all that is left."""
    labels = [label for label, count in enumerate(data.counts()) if count]
    parts = [
        shuffled_pixels(data.take(np.flatnonzero(data.labels == label)), rng.child("class", label).numpy())
        for label in labels
    ]
    return concatenate(parts)
