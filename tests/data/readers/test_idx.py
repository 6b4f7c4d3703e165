"""IDX files, made byte by byte."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.data.images import Images
from lookalike.data.readers.idx import Idx

PIXELS = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)
LABELS = [0, 1, 2, 0, 1, 2]
IMAGES = struct.pack(">IIII", 0x803, 6, 2, 3) + PIXELS.tobytes()
NUMBERS = struct.pack(">II", 0x801, 6) + bytes(LABELS)


def put(folder: Path, images: bytes = IMAGES, labels: bytes = NUMBERS, prefix: str = "train", gz: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
        (folder / (name + ".gz" * gz)).write_bytes(gzip.compress(content) if gz else content)
    return folder


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize(("prefix", "split"), [("train", "train"), ("t10k", "test"), ("emnist-digits-train", "train")])
def test_the_files_are_read(tmp_path: Path, read: Callable[..., Images], gz: bool, prefix: str, split: str) -> None:
    data = read("idx", path=str(put(tmp_path / "d", prefix=prefix, gz=gz)), split=split)
    assert (data.pixels[..., 0] == PIXELS).all()
    assert data.labels.tolist() == LABELS
    assert data.classes == ("0", "1", "2")


def test_classes_have_names(tmp_path: Path, read: Callable[..., Images]) -> None:
    assert read("idx", path=str(put(tmp_path)), classes=["a", "b", "c"]).classes == ("a", "b", "c")
    assert Idx(path=str(tmp_path)).state() == Idx(path=str(tmp_path)).state()


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": struct.pack(">IIII", 0x803, 2**32 - 1, 2**16, 2**16)}, "promises 4294967295 x 65536 x 65536"),
        ({"images": struct.pack("<IIII", 0x803, 6, 2, 3) + PIXELS.tobytes()}, "little-endian"),
        ({"images": b"\x89PNG" + IMAGES[4:]}, "starts with 0x89504e47; .*starts with 0x00000803"),
        ({"images": NUMBERS, "labels": IMAGES}, "starts with 0x00000801"),
        ({"images": b""}, "starts with 0x00000000"),
        ({"images": IMAGES[:-1]}, "promises 6 x 2 x 3 bytes, but|ends before its 6"),
        ({"images": IMAGES + b"x"}, "promises 6 x 2 x 3 bytes, but|goes on after"),
        ({"labels": NUMBERS[:-1]}, "promises 6 bytes, but|ends after 5 of 6"),
        ({"labels": struct.pack(">II", 0x801, 5) + bytes(5)}, "6 images but .* 5 labels"),
        ({"labels": struct.pack(">II", 0x801, 6) + bytes([0, 0, 0, 0, 0, 1])}, "one image only: '1'"),
    ],
)
def test_damage_is_one_line(tmp_path: Path, gz: bool, change: dict[str, bytes], message: str) -> None:
    put(tmp_path / "d", **change, gz=gz)
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=message) as caught:
        Idx(path=str(tmp_path / "d")).read(tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_a_cut_gzip_file(tmp_path: Path) -> None:
    put(tmp_path, gz=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-12])
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="damaged"):
        Idx(path=str(tmp_path)).read(tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "one file of test images, for example t10k-images-idx3-ubyte"),
        ({"classes": ["a", "b"]}, "label 2 has no name"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    put(tmp_path)
    with pytest.raises(DataError, match=message):
        Idx(path=str(tmp_path), **options).listing()


def test_a_missing_folder_or_a_file(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "no", "no folder at"), (put(tmp_path) / "train-images-idx3-ubyte", "is a file")):
        with pytest.raises(DataError, match=message):
            Idx(path=str(path)).state()
