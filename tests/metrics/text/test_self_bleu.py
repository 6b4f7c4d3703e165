"""Self-BLEU: 100 for one text again and again, the floor for real texts."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.metrics.text.self_bleu import SelfBleu


def _varied(n: int, seed: int) -> Corpus:
    draw = np.random.default_rng(seed)
    return Corpus.of([" ".join(f"w{k}" for k in draw.integers(0, 400, 10)) for _ in range(n)], [0] * n, text_schema([]))


def test_repetition_raises_it() -> None:
    real = Reference(_varied(100, 0), _varied(0, 1))
    same = _varied(1, 2).take(np.zeros(100, dtype=np.int64))
    assert SelfBleu().score(real, same, Rng(0)).value == pytest.approx(100)
    fair = SelfBleu().score(real, _varied(100, 3), Rng(0))
    half = SelfBleu().score(real, _varied(100, 3).take(np.arange(100) % 60), Rng(0))
    assert fair.floor is not None
    assert abs(fair.value - fair.floor) < 5 < half.value - fair.floor


def test_without_real_texts_there_is_no_floor() -> None:
    score = SelfBleu().score(Reference(_varied(0, 0), _varied(0, 0)), _varied(5, 0), Rng(0))
    assert score.floor is None
    assert "at least 50 real rows" in score.detail["not_estimated"]
