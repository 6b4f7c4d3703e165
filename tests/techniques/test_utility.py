"""Choices of rows with the shares of their classes, weights, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.techniques.utility import accuracy, class_weights, per_class, stratified


def test_the_same_size_row_has_the_size_and_the_classes(digits: Images) -> None:
    chosen = stratified(digits, 200, Rng(0))
    assert len(set(chosen.tolist())) == 200
    assert abs(digits.take(chosen).counts() / 200 - digits.counts() / len(digits)).max() < 0.01
    assert len(stratified(digits, len(digits), Rng(0))) == len(digits)


def test_the_same_size_row_keeps_uneven_classes_uneven(digits: Images) -> None:
    zeros, ones = (np.flatnonzero(digits.labels == label) for label in (0, 1))
    data = digits.take(np.concatenate([zeros[:120], ones[:30]]))
    counts = data.take(stratified(data, 50, Rng(0))).counts()
    assert counts[:2].tolist() == [40, 10]


def test_class_weights_make_classes_count_the_same(digits: Images) -> None:
    data = digits.take(np.flatnonzero(digits.labels < 2)[:150])
    weight = class_weights(data)
    sums = [weight[data.labels == number].sum() for number in (0, 1)]
    assert sums[0] == pytest.approx(sums[1])


def test_the_interval_covers_the_trueaccuracy() -> None:
    draw, covered = np.random.default_rng(0), 0
    for _ in range(100):
        low, high = accuracy((draw.random((300, 1)) < 0.9).astype(float), draw)["interval"]
        covered += low <= 0.9 <= high
    assert 85 <= covered <= 100


def test_accuracy_by_class(digits: Images) -> None:
    data = digits.take(np.flatnonzero(digits.labels < 2)[:50])
    found = per_class((data.labels == 1).astype(float)[:, None], data)
    assert found["0"] == 0.0
    assert found["1"] == 1.0
    assert found["2"] is None
