"""Distinct runs of words, by hand."""

from __future__ import annotations

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.metrics.text.distinct_n import DistinctN


def test_n_is_the_length_of_the_run() -> None:
    data = Corpus.of(["a b a b", "a b"], [0, 0], text_schema([]))
    empty = Reference(data.take([]), data.take([]))
    assert DistinctN(n=1).score(empty, data, Rng(0)).value == 2 / 6
    assert DistinctN(n=2).score(empty, data, Rng(0)).value == 2 / 4
    assert DistinctN(n=2).score(empty, data, Rng(0)).detail["title"] == "distinct-2"
