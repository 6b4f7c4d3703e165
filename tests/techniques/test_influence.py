"""Figures against scikit-learn, and intervals against the bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from lookalike.techniques.influence import accuracy, auc, interval, r_squared

DRAW = np.random.default_rng(0)
LABEL = DRAW.integers(0, 3, 400)
GUESS = DRAW.dirichlet([1, 1, 1], 400) + 0.7 * np.eye(3)[LABEL]
GUESS /= GUESS.sum(axis=1, keepdims=True)
TRUTH = DRAW.gamma(2, size=400)
VALUE = TRUTH + 0.7 * DRAW.standard_normal(400)


def test_they_equal_those_of_scikit_learn() -> None:
    assert accuracy(LABEL, GUESS)[0] == pytest.approx(accuracy_score(LABEL, GUESS.argmax(axis=1)))
    assert auc(LABEL, GUESS)[0] == pytest.approx(roc_auc_score(LABEL, GUESS, multi_class="ovr"))
    two = np.where(LABEL == 0, 0, 1)
    pair = np.stack([GUESS[:, 0], 1 - GUESS[:, 0]], axis=1)
    assert auc(two, pair)[0] == pytest.approx(roc_auc_score(two, pair[:, 1]))
    assert r_squared(TRUTH, VALUE)[0] == pytest.approx(r2_score(TRUTH, VALUE))


@pytest.mark.parametrize(
    ("figure", "truth", "found"), [(accuracy, LABEL, GUESS), (auc, LABEL, GUESS), (r_squared, TRUTH, VALUE)]
)
def test_the_influences_give_the_spread_of_the_bootstrap(figure: Callable[..., Any], truth: Any, found: Any) -> None:
    value, influence = figure(truth, found)
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    low, high = interval(value, influence)
    draws = [figure(truth[rows], found[rows])[0] for rows in DRAW.integers(0, 400, (400, 400))]
    assert (high - low) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.15)


def test_what_cannot_be_ranked_is_one_half() -> None:
    assert auc(np.zeros(5, dtype=np.int64), np.ones((5, 2)) / 2)[0] == 0.5
    assert r_squared(np.ones(4), np.zeros(4))[0] == 0.0
