"""Real rows in the place of synthetic ones keep the accuracy; wrong labels lose it."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.learners.image.cnn import Cnn
from lookalike.metrics.image import train_on_synthetic as module
from lookalike.metrics.image.train_on_synthetic import TrainOnSynthetic


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(digits.take(np.arange(500)), digits.take(np.arange(500, 900)))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner that takes no time: nearest class mean."""

    class Means:
        def model_dump(self, mode: str) -> dict[str, object]:
            return {"mode": mode}

        def fit(self, data: Images, weight: object, target: object, rng: Rng) -> Means:
            del weight, target, rng
            flat = data.pixels.reshape(len(data), -1).astype(float)
            self.means = np.stack(
                [
                    flat[data.labels == k].mean(axis=0) if (data.labels == k).any() else flat.mean(axis=0)
                    for k in range(10)
                ]
            )
            return self

        def predict(self, data: Images) -> np.ndarray:
            flat = data.pixels.reshape(len(data), -1).astype(float)
            return ((flat[:, None] - self.means[None]) ** 2).sum(axis=2).argmin(axis=1)

    monkeypatch.setattr(module, "find", lambda kind, name: Means)
    module._hits.clear()


def test_unseen_real_rows_are_as_useful_as_real_rows(real: Reference[Images], digits: Images) -> None:
    found = TrainOnSynthetic().score(real, digits.take(np.arange(900, 1400)), Rng(0))
    assert found.floor is not None
    assert found.interval is not None
    assert abs(found.value - found.floor) < 0.04
    assert found.interval[0] <= found.value <= found.interval[1]
    assert set(found.detail["rows"]) == {
        *("real", "real_same_size", "real_class_weights", "synthetic", "real_plus_synthetic", "pixel_marginals"),
    }
    low, high = found.detail["gain"]["interval"]
    assert low <= found.detail["gain"]["value"] <= high
    assert not found.detail["learner_weak"]


def test_shuffled_labels_are_worth_nothing(real: Reference[Images], digits: Images) -> None:
    data = digits.take(np.arange(900, 1400))
    shuffled = Images(data.pixels, np.random.default_rng(0).permutation(data.labels), data.schema)
    found = TrainOnSynthetic().score(real, shuffled, Rng(0))
    assert found.ceiling is not None
    assert found.value < found.ceiling + 0.25
    assert found.detail["rows"]["real"]["accuracy"] > 0.8


def test_without_a_holdout_it_says_so(real: Reference[Images]) -> None:
    empty = real.holdout.take(np.zeros(0, dtype=np.int64))
    found = TrainOnSynthetic().score(Reference(real.train, empty), real.train, Rng(0))
    assert found.floor is None
    assert "no holdout" in found.detail["not_estimated"]


def test_wrong_settings_of_the_learner_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(ValidationError, match=r"learner_settings.stpes of image.cnn: Extra inputs"):
        TrainOnSynthetic(learner_settings={"stpes": 3})
    with pytest.raises(ValidationError, match=r"learner_settings.batch of image.cnn: Input should be greater"):
        TrainOnSynthetic(learner_settings={"batch": 0})


def test_seeds_on_threads_equal_seeds_one_after_the_other(
    real: Reference[Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    few = Reference(real.train.take(np.arange(100)), real.holdout.take(np.arange(100)))
    method = TrainOnSynthetic(learner_settings={"steps": 6}, seeds=3)
    key = Rng(0).child("train_on_synthetic")
    module._hits.clear()
    together = method._trained(few.train, None, few.holdout, key)
    for seed in range(3):
        fitted = Cnn(steps=6).fit(few.train, None, None, key.child("learner", seed))
        assert ((fitted.predict(few.holdout) == few.holdout.labels) == together[:, seed]).all()
