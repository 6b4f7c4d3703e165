"""Drops synthetic rows whose image does not show what the label says, in the eyes of a learner of real rows."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
from pydantic import Field

from lookalike.core.contracts import Method, Predictor, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.core.store import digest
from lookalike.data.images import Images
from lookalike.encoders.memo import Memo
from lookalike.techniques.selection import beyond_share

_KEY = Rng(0).child("confidence")
_fitted: Memo[Predictor[Any]] = Memo(4, lambda _: 1)


@final
class Confidence(Method):
    """Keeps rows that a learner trained on the real training rows gives their label, most certain first.

    `minimum` is a probability; `keep` is a share of each class and not a probability, so no class is emptied because it
    is hard. Rows below the minimum count towards the share that goes. The most certain rows are the most typical ones:
    a small share, or a high minimum, costs diversity. The learner never sees the holdout, so the test of utility stays
    clean.

    Source: classification-based filtering of generated images, as in Ravuri and Vinyals 2019, arXiv 1905.10887.

    Differs from the paper: the classifier is small and trained on the same training rows as the generator.
    """

    reads_real: ClassVar[bool] = True
    needs_classes: ClassVar[bool] = True

    learner: str = Field(default="image.cnn", description="Which downstream model judges, by registry name.")
    minimum: float = Field(default=0.5, ge=0, le=1, description="Least probability of the row's own label, 0 to 1.")
    keep: float = Field(default=1.0, gt=0, le=1, description="Share of each class to keep, most certain rows first.")

    def select(self, data: Images, real: Reference[Images] | None, rng: Rng) -> Selection:
        """Return the rows whose label the learner believes; the learner's own key is fixed.

        Raises:
            ConfigError: There are no real rows to learn from.
        """
        del rng
        if real is None or not len(real.train):
            raise ConfigError("image.confidence learns from real training rows and found none; remove the filter")
        if not len(data):
            return Selection(np.zeros(0, dtype=np.int64), np.zeros(0), {}, {})
        probability_NK = self._learnt(real.train).predict_proba(data)
        sure_N = probability_NK[np.arange(len(data)), data.labels]
        seen_N = probability_NK.argmax(axis=1)
        unsure = sure_N < self.minimum
        surplus = np.zeros(len(data), dtype=np.bool_)
        surplus[beyond_share(data.labels, sure_N, self.keep)] = True
        surplus &= ~unsure
        reasons: dict[int, str] = {}
        for row in np.flatnonzero(unsure | surplus):
            told = f"confidence: {sure_N[row]:.2f} for its label {data.classes[data.labels[row]]}"
            if surplus[row]:
                reasons[int(row)] = f"{told}, not among the most certain {self.keep:.0%} of its class"
            elif seen_N[row] != data.labels[row]:
                reasons[int(row)] = f"{told}, {probability_NK[row, seen_N[row]]:.2f} for {data.classes[seen_N[row]]}"
            else:
                reasons[int(row)] = f"{told}, less than {self.minimum:g}"
        other = unsure & (seen_N != data.labels)
        counts = {
            "the classifier sees another class": int(other.sum()),
            f"probability of the label below {self.minimum:g}": int((unsure & ~other).sum()),
            f"not among the most certain {self.keep:.0%} of its class": int(surplus.sum()),
        }
        index = np.flatnonzero(~(unsure | surplus)).astype(np.int64)
        return Selection(index, np.ones(len(index)), {reason: n for reason, n in counts.items() if n}, reasons)

    def _learnt(self, train: Images) -> Predictor[Images]:
        learner = find("learners", self.learner)()
        key = digest([self.learner, learner.model_dump(mode="json"), train.fingerprint()])
        return _fitted.get(key, lambda: learner.fit(train, None, None, _KEY))
