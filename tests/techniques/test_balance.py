"""Class shares of any rows: known distances, and what is missing."""

from __future__ import annotations

import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.techniques.balance import balance_score

SCHEMA = text_schema(["a", "b"])


def _rows(labels: list[int]) -> Corpus:
    return Corpus.of(["x"] * len(labels), labels, SCHEMA)


def test_the_distance_is_the_share_of_rows_with_the_wrong_label() -> None:
    real = Reference(_rows([0] * 9 + [1]), _rows([]))
    made = _rows([0] * 6 + [1] * 4)
    assert balance_score(real, made, "uniform", Rng(0)).value == pytest.approx(0.1)
    assert balance_score(real, made, "real", Rng(0)).value == pytest.approx(0.3)


def test_without_real_rows_the_uniform_shares_can_still_be_judged() -> None:
    none = Reference(_rows([]), _rows([]))
    score = balance_score(none, _rows([0, 1]), "uniform", Rng(0))
    assert score.value == 0
    assert score.detail["to_real"] is None
    with pytest.raises(DataError, match="found 2 synthetic and 0 training rows"):
        balance_score(none, _rows([0, 1]), "real", Rng(0))
