"""NumPy archives in MedMNIST's layout."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from lookalike.core.errors import DataError
from lookalike.data.images import Images
from lookalike.data.readers.npz import Npz

Read = Callable[..., Images]
PIXELS = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)
LABELS = np.array([[0], [1], [0], [1], [0], [1]], dtype=np.uint8)
GOOD = {
    f"{part}_{kind}": values
    for part in ("train", "val", "test")
    for kind, values in (("images", PIXELS), ("labels", LABELS))
}


def put(path: Path, compressed: bool = True, **changes: Any) -> str:
    arrays = {name: values for name, values in {**GOOD, **changes}.items() if values is not None}
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return str(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_medmnist_is_read(tmp_path: Path, read: Read, compressed: bool) -> None:
    path = put(tmp_path / "m.npz", compressed, val_images=PIXELS + 100)
    data = read("npz", path=path)
    assert (data.pixels[..., 0] == PIXELS).all()
    assert data.labels.tolist() == LABELS[:, 0].tolist()
    assert (read("npz", path=path, split="val").pixels[..., 0] == PIXELS + 100).all()
    everything = read("npz", path=path, split="all", classes=["a", "b"])
    assert (everything.pixels[..., 0] == np.concatenate([PIXELS, PIXELS + 100, PIXELS])).all()
    assert everything.classes == ("a", "b")


def test_rgb_16_bit_bool_and_named_labels(tmp_path: Path, read: Read) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (6, 2, 3, 3), dtype=np.uint8)
    names = np.array(["x", "y"] * 3)
    data = read("npz", path=put(tmp_path / "a.npz", train_images=rgb, train_labels=names))
    assert (data.pixels == rgb).all()
    assert data.classes == ("x", "y")
    deep = read("npz", path=put(tmp_path / "b.npz", train_images=PIXELS.astype(np.uint16) * 257))
    assert (deep.pixels[..., 0] == PIXELS).all()
    assert read("npz", path=put(tmp_path / "c.npz", train_images=PIXELS > 3)).pixels.max() == 255
    assert read("npz", path=put(tmp_path / "d.npz"), size=[1, 1]).pixels.shape == (6, 1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": np.array([PIXELS[0], None, 1, 2, 3, 4], dtype=object)}, "Python objects"),
        ({"train_labels": np.array([1, "a"] * 3, dtype=object)}, "Python objects"),
        ({"train_images": PIXELS / 255}, "dtype float64; allowed: uint8"),
        ({"train_images": np.zeros((6, 3, 8, 8), np.uint8)}, "move the channels last"),
        ({"train_images": np.asfortranarray(PIXELS)}, "Fortran"),
        ({"train_images": PIXELS[:5]}, "train_labels is uint8 .*for each of the 5"),
        ({"train_labels": np.zeros((6, 4), np.uint8)}, "several labels per image"),
        ({"train_labels": LABELS / 1}, "train_labels is float64"),
        ({"train_labels": None, "labels": LABELS}, "no train_labels"),
        ({"train_images": None, "val_images": None}, "no images of split 'train'; .*found train_labels"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match=message) as caught:
        Npz(path=put(tmp_path / "m.npz", **changes)).read(tmp_path / "out")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", ["train", "all"])
def test_a_file_without_any_labels_has_no_classes(tmp_path: Path, split: Literal["train", "all"]) -> None:
    path = put(tmp_path / "m.npz", train_labels=None, val_labels=None, test_labels=None)
    (tmp_path / "out").mkdir()
    data = Npz(path=path, split=split).read(tmp_path / "out")
    assert isinstance(data, Images)
    assert data.classes == ("all",)
    assert (data.pixels[:6] == PIXELS.reshape(data.pixels[:6].shape)).all()


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_cut_file(tmp_path: Path, keep: float) -> None:
    path = Path(put(tmp_path / "m.npz"))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DataError, match="damaged or no npz"):
        Npz(path=str(path)).listing()


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = Path(put(tmp_path / "m.npz", compressed=False))
    content = path.read_bytes()
    path.write_bytes(content.replace(PIXELS.tobytes(), bytes([7]) + PIXELS.tobytes()[1:]))
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="damaged"):
        Npz(path=str(path)).read(tmp_path / "out")


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    content = BytesIO()
    np.save(content, PIXELS)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", content.getvalue().replace(b"(6, 2, 3)", b"(9999,99)"))
    with pytest.raises(DataError, match=r"promises 989,901 bytes"):
        Npz(path=str(path)).listing()


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "no.npz", "no npz file at"), (tmp_path, "is a folder")):
        with pytest.raises(DataError, match=message):
            Npz(path=str(path)).state()
