"""Which reader fits, and what it would find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.detect import describe, guess


def test_digits() -> None:
    found = describe("digits")
    assert (found.reader, found.options) == ("builtin", {"name": "digits"})
    assert (found.rows, len(found.classes), found.sizes, found.channels) == (1797, 10, {(8, 8): 1797}, 1)
    assert found.problems == ()


def test_class_folders(photos: Path, save: Any) -> None:
    found = describe(photos)
    assert (found.reader, found.options) == ("folder", {"path": str(photos)})
    assert found.counts == {"cat": 3, "dog": 3}
    assert (found.rows, found.looked_at, found.modes) == (6, 6, {"L": 6})
    save(photos / "dog" / "x.png", np.zeros((9, 9, 3)))
    (photos / "dog" / "y.png").write_bytes(b"junk")
    (photos / "notes.txt").write_text("x")
    found = describe(photos)
    assert found.channels == 3
    assert found.sizes == {(4, 5): 6, (9, 9): 1}
    assert found.notes == ("skipped 1 files of other types",)
    assert len(found.problems) == 2
    assert "cannot read dog/y.png" in found.problems[0]
    assert "size: [4, 5]" in found.problems[1]


def test_only_some_headers_are_read(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.data.detect._LOOKED_AT", 3)
    found = describe(photos)
    assert (found.rows, found.looked_at) == (6, 3)


def test_a_folder_needs_no_classes(photos: Path) -> None:
    found = describe(photos / "cat")
    assert (found.reader, found.counts, found.problems) == ("folder", {"all": 3}, ())
    for path in (photos / "dog").iterdir():
        path.unlink()
    assert (describe(photos).counts, describe(photos).problems) == ({"cat": 3}, ())
    for path in list((photos / "cat").iterdir())[1:]:
        path.unlink()
    assert "one image only" in describe(photos).problems[0]


def test_a_train_folder_is_found(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    photos.rename(tmp_path / "root" / "train")
    found = describe(tmp_path / "root")
    assert found.options == {"path": str(tmp_path / "root" / "train")}
    assert found.rows == 6


@pytest.mark.parametrize("given", ["folder", "file"])
def test_a_csv_of_labels(photos: Path, given: str) -> None:
    lines = [f"{kind}/{i}.png,{i % 2}" for kind in ("cat", "dog") for i in range(3)]
    (photos / "truth.csv").write_text("\n".join(["filename,class", *lines]))
    found = describe(photos if given == "folder" else photos / "truth.csv")
    expected = {"path": str(photos), "label": "truth.csv", "file_column": "filename", "label_column": "class"}
    assert (found.reader, found.options) == ("folder", expected)
    assert found.counts == {"0": 4, "1": 2}


@pytest.mark.parametrize("split", ["train", "test"])
def test_npz(tmp_path: Path, some: Any, split: str) -> None:
    (path,) = find("writers", "npz")(split=split).write(some(6, 3, 4, 3), tmp_path)
    found = describe(path)
    expected = {"path": str(path)} if split == "train" else {"path": str(path), "split": "test"}
    assert (found.reader, found.options) == ("npz", expected)
    assert (found.rows, found.classes, found.sizes, found.channels) == (6, ("cat", "dog"), {(3, 4): 6}, 3)
    assert guess(tmp_path) == ("npz", expected)


def test_idx(tmp_path: Path) -> None:
    head = b"\0\0\x08\x03" + np.array([4, 2, 3], ">u4").tobytes()
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(head + bytes(24))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x04" + bytes([0, 1, 0, 1]))
    found = describe(tmp_path)
    assert (found.reader, found.options) == ("idx", {"path": str(tmp_path), "split": "test"})
    assert (found.rows, found.sizes, found.modes) == (4, {(2, 3): 4}, {"uint8": 4})
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"junk")
    assert "starts with" in describe(tmp_path).problems[0]


def test_parquet_and_hf(tmp_path: Path, some: Any) -> None:
    (tmp_path / "p").mkdir()
    (path,) = find("writers", "parquet")().write(some(6), tmp_path / "p")
    for place in (path, tmp_path / "p"):
        found = describe(place)
        assert (found.reader, found.rows, found.classes, found.modes) == ("parquet", 6, ("cat", "dog"), {"L": 6})
    datasets.disable_progress_bars()
    datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache")).save_to_disk(tmp_path / "h")
    found = describe(tmp_path / "h")
    assert (found.reader, found.rows, found.classes) == ("hf", 6, ("cat", "dog"))


def test_what_no_reader_knows(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes(b"x")
    for path, message in (
        (tmp_path / "nothing", "nothing is at"),
        (tmp_path / "x.docx", "no reader knows"),
        (photos / "cat" / "0.png", "is one image"),
    ):
        with pytest.raises(DataError, match=message):
            describe(path)
