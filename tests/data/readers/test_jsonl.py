"""JSON lines: objects become texts, anything else is named by its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lookalike.core.errors import DataError
from lookalike.data.corpus import Corpus
from lookalike.data.readers.jsonl import Jsonl


def _read(tmp_path: Path, *lines: Any, **options: Any) -> Corpus:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    target = tmp_path / "read"
    target.mkdir()
    return Jsonl(path=str(path), **options).read(target)


def test_objects_are_read(tmp_path: Path) -> None:
    rows = [{"review": f"t{i}", "stars": i % 2, "meta": {"a": [i]}} for i in range(4)]
    corpus = _read(tmp_path, *rows, "", label="stars", keep=("meta",))
    assert corpus.texts() == ["t0", "t1", "t2", "t3"]
    assert corpus.classes == ("0", "1")
    assert corpus.labels.tolist() == [0, 1, 0, 1]
    assert corpus.column("meta")[3] == '{"a": [3]}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 holds no JSON object"),
        ("[1]", "a list, not an object"),
        ('{"text": "a\\u0000b"}', "line 2 holds a NUL character"),
        ('{"text": "\\ud800"}', "line 2 holds a lone surrogate"),
        ('{"text": null}', "line 2 has no text"),
        ("[" * 100_000, "line 2 holds no JSON object"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _read(tmp_path, {"text": "a"}, line)


def test_memory_is_flat(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for i in range(60_000):
            file.write(json.dumps({"text": f"{i} " + "words " * 40, "label": "ab"[i % 2]}) + "\n")
    target = tmp_path / "read"
    target.mkdir()
    tracemalloc.start()
    assert len(Jsonl(path=str(path)).read(target)) == 60_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size
