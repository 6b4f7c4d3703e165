"""BLEU against real texts: real texts score the floor, other words score less."""

from __future__ import annotations

import numpy as np

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.metrics.text.bleu import Bleu


def _texts(n: int, seed: int, prefix: str = "w") -> Corpus:
    draw = np.random.default_rng(seed)
    texts = [" ".join(f"{prefix}{k}" for k in np.cumsum(draw.integers(1, 3, 10)) % 60) for _ in range(n)]
    return Corpus.of(texts, np.zeros(n, dtype=np.int64), text_schema([]))


def test_real_texts_score_like_real_texts() -> None:
    real = Reference(_texts(300, 0), _texts(200, 1))
    fair = Bleu().score(real, _texts(200, 2), Rng(0))
    assert fair.floor is not None
    assert fair.ceiling is not None
    assert abs(fair.value - fair.floor) < 3
    assert fair.ceiling < fair.floor
    assert Bleu().score(real, _texts(200, 3, "z"), Rng(0)).value < 1
    assert Bleu().score(real, real.train.take(np.arange(200)), Rng(0)).value > 95


def test_without_real_texts_it_is_not_estimated() -> None:
    score = Bleu().score(Reference(_texts(0, 0), _texts(0, 0)), _texts(5, 0), Rng(0))
    assert np.isnan(score.value)
    assert "at least 50 real rows" in score.detail["not_estimated"]
