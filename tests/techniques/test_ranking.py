"""Areas and rates against brute force, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from lookalike.techniques.ranking import advantage, auc_interval, best_threshold, placements, rate_at

SCORES = st.lists(st.integers(0, 5), min_size=1, max_size=15)


@given(SCORES, SCORES)
def test_the_area_is_the_share_of_pairs_in_order(first: list[int], second: list[int]) -> None:
    one, two = np.array(first, dtype=float), np.array(second, dtype=float)
    wins, losses = placements(one, two)
    brute = np.mean([(a > b) + (a == b) / 2 for a in one for b in two])
    assert wins.mean() == pytest.approx(brute)
    assert losses.mean() == pytest.approx(brute)
    value, (low, high) = auc_interval(wins, losses)
    assert 0 <= low <= value <= high <= 1
    y = np.repeat([1, 0], [len(one), len(two)])
    assert value == pytest.approx(roc_auc_score(y, np.concatenate([one, two])))


def test_intervals_cover() -> None:
    truth, covered, gained = 0.7602, 0, 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        one, two = draw.standard_normal(80) + 1, draw.standard_normal(80)
        low, high = auc_interval(*placements(one, two))[1]
        covered += low <= truth <= high
        low, high = advantage(one, two, 0.5)[1]
        gained += low <= 0.3829 <= high
    assert covered >= 182
    assert gained >= 182


def test_rates_at_few_false_positives() -> None:
    found = rate_at(np.array([5.0, 3, 1]), np.arange(5.0), 0.2)
    assert (found["tpr"], found["fpr"]) == (pytest.approx(1 / 3), pytest.approx(0.2))
    none = rate_at(np.array([9.0, 3]), np.arange(5.0), 0.001)
    assert (none["tpr"], none["fpr"]) == (0.5, 0.0)
    assert rate_at(np.array([1.0]), np.zeros(3), 1.0)["tpr"] == 1
    assert rate_at(np.zeros(4), np.zeros(4), 0.1)["tpr"] == 0


def test_the_best_threshold_is_best() -> None:
    draw = np.random.default_rng(0)
    one, two = np.round(draw.standard_normal(60) + 1, 1), np.round(draw.standard_normal(60), 1)
    gain = lambda t: (one > t).mean() - (two > t).mean()  # noqa: E731
    assert gain(best_threshold(one, two)) == pytest.approx(max(gain(t) for t in [-9, *one, *two]))
    assert best_threshold(np.zeros(3), np.zeros(3)) == -np.inf
