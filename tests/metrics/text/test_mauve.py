"""MAUVE of texts: real ones near the floor, others near the ceiling."""

from __future__ import annotations

from tests.metrics.text.test_bleu import _texts

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.metrics.text.mauve import Mauve

REAL = Reference(_texts(300, 0), _texts(200, 1))


def test_real_texts_score_like_real_texts() -> None:
    fair, other = (Mauve().score(REAL, made, Rng(0)) for made in (_texts(200, 2), _texts(200, 2, "z")))
    assert fair.floor is not None
    assert abs(fair.value - fair.floor) < 0.1
    assert other.value < 0.3 < fair.value


def test_without_real_texts_it_is_not_estimated() -> None:
    score = Mauve().score(Reference(_texts(0, 0), _texts(0, 0)), _texts(5, 0), Rng(0))
    assert "no real texts" in score.detail["not_estimated"]
