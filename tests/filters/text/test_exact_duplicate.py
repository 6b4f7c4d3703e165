"""Equal texts go, but for the first."""

from __future__ import annotations

from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.exact_duplicate import ExactDuplicate

DATA = Corpus.of(["A b!", "a  B", "a b c", "!?", "?!", "!?", "ﬁne", "fine"], [0, 1] * 4, text_schema(["x", "y"]))


def test_case_spaces_and_punctuation_do_not_count() -> None:
    found = ExactDuplicate().select(DATA, None, Rng(0))
    assert found.index.tolist() == [0, 2, 3, 4, 6]
    assert found.dropped == {"equal to an earlier synthetic text": 3}


def test_every_character_counts_when_asked() -> None:
    assert ExactDuplicate(loose=False).select(DATA, None, Rng(0)).index.tolist() == [0, 1, 2, 3, 4, 6, 7]
