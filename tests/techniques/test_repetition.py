"""Repetition of a set: known shares, and figures beside those of real texts and of one text again and again."""

from __future__ import annotations

import zlib

import numpy as np

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.techniques.repetition import compression_ratio, distinct_share, repetition_score


def _corpus(texts: list[str]) -> Corpus:
    return Corpus.of(texts, np.zeros(len(texts), dtype=np.int64), text_schema([]))


def test_distinct_shares_by_hand() -> None:
    assert distinct_share(["a b a b", "A b"], 2) == 2 / 4
    assert distinct_share(["a"], 2) == 0.0


def test_compression_is_zlib() -> None:
    texts = ["one and two"] * 50
    whole = "\n".join(texts).encode()
    assert compression_ratio(texts) == len(whole) / len(zlib.compress(whole, 9))
    assert compression_ratio([]) == 1.0


def test_repeating_texts_are_found_out() -> None:
    draw = np.random.default_rng(0)
    words = [f"w{n}" for n in range(500)]
    real = [" ".join(draw.choice(words, 12)) for _ in range(200)]
    made = real[:10] * 20
    empty = _corpus([])
    for figure, better in ((lambda texts: distinct_share(texts, 2), "higher"), (compression_ratio, "lower")):
        score = repetition_score(figure, Reference(_corpus(real), empty), _corpus(made), 1000, better, "x", Rng(0))
        assert score.floor is not None
        assert score.ceiling is not None
        assert score.interval is not None
        low, high = sorted((score.floor, score.ceiling))
        assert low < score.value < high
        fair = repetition_score(figure, Reference(_corpus(real), empty), _corpus(real), 1000, better, "x", Rng(0))
        assert fair.value == fair.floor
