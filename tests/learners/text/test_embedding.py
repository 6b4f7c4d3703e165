"""A linear model on text features learns, takes weights, and knows one class when it has seen one."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.learners.text.embedding import Embedding

SCHEMA = text_schema(["good", "bad"])
TEXTS = ["a fine film", "a fine cast", "a poor film", "a poor cast"]


def test_it_learns_and_weights_count() -> None:
    data = Corpus.of(TEXTS, [0, 0, 1, 1], SCHEMA)
    fitted = Embedding().fit(data, None, None, Rng(0))
    assert fitted.predict(Corpus.of(["fine", "poor"], [0, 1], SCHEMA)).tolist() == [0, 1]
    twice = Corpus.of(TEXTS * 2, [0, 0, 1, 1, 1, 1, 0, 0], SCHEMA)
    weighted = Embedding().fit(twice, np.array([1.0] * 4 + [0.01] * 4), None, Rng(0))
    assert weighted.predict(data).tolist() == [0, 0, 1, 1]


def test_one_class_and_no_row() -> None:
    only = Embedding().fit(Corpus.of(["x"], [1], SCHEMA), None, None, Rng(0))
    assert only.predict_proba(Corpus.of(["y"], [0], SCHEMA)).tolist() == [[0.0, 1.0]]
    with pytest.raises(DataError, match="at least 1 text"):
        Embedding().fit(Corpus.empty(SCHEMA), None, None, Rng(0))
    with pytest.raises(ValidationError, match=r"encoder_settings\.x of text\.hashing"):
        Embedding(encoder_settings={"x": 1})
