"""Drops synthetic texts to which a second reader gives another label."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.registry import configured, find
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, concatenate_texts
from lookalike.techniques.selection import beyond_share, without

_KEY = Rng(0).child("label_agreement")
_LEAST = 2


@final
class LabelAgreement(Method):
    """Keeps texts whose label a learner finds too: one that learnt on real training rows, on the other texts, or both.

    `real` trusts the few real rows only. `synthetic` learns on the other folds of the synthetic texts, so that a label
    that goes against the rest of the set shows (it needs most labels to be right). `both` joins the two. The learner
    never sees the holdout.

    Source: Northcutt et al. 2021, arXiv:1911.00068 (confident learning: labels judged out of sample).

    Differs from the paper: no noise matrix; a row goes when its own label has less than the asked probability.
    """

    reads_real: ClassVar[bool] = True

    by: Literal["real", "synthetic", "both"] = Field(default="both", description="What the learner learns from.")
    learner: str = Field(default="text.tfidf", description="Which downstream model judges, by registry name.")
    learner_settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the learner.")
    minimum: float = Field(default=0.5, ge=0, le=1, description="Least probability of the row's own label, 0 to 1.")
    keep: float = Field(default=1.0, gt=0, le=1, description="Share of each label to keep, most certain texts first.")
    folds: int = Field(default=5, ge=2, le=20, description="Folds of the synthetic texts.")

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        """Refuse wrong settings of the learner before any work starts."""
        configured("learners", self.learner, self.learner_settings, "learner_settings")
        return self

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the texts whose label the learner believes; the folds are fixed by the order of the texts.

        Raises:
            ConfigError: There are no real rows to learn from, or the texts have no labels.
        """
        del rng
        if not data.classes:
            raise ConfigError(
                "text.label_agreement needs labels; define labels in generator.task, or remove the filter"
            )
        train = real.train if real is not None else None
        if self.by == "real" and not train:
            raise ConfigError("text.label_agreement by real rows found none; choose by: synthetic, or give data")
        own_N = self._own(data, train if train and self.by != "synthetic" else None)
        unsure = np.flatnonzero(own_N < self.minimum)
        why = dict.fromkeys(unsure.tolist(), f"a learner gives its label less than {self.minimum:g}")
        for row in beyond_share(data.labels, own_N, self.keep):
            why.setdefault(row, f"not among the most certain {self.keep:.0%} of its label")
        return without(len(data), why, "label_agreement")

    def _own(self, data: Corpus, train: Corpus | None) -> npt.NDArray[np.float64]:
        """Return the probability of each row's own label, [N], from a learner that has not seen the row."""
        learner = find("learners", self.learner)(**self.learner_settings)
        own_N = np.ones(len(data))
        every = np.arange(len(data))
        # Neighbours in order were made alike; taking turns spreads them over the folds.
        fold_N = every % self.folds if self.by != "real" else np.zeros(len(data), dtype=np.int64)
        for fold in np.unique(fold_N):
            mine = every[fold_N == fold]
            parts = [train] if train else []
            if self.by != "real":
                parts.append(data.take(every[fold_N != fold]))
            learnt = concatenate_texts(parts)
            if len(learnt) < _LEAST:
                continue
            probability_NK = learner.fit(learnt, None, None, _KEY).predict_proba(data.take(mine))
            own_N[mine] = probability_NK[np.arange(len(mine)), data.labels[mine]]
        return own_N
