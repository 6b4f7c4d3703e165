"""JSON lines of texts: read back equal, conversations for fine-tuning, and no way for a text to become a template."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lookalike.core.errors import ConfigError
from lookalike.data.corpus import PROBLEM, Corpus, text_schema
from lookalike.data.readers.jsonl import Jsonl as Reader
from lookalike.data.writers.jsonl import Jsonl

TEXTS = ["one\nline {label}", 'say "x" \U0001f600 نص', "{text}"]
SCHEMA = text_schema(["bad", "good"], ["tone", PROBLEM], numbers=["confidence"])
DATA = Corpus.of(
    TEXTS, [1, 0, 1], SCHEMA, {"tone": ["a", "b", "c"], PROBLEM: [""] * 3, "confidence": [0.5, float("nan"), 1.0]}
)


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rows_read_back_equal(tmp_path: Path) -> None:
    (path,) = Jsonl().write(DATA.take(np.array([0, 1, 2, 1])), tmp_path)
    assert _lines(path)[1] == {"text": TEXTS[1], "label": "bad", "tone": "b", "confidence": None}
    (tmp_path / "read").mkdir()
    again = Reader(path=str(path), keep=("tone",)).read(tmp_path / "read")
    assert again.texts() == [*TEXTS, TEXTS[1]]
    assert [again.classes[label] for label in again.labels] == ["good", "bad", "good", "bad"]
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["texts.jsonl"]


def test_conversations_write_or_classify(tmp_path: Path) -> None:
    (path,) = Jsonl(chat="Write a {label} review.").write(DATA, tmp_path)
    assert _lines(path)[0]["messages"] == [
        {"role": "user", "content": "Write a good review."},
        {"role": "assistant", "content": TEXTS[0]},
    ]
    (path,) = Jsonl(chat="Good or bad? {text}").write(DATA, tmp_path)
    assert _lines(path)[0]["messages"] == [
        {"role": "user", "content": f"Good or bad? {TEXTS[0]}"},
        {"role": "assistant", "content": "good"},
    ]


def test_a_prompt_about_labels_needs_labels(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the texts have none"):
        Jsonl(chat="Write a {label} text").write(Corpus.of(["x"], [0], text_schema([])), tmp_path)
    assert not list(tmp_path.iterdir())
