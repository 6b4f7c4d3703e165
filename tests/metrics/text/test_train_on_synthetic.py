"""Usefulness of texts: real controls, wrong labels, copies of the test set, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.metrics.text.train_on_synthetic import TrainOnSynthetic

SCHEMA = text_schema(["up", "down"])
METHOD = TrainOnSynthetic(learner_settings={"characters": 0}, draws=3)


def _texts(n: int, seed: int) -> Corpus:
    """Texts whose words tell the label in 7 of 10 cases."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    said = np.where(draw.random(n) < 0.3, 1 - labels, labels)
    words = [["rise", "climb", "high", "soar"], ["fall", "sink", "low", "drop"]]
    texts = [f"{draw.choice(words[k])} {draw.choice(words[k])} on day {draw.integers(10**6)}" for k in said]
    return Corpus.of(texts, labels, SCHEMA)


REAL = Reference(_texts(400, 0), _texts(600, 1))


def test_unseen_real_texts_are_as_useful_as_real_ones() -> None:
    found = METHOD.score(REAL, _texts(400, 2), Rng(0))
    assert found.floor is not None
    assert found.interval is not None
    assert abs(found.value - found.floor) < 0.06
    assert found.value == pytest.approx(0.7, abs=0.08)
    assert found.interval[0] <= found.value <= found.interval[1]
    assert found.ceiling == 0.5
    rows = found.detail["rows"]
    assert abs(rows["shuffled_labels"]["accuracy"] - 0.5) < 0.15
    assert len(rows["few_real"]["by_seed"]) == 3
    assert found.detail["leaked"] == 0
    assert found == METHOD.score(REAL, _texts(400, 2), Rng(0))


def test_wrong_labels_are_worse_than_nothing() -> None:
    data = _texts(400, 2)
    flipped = Corpus.of(data.texts(), 1 - data.labels, SCHEMA)
    assert METHOD.score(REAL, flipped, Rng(0)).value < 0.4


def test_copies_of_the_test_set_are_counted_and_left_out() -> None:
    data = _texts(100, 2)
    both = Corpus.of(data.texts() + REAL.holdout.texts(), [*data.labels, *REAL.holdout.labels], SCHEMA)
    found = METHOD.score(REAL, both, Rng(0))
    assert found.detail["leaked"] == 600
    assert found.value == METHOD.score(REAL, data, Rng(0)).value


def test_without_real_texts_it_says_what_is_missing() -> None:
    none = Corpus.empty(SCHEMA)
    found = METHOD.score(Reference(none, none), _texts(20, 0), Rng(0))
    assert np.isnan(found.value)
    assert "no held-out real texts" in found.detail["not_estimated"]
    only_test = METHOD.score(Reference(none, REAL.holdout), _texts(400, 2), Rng(0))
    assert only_test.value > 0.6
    assert only_test.floor is None
    with pytest.raises(DataError, match="needs labelled texts"):
        METHOD.score(REAL, none, Rng(0))


def test_wrong_settings_of_the_learner_are_refused_at_once() -> None:
    with pytest.raises(ValidationError, match=r"learner_settings.wrods of text.tfidf: Extra inputs"):
        TrainOnSynthetic(learner_settings={"wrods": 3})
