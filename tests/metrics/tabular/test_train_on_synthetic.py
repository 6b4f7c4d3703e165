"""Fresh real rows keep the figure, shuffled columns lose it; classes, numbers, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError
from tests.data.people import people, reference

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.shuffled import shuffled_columns
from lookalike.metrics.tabular.train_on_synthetic import TrainOnSynthetic

QUICK = {"iterations": 20}
ROWS = {
    *("real", "real_same_size", "real_class_weights", "synthetic", "real_plus_synthetic"),
    *("column_marginals", "between_neighbours"),
}


def test_fresh_rows_are_as_useful_as_real_ones() -> None:
    found = TrainOnSynthetic(learner_settings=QUICK).score(reference(), people(1200, 3), Rng(0))
    assert found.floor is not None
    assert found.interval is not None
    assert found.floor > 0.8
    assert abs(found.value - found.floor) < 0.03
    assert found.interval[0] < found.value < found.interval[1]
    assert found.ceiling == 0.5
    assert set(found.detail["rows"]) == ROWS
    assert set(found.detail["learners"]["tabular.logistic"]) == {"real", "real_same_size", "synthetic"}
    assert found.detail["learners"]["tabular.logistic"]["real"]["value"] > 0.8
    assert found.detail["rows"]["column_marginals"]["value"] < found.value + 0.02
    assert found.detail["rows"]["between_neighbours"]["value"] > 0.75
    assert abs(found.detail["gain"]["value"]) < 0.03
    low, high = found.detail["gain"]["interval"]
    assert high - low < found.interval[1] - found.interval[0]
    assert not found.detail["learner_weak"]
    json.dumps(dict(found.detail), allow_nan=False)


def test_shuffled_columns_are_worth_nothing() -> None:
    broken = shuffled_columns(people(1200, 3), np.random.default_rng(0))
    found = TrainOnSynthetic(learner_settings=QUICK).score(reference(), broken, Rng(0))
    assert abs(found.value - 0.5) < 0.12


def test_a_label_that_is_a_number_has_r_squared() -> None:
    real = reference(label="pay")
    found = TrainOnSynthetic(learner_settings=QUICK).score(real, people(1200, 3, "pay"), Rng(0))
    assert found.floor is not None
    assert found.floor > 0.5
    assert abs(found.value - found.floor) < 0.1
    assert found.ceiling == 0.0
    assert found.detail["figure"] == "R2"
    assert set(found.detail["rows"]) == ROWS - {"real_class_weights"}
    assert found.detail["n_test"] == int((~real.holdout.missing("pay")).sum())


def test_the_accuracy_can_be_asked_for() -> None:
    found = TrainOnSynthetic(learner_settings=QUICK, figure="accuracy").score(reference(), people(800, 3), Rng(0))
    holdout = reference().holdout
    assert found.ceiling == holdout.counts().max() / len(holdout)
    assert found.value == found.detail["rows"]["synthetic"]["accuracy"]


def test_without_a_holdout_it_says_so() -> None:
    real = reference()
    found = TrainOnSynthetic(learner_settings=QUICK).score(
        Reference(real.train, real.holdout.take(np.arange(0))), people(300, 3), Rng(0)
    )
    assert found.floor is None
    assert "no holdout" in found.detail["not_estimated"]


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"learner_settings.trees of tabular.boosting: Extra inputs"):
        TrainOnSynthetic(learner_settings={"trees": 3})
    with pytest.raises(ValidationError, match=r"no learner is called 'tabular\.forest'"):
        TrainOnSynthetic(learners=("tabular.forest",))
    with pytest.raises(DataError, match="training needs a label"):
        TrainOnSynthetic().score(reference(label=None), people(50, 3, None), Rng(0))
    with pytest.raises(DataError, match="found 0 synthetic"):
        TrainOnSynthetic().score(reference(), people(0, 3), Rng(0))
