"""Uncertain labels go, or count less."""

from __future__ import annotations

import pytest

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.confidence import Confidence

DATA = Corpus.of(
    ["a", "b", "c", "d", "e"],
    [0, 0, 0, 1, 1],
    text_schema(["x", "y"], numbers=["confidence"]),
    {"confidence": [0.9, 0.4, 0.7, float("nan"), 0.6]},
)


def test_low_and_missing_certainty_goes() -> None:
    found = Confidence().select(DATA, None, Rng(0))
    assert found.index.tolist() == [0, 2, 4]
    assert found.dropped == {"no confidence could be read": 1, "confidence below 0.5": 1}
    assert found.weight.tolist() == [1, 1, 1]


def test_a_share_of_each_label_is_kept_and_weights_are_certainties() -> None:
    found = Confidence(keep=0.5, minimum=0, weight=True).select(DATA, None, Rng(0))
    assert found.index.tolist() == [0, 2, 4]
    assert found.weight.tolist() == [0.9, 0.7, 0.6]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ConfigError, match="no column of numbers 'votes', found confidence"):
        Confidence(column="votes").select(DATA, None, Rng(0))
