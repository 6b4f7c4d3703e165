"""Hashed words: length 1, wording alone counts, case does not."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.data.corpus import Corpus, text_schema
from lookalike.encoders.text.hashing import Hashing


def test_cosine_is_the_overlap_of_words() -> None:
    data = Corpus.of(["a good film", "A GOOD film!", "bad plot", "..."], [0] * 4, text_schema([]))
    x_ND = Hashing(words=1, features=4096).prepare(data).embed(data)
    assert np.linalg.norm(x_ND, axis=1) == pytest.approx([1, 1, 1, 0])
    assert x_ND @ x_ND[0] == pytest.approx([1, 1, 0, 0])
