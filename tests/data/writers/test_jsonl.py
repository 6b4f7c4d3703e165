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


def test_instructions_questions_and_preferences_are_written_as_trainers_take_them(tmp_path: Path) -> None:
    schema = text_schema([], ["response"])
    (path,) = Jsonl(layout="instruction").write(Corpus.of(["do"], [0], schema, {"response": ["done"]}), tmp_path)
    assert _lines(path) == [{"messages": [_say("user", "do"), _say("assistant", "done")]}]
    schema = text_schema([], ["answer", "passage"])
    made = Corpus.of(["why?"], [0], schema, {"answer": ["so"], "passage": ["It is so."]})
    (path,) = Jsonl(layout="instruction").write(made, tmp_path)
    assert _lines(path) == [{"messages": [_say("user", "It is so.\n\nwhy?"), _say("assistant", "so")]}]
    schema = text_schema([], ["chosen", "rejected"])
    made = Corpus.of(["p"], [0], schema, {"chosen": ["a"], "rejected": ["b"]})
    (path,) = Jsonl(layout="preference").write(made, tmp_path)
    assert _lines(path) == [
        {"prompt": [_say("user", "p")], "chosen": [_say("assistant", "a")], "rejected": [_say("assistant", "b")]}
    ]


def _say(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_a_layout_needs_its_columns(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs the column chosen; found text, label, tone"):
        Jsonl(layout="preference").write(DATA, tmp_path)
    with pytest.raises(ValueError, match="give one of them"):
        Jsonl(layout="preference", chat="x")
