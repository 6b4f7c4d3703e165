"""Is a classifier trained on the synthetic texts as good on real texts as one that was trained on real ones?"""

from __future__ import annotations

from typing import Any, ClassVar, Self, final

import numpy as np
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.registry import configured, find
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, concatenate_texts, text_schema
from lookalike.techniques.utility import COVERS, Hits, accuracy, per_class, stratified

_WEAK = 0.1


@final
class TrainOnSynthetic(Method):
    """Accuracy on the holdout of a learner trained on synthetic texts, beside the same learner trained on real ones.

    Floor: trained on as many real texts (on all, when there are fewer). Ceiling: always answering the most frequent
    class. `detail.rows` also holds all real texts, real and synthetic texts together, a few real texts with and
    without the synthetic ones, and a baseline that learns nothing: real texts with shuffled labels. Synthetic texts
    that stand in the holdout are left out before any training, and counted.

    Source: Esteban et al. 2017, arXiv 1706.02633 (train on synthetic, test on real); Ye et al. 2022, arXiv 2202.07922
        (a small model trained on prompted texts).

    Differs from the papers: several choices of the few real texts, and an interval.
    """

    verdict: ClassVar[str] = "utility"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    learner: str = Field(default="text.tfidf", description="Which downstream model learns, by registry name.")
    learner_settings: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the learner, for example {words: 1}; empty = its defaults."
    )
    few: int = Field(default=20, ge=2, description="Real texts of the rows that have few of them.")
    draws: int = Field(default=5, ge=1, le=50, description="How often the few real texts are chosen anew.")

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of the learner before any work starts."""
        configured("learners", self.learner, self.learner_settings, "learner_settings")
        return self

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the accuracy, 0 to 1; higher is better.

        Raises:
            DataError: There are no synthetic texts, or they have no labels.
        """
        train, test = real.train, real.holdout
        if not len(synthetic) or not synthetic.classes:
            raise DataError(f"training needs labelled texts, found {synthetic!r}; define labels in generator.task")
        if not len(test):
            told = "there are no held-out real texts to test on; give data with a holdout"
            return Score(float("nan"), None, len(train), len(synthetic), None, None, "higher", {"not_estimated": told})
        held = set(test.row_hashes())
        fresh = [row for row, key in enumerate(synthetic.row_hashes()) if key not in held]
        leaked = len(synthetic) - len(fresh)
        usable = synthetic.take(np.array(fresh, dtype=np.int64)) if leaked else synthetic
        hits = self._hits(train, usable, test, rng)
        draw = rng.child("bootstrap").numpy()
        rows = {name: {**accuracy(row, draw), "per_class": per_class(row, test)} for name, row in hits.items()}
        chance, shown = float(test.counts().max() / len(test)), rows["synthetic"]
        detail = {
            "title": f"accuracy, {self.learner}",
            "learner": self.learner,
            "learner_settings": self.learner_settings,
            "learner_seeds": 1,
            "n_test": len(test),
            "n_same_size": min(len(synthetic), len(train)),
            "n_few": min(self.few, len(train)),
            "leaked": leaked,
            "rows": rows,
            "interval": COVERS,
            "interval_covers": COVERS,
        }
        if "real" in hits:
            gain = accuracy(hits["real_plus_synthetic"] - hits["real"], draw)
            detail["gain"] = {"value": gain["accuracy"], "interval": gain["interval"]}
            detail["learner_weak"] = rows["real"]["accuracy"] - chance < _WEAK * (1 - chance)
        else:
            detail["not_estimated"] = "floor: there are no real texts to train on; give data"
        floor = rows["real_same_size"]["accuracy"] if "real_same_size" in rows else None
        interval = (shown["interval"][0], shown["interval"][1])
        return Score(shown["accuracy"], interval, len(train), len(synthetic), floor, chance, "higher", detail)

    def _hits(self, train: Corpus, synthetic: Corpus, test: Corpus, rng: Rng) -> dict[str, Hits]:
        """Return which test texts are recognised, 1 or 0, [N, S], for each set of training texts."""
        # The root seed and not the path: rows before and after filtering share what was trained on real rows.
        key = Rng(rng.seed).child("train_on_synthetic")
        hits = {"synthetic": self._trained(synthetic, test, key)}
        if not len(train):
            return hits
        same = train.take(stratified(train, min(len(synthetic), len(train)), key.child("same size")))
        mixed = key.child("shuffled").numpy().permutation(train.labels)
        shuffled = Corpus.of(train.texts(), mixed, text_schema(train.classes))
        few = [train.take(stratified(train, self.few, key.child("few", number))) for number in range(self.draws)]
        hits |= {
            "real": self._trained(train, test, key),
            "real_same_size": self._trained(same, test, key),
            "real_plus_synthetic": self._trained(concatenate_texts([train, synthetic]), test, key),
            "few_real": np.hstack([self._trained(rows, test, key) for rows in few]),
            "few_real_plus_synthetic": np.hstack(
                [self._trained(concatenate_texts([rows, synthetic]), test, key) for rows in few]
            ),
            "shuffled_labels": self._trained(shuffled, test, key),
        }
        return hits

    def _trained(self, data: Corpus, test: Corpus, key: Rng) -> Hits:
        fitted = find("learners", self.learner)(**self.learner_settings).fit(data, None, None, key.child("learner"))
        hits: Hits = (fitted.predict(test) == test.labels).astype(np.float64)[:, None]
        return hits
