"""BLEU equals sacreBLEU's, with many references and with the text itself left out."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu

from lookalike.techniques.bleu import bleus, references, tokenizer


def _texts(n: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    words = ["the", "film", "is", "good", "bad", "not", "a", "plot,", "it's", "3.5", "fine.", "boring"]
    return [" ".join(draw.choice(words, draw.integers(1, 15))) for _ in range(n)]


def test_it_is_sacrebleu() -> None:
    texts, known, split = _texts(40, 0), _texts(30, 1), tokenizer()
    found = bleus([split(text) for text in texts], references([split(text) for text in known]))
    expected = [sacrebleu.sentence_bleu(text, known).score for text in texts]
    assert found == pytest.approx(expected, abs=1e-9)
    assert 0 < found.mean() < 100


@pytest.mark.parametrize("n", [2, 3, 40])
def test_each_text_against_the_others_is_sacrebleu(n: int) -> None:
    texts, split = _texts(n, 2), tokenizer()
    words = [split(text) for text in texts]
    found = bleus(words, references(words), itself=True)
    expected = [sacrebleu.sentence_bleu(text, texts[:row] + texts[row + 1 :]).score for row, text in enumerate(texts)]
    assert found == pytest.approx(expected, abs=1e-9)


def test_an_empty_text_scores_nothing() -> None:
    assert bleus([[]], references([["a"]])).tolist() == [0.0]
