"""Copies of real texts go."""

from __future__ import annotations

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.leak import Leak

SCHEMA = text_schema(["x", "y"])


def test_copies_go_whichever_side_they_come_from() -> None:
    real = Reference(Corpus.of(["Old  text", "both"], [0, 1], SCHEMA), Corpus.of(["test text", "BOTH"], [0, 1], SCHEMA))
    data = Corpus.of(["old text", "new", "Test Text", "both", "old texts"], [0, 0, 0, 1, 1], SCHEMA)
    found = Leak().select(data, real, Rng(0))
    assert found.index.tolist() == [1, 4]
    assert found.dropped == {"copy of a training row": 1, "copy of a holdout row": 2}
    assert Leak().select(data, None, Rng(0)).index.tolist() == [0, 1, 2, 3, 4]
