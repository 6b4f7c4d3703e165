from __future__ import annotations

import json
from typing import final

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from lookalike.core.contracts import Reference, Score
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.metrics.image import inception_score as module
from lookalike.metrics.image.inception_score import InceptionScore

METRIC = InceptionScore()


@final
class Classifier:
    """An extractor of stated certainty: `sure` = 1 puts all weight on the label, 0 spreads it evenly."""

    name, digest, dimension = "stated", "0" * 8, 10

    def __init__(self, sure: float, classes: int = 10) -> None:
        self.sure, self.classes = sure, classes

    def embed(self, data: Images) -> npt.NDArray[np.float32]:
        raise AssertionError("the score needs probabilities only")

    def predict_proba(self, data: Images) -> npt.NDArray[np.float64]:
        return self.sure * np.eye(self.classes)[data.labels % self.classes] + (1 - self.sure) / self.classes


@final
class Nearest:
    """A real classifier: softmax of distances to the mean training image of each class."""

    name, digest, dimension = "nearest", "1" * 8, 64

    def __init__(self, train: Images) -> None:
        x = train.pixels.reshape(len(train), -1) / 255
        self.mean = np.stack([x[train.labels == label].mean(axis=0) for label in range(10)])

    def embed(self, data: Images) -> npt.NDArray[np.float32]:
        return (data.pixels.reshape(len(data), -1) / 255).astype(np.float32)

    def predict_proba(self, data: Images) -> npt.NDArray[np.float64]:
        logits = -4 * np.square(self.embed(data)[:, None] - self.mean[None]).sum(axis=2)
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weight / weight.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(train=digits.take(np.arange(700)), holdout=digits.take(np.arange(700, 1250)))


@pytest.fixture(scope="module")
def fresh(digits: Images) -> Images:
    return digits.take(np.arange(1250, 1797))


def scored(monkeypatch: pytest.MonkeyPatch, features: object, real: Reference[Images], synthetic: Images) -> Score:
    monkeypatch.setattr(module, "prepared", lambda encoder, train: features)
    return METRIC.score(real, synthetic, Rng(0))


def balanced(data: Images) -> Images:
    return data.take(np.concatenate([np.flatnonzero(data.labels == label)[:40] for label in range(10)]))


def test_uniform_predictions_score_one(monkeypatch: pytest.MonkeyPatch, real: Reference[Images], fresh: Images) -> None:
    score = scored(monkeypatch, Classifier(0), real, fresh)
    assert score.value == pytest.approx(1, abs=1e-12)
    assert score.interval == pytest.approx((1, 1))


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_sure_and_balanced_predictions_score_the_number_of_classes(
    monkeypatch: pytest.MonkeyPatch, real: Reference[Images], fresh: Images, classes: int
) -> None:
    score = scored(monkeypatch, Classifier(1, classes), real, balanced(fresh))
    assert score.value == pytest.approx(classes, abs=1e-9)
    assert score.detail["best_possible"] == classes


def test_one_class_scores_one_however_sure(
    monkeypatch: pytest.MonkeyPatch, real: Reference[Images], fresh: Images
) -> None:
    assert scored(monkeypatch, Classifier(1), real, fresh.take(np.flatnonzero(fresh.labels == 3))).value == 1


def test_it_equals_the_definition(monkeypatch: pytest.MonkeyPatch, real: Reference[Images], fresh: Images) -> None:
    features = Nearest(real.train)

    def plain(data: Images) -> float:
        p = features.predict_proba(data)
        return float(np.exp((p * (np.log(p) - np.log(p.mean(axis=0)))).sum(axis=1).mean()))

    real = Reference(train=real.train, holdout=real.holdout.take(np.arange(547)))
    score = scored(monkeypatch, features, real, fresh)
    assert score.value == pytest.approx(plain(fresh), rel=1e-9)
    assert score.floor == pytest.approx(plain(real.holdout), rel=1e-9)
    assert score.interval is not None and score.interval[0] < score.value < score.interval[1]


def test_real_rows_reach_the_floor_and_shuffled_ones_the_ceiling(
    monkeypatch: pytest.MonkeyPatch, real: Reference[Images], fresh: Images
) -> None:
    features = Nearest(real.train)
    score = scored(monkeypatch, features, real, fresh)
    assert score.floor is not None and score.ceiling is not None
    assert score.value == pytest.approx(score.floor, rel=0.05)
    assert score.ceiling < 0.6 * score.floor
    noise = scored(monkeypatch, features, real, shuffled_pixels(fresh, np.random.default_rng(0)))
    assert noise.value == pytest.approx(score.ceiling, rel=0.1)


def test_no_holdout_means_no_floor_and_a_reason(
    monkeypatch: pytest.MonkeyPatch, real: Reference[Images], fresh: Images
) -> None:
    score = scored(monkeypatch, Classifier(1), Reference(real.train, real.holdout.take(np.arange(0))), fresh)
    assert score.floor is None and "holdout" in score.detail["not_estimated"]


def test_what_it_says_of_itself(
    monkeypatch: pytest.MonkeyPatch, real: Reference[Images], fresh: Images, global_state: None
) -> None:
    features = Nearest(real.train)
    score = scored(monkeypatch, features, real, fresh)
    assert score == scored(monkeypatch, features, real, fresh)
    assert score.detail["name"] == "IS[nearest]"
    assert (score.better, InceptionScore.verdict) == ("higher", "fidelity")
    json.dumps(dict(score.detail), allow_nan=False)


def test_an_extractor_without_classes_is_refused(real: Reference[Images], fresh: Images) -> None:
    with pytest.raises(ConfigError, match=r"image\.pixels does not"):
        InceptionScore(encoder="image.pixels").score(real, fresh, Rng(0))
    with pytest.raises(ValidationError, match="extra"):
        InceptionScore(splits=10)  # type: ignore[call-arg]
