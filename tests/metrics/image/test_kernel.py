from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.contracts import Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.metrics.image.kernel import Kernel

METRIC = Kernel(encoder="image.pixels")


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
    score = METRIC.score(real, fresh, Rng(0))
    assert abs(placed(score)) < 0.05
    assert score.interval is not None and score.interval[0] < 0 < score.interval[1]
    noise = METRIC.score(real, shuffled_pixels(fresh, np.random.default_rng(0)), Rng(0))
    assert placed(noise) == pytest.approx(1, abs=0.1)


def test_negative_figures_are_kept(digits: Images) -> None:
    values = []
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(len(digits))
        real = Reference(train=digits.take(order[:100]), holdout=digits.take(order[100:200]))
        values.append(METRIC.score(real, digits.take(order[200:300]), Rng(0)).value)
    assert min(values) < 0 < max(values)


def test_it_says_what_it_is(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(real, fresh, Rng(0))
    assert score.detail["name"] == "KD[pixels]"
    assert score.n_real == score.n_synthetic == len(fresh)
    assert (score.better, Kernel.verdict, Kernel.targets) == ("lower", "fidelity", ("accepted",))
    json.dumps(dict(score.detail), allow_nan=False)


def test_no_holdout_means_no_floor_and_a_reason(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(Reference(real.train, real.holdout.take(np.arange(0))), fresh, Rng(0))
    assert score.floor is None and "holdout" in score.detail["not_estimated"]


def test_one_key_gives_one_score(real: Reference[Images], fresh: Images, global_state: None) -> None:
    first = METRIC.score(real, fresh, Rng(3))
    assert first == METRIC.score(real, fresh, Rng(3))
    other = METRIC.score(real, fresh, Rng(4))
    assert other.interval != first.interval and other.value == pytest.approx(first.value)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Kernel(degree=2)  # type: ignore[call-arg]
