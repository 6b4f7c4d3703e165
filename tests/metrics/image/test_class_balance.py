from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.metrics.image.class_balance import ClassBalance

NAMES = ("cat", "dog", "owl", "eel")


def rows(*counts: int) -> Images:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Images(np.zeros((len(labels), 2, 2, 1), dtype=np.uint8), labels, image_schema(2, 2, 1, NAMES))


REAL = Reference(train=rows(70, 10, 10, 10), holdout=rows(7, 1, 1, 1))


def test_equal_counts_are_at_no_distance_from_uniform() -> None:
    score = ClassBalance().score(REAL, rows(25, 25, 25, 25), Rng(0))
    assert score.value == 0
    assert score.interval is not None and score.interval[0] == 0 < score.interval[1] < 0.15
    assert score.floor is not None and 0 < score.floor < 0.15


def test_the_distance_is_the_share_of_rows_with_too_much_of_a_label() -> None:
    score = ClassBalance().score(REAL, rows(55, 15, 15, 15), Rng(0))
    assert score.value == pytest.approx(0.30)
    assert score.detail["to_uniform"] == pytest.approx(0.30)
    assert score.detail["to_real"] == pytest.approx(0.15)
    assert ClassBalance(against="real").score(REAL, rows(55, 15, 15, 15), Rng(0)).value == pytest.approx(0.15)


def test_rows_of_one_class_are_the_worst_case() -> None:
    score = ClassBalance().score(REAL, rows(0, 0, 0, 90), Rng(0))
    assert score.value == pytest.approx(score.ceiling) == pytest.approx(0.75)
    assert score.detail["missing"] == ["cat", "dog", "owl"]
    real = ClassBalance(against="real").score(REAL, rows(0, 0, 0, 90), Rng(0))
    assert real.value == pytest.approx(real.ceiling) == pytest.approx(0.9)


def test_draws_from_the_wanted_shares_score_about_the_floor() -> None:
    r = np.random.default_rng(0)
    metric = ClassBalance(against="real")
    scores = [metric.score(REAL, rows(*r.multinomial(200, [0.7, 0.1, 0.1, 0.1])), Rng(0)) for _ in range(50)]
    assert np.mean([score.value for score in scores]) == pytest.approx(scores[0].floor, rel=0.2)


@given(counts=st.lists(st.integers(0, 60), min_size=4, max_size=4).filter(any))
def test_the_figure_stays_within_its_bounds(counts: list[int]) -> None:
    score = ClassBalance().score(REAL, rows(*counts), Rng(0))
    assert score.interval is not None and score.ceiling is not None
    assert 0 <= score.interval[0] <= score.interval[1] <= score.ceiling + 1e-12
    assert 0 <= score.value <= score.ceiling + 1e-12


def test_counts_stand_beside_the_figure(global_state: None) -> None:
    score = ClassBalance().score(REAL, rows(1, 2, 3, 0), Rng(0))
    assert score == ClassBalance().score(REAL, rows(1, 2, 3, 0), Rng(0))
    assert score.detail["counts"] == {"cat": 1, "dog": 2, "owl": 3, "eel": 0}
    assert score.detail["counts_holdout"] == {"cat": 7, "dog": 1, "owl": 1, "eel": 1}
    assert (score.n_real, score.n_synthetic, ClassBalance.verdict) == (100, 6, "validity")
    json.dumps(dict(score.detail), allow_nan=False)


def test_no_rows_and_unknown_keys_are_refused() -> None:
    with pytest.raises(DataError, match="found 0 synthetic"):
        ClassBalance().score(REAL, rows(0, 0, 0, 0), Rng(0))
    with pytest.raises(ValidationError, match="extra"):
        ClassBalance(target="real")  # type: ignore[call-arg]
