from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.metrics.image.precision_recall import PrecisionRecall

METRIC = PrecisionRecall(encoder="image.pixels")
NAMES = ("precision", "recall", "density", "coverage")


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(train=digits.take(np.arange(700)), holdout=digits.take(np.arange(700, 1250)))


@pytest.fixture(scope="module")
def fresh(digits: Images) -> Images:
    return digits.take(np.arange(1250, 1797))


def test_real_rows_score_their_floor_in_all_four(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(real, fresh, Rng(0))
    for name in NAMES:
        figure = score.detail[name]
        assert figure["value"] == pytest.approx(figure["floor"], abs=0.08), name
        assert figure["interval"][0] <= figure["value"] <= figure["interval"][1]
    assert score.value == score.detail["recall"]["value"] and score.floor == score.detail["recall"]["floor"]


def test_shuffled_rows_score_near_zero_but_in_recall(real: Reference[Images], fresh: Images) -> None:
    detail = METRIC.score(real, shuffled_pixels(fresh, np.random.default_rng(0)), Rng(0)).detail
    for name in ("precision", "density", "coverage"):
        assert detail[name]["value"] < 0.1, name
        assert detail[name]["floor"] > 0.5, name
        assert detail[name]["shuffled"] == pytest.approx(detail[name]["value"], abs=0.05)
    # A cloud without structure is wide, and its wide balls hold every real row: the known weakness of recall.
    assert detail["recall"]["shuffled"] > 0.5


def test_every_ceiling_is_near_the_worst(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(real, fresh, Rng(0))
    assert all(score.detail[name]["ceiling"] < 0.1 for name in NAMES)
    assert score.ceiling == score.detail["recall"]["ceiling"]


def test_a_missing_class_lowers_recall_and_leaves_precision(real: Reference[Images], fresh: Images) -> None:
    kept = fresh.take(np.flatnonzero(fresh.labels < 5))
    score = METRIC.score(real, kept, Rng(0))
    assert score.value < 0.75 * score.floor  # type: ignore[operator]
    assert score.detail["coverage"]["value"] < 0.75 * score.detail["coverage"]["floor"]
    assert score.detail["precision"]["value"] > score.detail["precision"]["floor"] - 0.1


def test_one_image_over_and_over_is_precise_and_reaches_nothing(real: Reference[Images]) -> None:
    score = METRIC.score(real, real.holdout.take(np.zeros(550, dtype=np.int64)), Rng(0))
    assert score.detail["precision"]["value"] == 1.0
    assert score.value < 0.01


def test_copies_of_a_set_with_duplicates_are_precise(digits: Images) -> None:
    twice = digits.take(np.repeat(np.arange(60), 8))
    real = Reference(train=digits.take(np.arange(60, 600)), holdout=twice)
    assert METRIC.score(real, twice, Rng(0)).detail["precision"]["value"] == 1.0


def test_sets_are_compared_at_equal_size(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(real, fresh.take(np.arange(200)), Rng(0))
    assert (score.n_real, score.n_synthetic) == (200, 200)


def test_k_beyond_the_rows_is_refused(real: Reference[Images], fresh: Images) -> None:
    with pytest.raises(DataError, match="lower k or add rows"):
        PrecisionRecall(encoder="image.pixels", k=20).score(real, fresh.take(np.arange(20)), Rng(0))


def test_no_holdout_means_no_floor_and_a_reason(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(Reference(real.train, real.holdout.take(np.arange(0))), fresh, Rng(0))
    assert score.floor is None and score.detail["coverage"]["floor"] is None
    assert "holdout" in score.detail["not_estimated"]


def test_what_it_says_of_itself(real: Reference[Images], fresh: Images, global_state: None) -> None:
    score = METRIC.score(real, fresh, Rng(1))
    assert score == METRIC.score(real, fresh, Rng(1))
    assert (score.better, PrecisionRecall.verdict) == ("higher", "diversity")
    assert PrecisionRecall.targets == ("accepted", "unfiltered")
    assert score.detail["k"] == 5 and score.detail["extractor"] == "pixels"
    json.dumps(dict(score.detail), allow_nan=False)
    with pytest.raises(ValidationError, match="extra"):
        PrecisionRecall(neighbours=3)  # type: ignore[call-arg]
