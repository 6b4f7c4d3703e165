"""The Vendi metric: real rows reach the floor, copies the ceiling, dropped classes lie between."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.metrics.image.vendi import Vendi

METRIC = Vendi(encoder="image.pixels")


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(train=digits.take(np.arange(700)), holdout=digits.take(np.arange(700, 1250)))


@pytest.fixture(scope="module")
def fresh(digits: Images) -> Images:
    return digits.take(np.arange(1250, 1797))


def test_real_rows_reach_the_floor_and_copies_the_ceiling(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(real, fresh, Rng(0))
    assert score.floor is not None and score.interval is not None
    assert score.value == pytest.approx(score.floor, rel=0.1)
    assert score.interval[0] < score.value < score.interval[1]
    copies = METRIC.score(real, fresh.take(np.zeros(547, dtype=np.int64)), Rng(0))
    assert copies.value == pytest.approx(copies.ceiling)


def test_a_set_that_lost_classes_is_less_varied(real: Reference[Images], fresh: Images) -> None:
    few = fresh.take(np.flatnonzero(fresh.labels < 2))
    few = few.take(np.arange(547) % len(few))
    one, all_ = METRIC.score(real, few, Rng(0)), METRIC.score(real, fresh, Rng(0))
    assert one.interval is not None and all_.interval is not None
    assert one.interval[1] < all_.interval[0]


def test_it_says_what_it_is(real: Reference[Images], fresh: Images) -> None:
    score = METRIC.score(real, fresh, Rng(0))
    assert score.detail["name"] == "Vendi[pixels]"
    assert (score.better, Vendi.verdict) == ("higher", "diversity")
    json.dumps(dict(score.detail), allow_nan=False)
