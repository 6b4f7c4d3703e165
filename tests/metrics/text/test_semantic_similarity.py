"""Nearness in meaning: real texts score the floor, other words the ceiling, and a missing half shows in the MMD."""

from __future__ import annotations

import numpy as np
from tests.metrics.text.test_bleu import _texts

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.metrics.text.semantic_similarity import SemanticSimilarity

REAL = Reference(_texts(300, 0), _texts(200, 1))


def test_real_texts_score_like_real_texts() -> None:
    fair = SemanticSimilarity().score(REAL, _texts(200, 2), Rng(0))
    assert fair.floor is not None
    assert fair.ceiling is not None
    assert abs(fair.value - fair.floor) < 0.02
    assert fair.ceiling < fair.floor
    low, high = fair.detail["mmd"]["interval"]
    assert low < 0.01
    assert high < fair.detail["mmd"]["ceiling"]


def test_the_kernel_distance_sees_what_is_missing() -> None:
    data = _texts(200, 2)
    texts = data.texts()
    narrow = data.take(np.array([row for row in range(200) if int(texts[row].split()[0][1:]) <= 1] * 3)[:200])
    fair, poor = (SemanticSimilarity().score(REAL, part, Rng(0)) for part in (data, narrow))
    assert poor.detail["mmd"]["value"] > fair.detail["mmd"]["interval"][1]


def test_without_real_texts_it_is_not_estimated() -> None:
    score = SemanticSimilarity().score(Reference(_texts(0, 0), _texts(0, 0)), _texts(5, 0), Rng(0))
    assert "no real texts" in score.detail["not_estimated"]
