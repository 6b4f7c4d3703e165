"""Planted copies are counted exactly; unseen real texts give the floor."""

from __future__ import annotations

import numpy as np

from lookalike.audits.text.verbatim import Verbatim
from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema

SCHEMA = text_schema(["x", "y"])


def _texts(n: int, seed: int) -> Corpus:
    draw = np.random.default_rng(seed)
    return Corpus.of([" ".join(f"w{k}" for k in draw.integers(0, 200, 15)) for _ in range(n)], np.arange(n) % 2, SCHEMA)


def test_planted_passages_are_found() -> None:
    real = Reference(_texts(200, 0), _texts(100, 1))
    fresh, train = _texts(50, 2).texts(), real.train.texts()
    passage = "new words first, then " + " ".join(train[7].split()[2:11]).upper()
    made = Corpus.of([*fresh[:40], *train[:8], passage, " ".join(train[9].split()[:7])], np.arange(50) % 2, SCHEMA)
    score = Verbatim().score(real, made, Rng(0))
    # Eight whole copies, one passage of nine words; seven words of a text are below the limit, but all of that text.
    assert score.value == 10 / 50
    assert score.floor == 0
    assert score.detail["whole_copies"] == 9 / 50
    assert score.detail["longest"] == 15
    assert Verbatim().score(real, _texts(50, 2), Rng(0)).value == 0


def test_without_real_texts_nothing_can_be_copied() -> None:
    none = Reference(_texts(0, 0), _texts(0, 0))
    assert "no real texts" in Verbatim().score(none, _texts(5, 1), Rng(0)).detail["not_estimated"]
