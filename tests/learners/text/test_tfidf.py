"""The linear model over words learns what words tell, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.learners.text.tfidf import Tfidf

SCHEMA = text_schema(["good", "bad", "never"])


def _texts(n: int, seed: int) -> Corpus:
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    words = [["lovely", "fine", "great"], ["awful", "poor", "dull"]]
    texts = [f"the {draw.choice(words[k])} film of {draw.choice(['may', 'june'])}" for k in labels]
    return Corpus.of(texts, labels, SCHEMA)


def test_it_learns_what_words_tell() -> None:
    fitted = Tfidf().fit(_texts(60, 0), None, None, Rng(0))
    test = _texts(40, 1)
    assert (fitted.predict(test) == test.labels).all()
    found = fitted.predict_proba(test)
    assert found.shape == (40, 3)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found[:, 2] == 0).all()


def test_shuffled_labels_teach_nothing() -> None:
    data, test = _texts(400, 0), _texts(400, 1)
    mixed = Corpus.of(data.texts(), np.random.default_rng(0).permutation(data.labels), SCHEMA)
    assert abs((Tfidf().fit(mixed, None, None, Rng(0)).predict(test) == test.labels).mean() - 0.5) < 0.2


def test_a_row_without_weight_teaches_nothing() -> None:
    data, test = _texts(30, 0), _texts(20, 1)
    weight = np.where(data.labels == 0, 1.0, 1e-9)
    assert (Tfidf().fit(data, weight, None, Rng(0)).predict(test) == 0).all()


def test_one_class_empty_texts_and_long_ones() -> None:
    one = Corpus.of(["a", ""], [1, 1], SCHEMA)
    assert Tfidf().fit(one, None, None, Rng(0)).predict(one).tolist() == [1, 1]
    odd = Corpus.of(["", "\0", "🙂" * 5, "שלום " * 10, "x" * 300_000, " "], [0, 1, 0, 1, 0, 1], SCHEMA)
    fitted = Tfidf().fit(odd, None, None, Rng(0))
    assert fitted.predict(odd).shape == (6,)
    assert fitted.predict(Corpus.empty(SCHEMA)).shape == (0,)
    with pytest.raises(DataError, match="at least 1 text"):
        Tfidf().fit(Corpus.empty(SCHEMA), None, None, Rng(0))
