"""Nearly equal texts go, but for the first."""

from __future__ import annotations

from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.near_duplicate import NearDuplicate

TEXTS = [
    "the plot is thin and the actors are bored all the way through",
    "The plot is thin, and the actors are bored all the way.",
    "a lovely film with a warm heart and a fine cast",
    "a lovely film",
]


def test_the_second_of_two_near_copies_goes() -> None:
    data = Corpus.of(TEXTS, [0, 1, 0, 1], text_schema(["x", "y"]))
    found = NearDuplicate().select(data, None, Rng(0))
    assert found.index.tolist() == [0, 2, 3]
    assert found.dropped == {"near copy of an earlier synthetic text": 1}
    assert NearDuplicate(similarity=1.0).select(data, None, Rng(0)).index.tolist() == [0, 1, 2, 3]
