from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.contracts import Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.metrics.image import frechet as module
from lookalike.metrics.image.frechet import Frechet
from lookalike.techniques.distances import frechet, moments

METRIC = Frechet(encoder="image.pixels")


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(train=digits.take(np.arange(700)), holdout=digits.take(np.arange(700, 1250)))


@pytest.fixture(scope="module")
def fresh(digits: Images) -> Images:
    return digits.take(np.arange(1250, 1797))


def placed(score: Score) -> float:
    assert score.floor is not None and score.ceiling is not None
    return (score.value - score.floor) / (score.ceiling - score.floor)


def test_real_rows_reach_the_floor_and_shuffled_ones_the_ceiling(real: Reference[Images], fresh: Images) -> None:
    assert abs(placed(METRIC.score(real, fresh, Rng(0)))) < 0.03
    noise = shuffled_pixels(fresh, np.random.default_rng(0))
    assert placed(METRIC.score(real, noise, Rng(0))) == pytest.approx(1, abs=0.1)


def test_copies_of_training_rows_get_the_floor_and_nothing_better(real: Reference[Images]) -> None:
    score = METRIC.score(real, real.train, Rng(0))
    assert score.floor is not None
    assert score.value == pytest.approx(score.floor, rel=0.3)


def test_worse_rows_get_worse_figures(real: Reference[Images], fresh: Images) -> None:
    rank = np.random.default_rng(0).permutation(len(fresh))
    values = []
    for share in (0.0, 0.3, 0.6):
        bad = rank < share * len(fresh)
        pixels = fresh.pixels.copy()
        pixels[bad] = shuffled_pixels(fresh, np.random.default_rng(1)).pixels[bad]
        values.append(placed(METRIC.score(real, Images(pixels, fresh.labels, fresh.schema), Rng(0))))
    assert values[0] < 0.03
    assert 0.1 < values[1] < values[2]


def test_the_score_is_that_of_the_features_with_equal_rows(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(real, fresh, Rng(0))
    n = len(fresh)
    assert (score.n_real, score.n_synthetic, score.better) == (n, n, "lower")
    y = moments(fresh.pixels.reshape(n, -1).astype(np.float64) / 255)
    x = moments(real.holdout.pixels.reshape(550, -1).astype(np.float64) / 255)
    assert score.value == pytest.approx(frechet(x, y), rel=0.1)
    assert score.interval is not None and score.interval[0] < score.value < score.interval[1]
    assert 0 <= score.interval[0] and score.interval[1] < 2 * score.value


def test_it_is_named_by_its_features_and_json_can_hold_it(
    real: Reference[Images], fresh: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = METRIC.score(real, fresh, Rng(0)).detail
    assert detail["name"] == "FD[pixels]"
    assert detail["extractor"] == "pixels" and len(detail["digest"]) > 8 and detail["dimension"] == 64
    json.dumps(dict(detail), allow_nan=False)

    original = module.prepared

    def renamed(encoder: str, train: Images) -> object:
        features = original(encoder, train)
        kind = type("Renamed", (), {"name": "inception", "embed": features.embed, "digest": "x", "dimension": 64})
        return kind()

    monkeypatch.setattr(module, "prepared", renamed)
    assert METRIC.score(real, fresh, Rng(0)).detail["name"] == "FID"


def test_no_holdout_means_no_floor_and_a_reason(real: Reference[Images], fresh: Images) -> None:
    alone = Reference(train=real.train, holdout=real.holdout.take(np.arange(0)))
    score = METRIC.score(alone, fresh, Rng(0))
    assert score.floor is None
    assert "holdout" in score.detail["not_estimated"]
    assert score.ceiling is not None and np.isfinite(score.value)


def test_fewer_rows_than_features_and_the_limit(real: Reference[Images], fresh: Images) -> None:
    score = Frechet(encoder="image.pixels", rows=40).score(real, fresh, Rng(0))
    assert score.n_real == score.n_synthetic == 40
    assert (
        score.floor is not None and np.isfinite(score.value) and score.value > METRIC.score(real, fresh, Rng(0)).value
    )


def test_one_key_gives_one_score_and_inputs_stay(real: Reference[Images], fresh: Images, global_state: None) -> None:
    before = fresh.pixels.copy()
    first, second = METRIC.score(real, fresh, Rng(3)), METRIC.score(real, fresh, Rng(3))
    assert first == second
    assert METRIC.score(real, fresh, Rng(4)).interval != first.interval
    assert (fresh.pixels == before).all()


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Frechet(feature="x")  # type: ignore[call-arg]
    assert (Frechet.verdict, Frechet.targets) == ("fidelity", ("accepted",))
