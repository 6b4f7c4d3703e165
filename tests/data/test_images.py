"""Images: saved, opened and hashed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.data import images, open_dataset
from lookalike.data.images import Images, concatenate, image_schema


def test_saved_images_open_equal(tmp_path: Path, some: Any) -> None:
    data = some(9, 3, 5, 3)
    data.save(tmp_path)
    again = open_dataset(tmp_path)
    assert again.fingerprint() == data.fingerprint()
    assert isinstance(again.pixels, np.memmap)
    inode = (tmp_path / "pixels.npy").stat().st_ino
    again.save(tmp_path)
    assert (tmp_path / "pixels.npy").stat().st_ino == inode
    assert Images.open(tmp_path).fingerprint() == data.fingerprint()


def test_no_rows_are_saved_too(tmp_path: Path, some: Any) -> None:
    some(4).take(np.empty(0, np.int64)).save(tmp_path)
    assert len(Images.open(tmp_path)) == 0


def test_a_part_of_a_mapped_file_can_be_saved_over_it(tmp_path: Path, some: Any) -> None:
    data = some(9)
    data.save(tmp_path)
    part = next(Images.open(tmp_path).batches(4))
    part.save(tmp_path)
    assert Images.open(tmp_path).fingerprint() == next(data.batches(4)).fingerprint()


@pytest.mark.parametrize("name", ["schema.json", "pixels.npy", "labels.npy"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_set_is_one_line(tmp_path: Path, name: str, damage: str, some: Any) -> None:
    some(9).save(tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    if damage == "cut":
        (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="make it again") as caught:
        open_dataset(tmp_path)
    assert "\n" not in str(caught.value)


def test_parts_that_do_not_fit_are_refused() -> None:
    schema = image_schema(2, 2, 1, ["a", "b"])
    pixels = np.zeros((2, 2, 2, 1), np.uint8)
    for bad, labels in (
        (pixels[..., 0], [0, 1]),
        (pixels.astype(float), [0, 1]),
        (pixels, [0]),
        (pixels, [0, 2]),
        (pixels, [-1, 0]),
        (pixels, [0.5, 1]),
    ):
        with pytest.raises(DataError):
            Images(bad, np.array(labels), schema)


def test_row_hashes_ignore_the_label(some: Any) -> None:
    data = some(6)
    other = Images(data.pixels, 1 - data.labels, data.schema)
    assert list(data.row_hashes()) == list(other.row_hashes())
    assert len(set(data.row_hashes())) == 6
    assert len(concatenate([data, other])) == 12


def test_many_joined_rows_are_mapped_and_not_held(some: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = some(6)
    held = concatenate([data, data])
    monkeypatch.setattr(images, "_HELD_BYTES", 10)
    monkeypatch.setattr(images, "_HASH_ROWS", 4)
    mapped = concatenate([data, data])
    assert isinstance(mapped.pixels, np.memmap)
    assert not mapped.pixels.flags.writeable
    assert mapped.fingerprint() == held.fingerprint()
    assert np.array_equal(mapped.pixels, held.pixels)
