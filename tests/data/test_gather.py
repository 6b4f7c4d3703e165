"""Rows of several sets as one, written chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.data import gather as module
from lookalike.data.corpus import Corpus, concatenate_texts, text_schema
from lookalike.data.gather import gather
from lookalike.data.images import Images, concatenate


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_gathering_equals_taking_from_the_whole(
    tmp_path: Path, some: Any, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(module, "chunk_rows", lambda size: chunk)
    parts = [some(9), some(4), some(1)]
    whole = concatenate(parts)
    for number, index in enumerate((None, np.array([0, 8, 9, 13]), np.array([], dtype=np.int64), np.array([10]))):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = gather(parts, folder, index)
        wanted = whole if index is None else whole.take(index)
        assert found.fingerprint() == wanted.fingerprint()
        assert Images.open(folder).fingerprint() == wanted.fingerprint()


def test_rows_are_not_gathered_onto_themselves(tmp_path: Path, some: Any) -> None:
    some(9).save(tmp_path)
    with pytest.raises(DataError, match="another folder"):
        gather([Images.open(tmp_path)], tmp_path, np.array([1]))


def test_only_one_schema_is_gathered(tmp_path: Path, some: Any) -> None:
    with pytest.raises(DataError, match="found 2 schemas"):
        gather([some(2), some(2, 3, 3)], tmp_path)
    with pytest.raises(DataError, match="found 0 schemas"):
        gather([], tmp_path)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_texts_are_gathered_even_onto_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(module, "_TEXT_ROWS", chunk)
    schema = text_schema(["a", "b"], ["from"])
    parts = [
        Corpus.of([f"{n} {i}" for i in range(n)], [i % 2 for i in range(n)], schema, {"from": ["x"] * n})
        for n in (4, 3)
    ]
    whole = concatenate_texts(parts)
    index = np.array([0, 3, 4, 6])
    assert gather(parts, tmp_path, index).fingerprint() == whole.take(index).fingerprint()
    again = gather([Corpus.open(tmp_path)], tmp_path, np.array([1]))
    assert again.texts() == ["4 3"]
