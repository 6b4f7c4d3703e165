"""Texts that break readers, in every reader: what can be stored comes back equal, the rest is one line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.corpus import Corpus
from lookalike.data.reading import read_notes

READERS = ("csv", "jsonl", "txt", "parquet", "hf")
GOOD = ["👩‍👩‍👧 früh 🙂", "שלום עולם, مرحبا", "e\u0301 \ufeff \u200b x", "ä" * 1_000_000]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def store(folder: Path, reader: str, texts: Sequence[str]) -> dict[str, Any]:
    """Write texts, every second one of label a and of b, and return the settings that read them."""
    folder.mkdir()
    rows = [(text, "ab"[number % 2]) for number, text in enumerate(texts)]
    if reader == "txt":
        for number, (text, label) in enumerate(rows):
            (folder / label).mkdir(exist_ok=True)
            (folder / label / f"{number}.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
        return {"path": str(folder), "per": "file"}
    if reader in ("parquet", "hf"):
        raw = pa.array([text.encode("utf-8", "surrogatepass") for text, _ in rows]).view(pa.string())
        pq.write_table(pa.table({"text": raw, "label": [label for _, label in rows]}), folder / "a.parquet")
        return {"path": str(folder)}
    if reader == "jsonl":
        lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
        (folder / "a.jsonl").write_text("\n".join(lines))
    else:
        content = io.StringIO(newline="")
        csv.writer(content).writerows([("text", "label"), *rows])
        (folder / "a.csv").write_bytes(content.getvalue().encode("utf-8", "surrogatepass"))
    return {"path": str(folder / f"a.{reader}")}


def read(tmp_path: Path, reader: str, texts: Sequence[str], **options: Any) -> Corpus:
    settings = store(tmp_path / "source", reader, texts)
    (tmp_path / "read").mkdir()
    data: Corpus = find("readers", reader)(**settings, **options).read(tmp_path / "read")
    return data


@pytest.mark.parametrize("reader", READERS)
def test_every_script_and_a_megabyte_come_back_equal(tmp_path: Path, reader: str) -> None:
    data = read(tmp_path, reader, GOOD)
    found = [(text, data.classes[label]) for text, label in zip(data.texts(), data.labels, strict=True)]
    wanted = [(text, "ab"[number % 2]) for number, text in enumerate(GOOD)]
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\0b", "holds a NUL character; correct it, or set on_error: skip"),
        ("a\ud800b", "holds a lone surrogate|is not utf-8-sig text: .*; set encoding"),
        (
            "x" * 1_000_001,
            "is 1,000,001 characters long, more than max_characters=1,000,000; raise it, or set on_error",
        ),
    ],
    ids=["nul", "surrogate", "long"],
)
def test_the_rest_is_one_line(tmp_path: Path, reader: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, reader, ["one", "two", text, "three"])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("reader", READERS)
def test_such_rows_can_be_left_out_and_are_counted(tmp_path: Path, reader: str) -> None:
    data = read(tmp_path, reader, ["one", "two", "a\0b", "three", "x" * 1_000_001, "four", "five"], on_error="skip")
    assert sorted(data.texts()) == ["five", "four", "one", "three", "two"]
    assert read_notes(tmp_path / "read")[0].startswith("skipped 2 rows: ")
