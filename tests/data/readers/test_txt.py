"""Plain text: lines, files, and class sub-folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.core.errors import DataError
from lookalike.data.readers.txt import Txt


def _files(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / (name.replace("__", "/") + ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_lines_of_one_file(tmp_path: Path) -> None:
    _files(tmp_path, a="one\n\ntwo\n")
    (tmp_path / "read").mkdir()
    corpus = Txt(path=str(tmp_path / "a.txt")).read(tmp_path / "read")
    assert corpus.texts() == ["one", "two"]
    assert corpus.classes == ()


def test_sub_folders_are_labels(tmp_path: Path) -> None:
    root = _files(tmp_path / "x", spam__a="1\n2", spam__c="5", ham__a="3", ham__b="4")
    (tmp_path / "read").mkdir()
    corpus = Txt(path=str(root), per="file").read(tmp_path / "read")
    assert corpus.classes == ("ham", "spam")
    assert sorted(corpus.texts()) == ["1\n2", "3", "4", "5"]


def test_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \.txt files"):
        Txt(path=str(tmp_path)).state()
    root = _files(tmp_path / "x", spam__a="1", b="2")
    with pytest.raises(DataError, match="beside its class sub-folders"):
        list(Txt(path=str(root)).records())
    (tmp_path / "read").mkdir()
    with pytest.raises(
        DataError, match=r"a\.txt is larger than max_characters=9 allows; raise it, or set on_error: skip"
    ):
        Txt(path=str(_files(tmp_path / "y", a="x" * 50)), per="file", max_characters=9).read(tmp_path / "read")


def test_files_that_are_too_large_can_be_skipped(tmp_path: Path) -> None:
    root = _files(tmp_path / "x", a="x" * 50, b="fine", c="good")
    (tmp_path / "read").mkdir()
    found = Txt(path=str(root), per="file", max_characters=9, on_error="skip").read(tmp_path / "read")
    assert found.texts() == ["fine", "good"]
