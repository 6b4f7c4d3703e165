"""Two passes: memory stays far below the size of the set, whatever the format."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data import open_dataset, pixelfile
from lookalike.data.images import Images, image_schema
from lookalike.data.reading import read_notes

ROWS, SIDE = 512, 128


@pytest.mark.parametrize("reader", ["folder", "npz", "parquet", "idx"])
def test_reading_needs_a_fraction_of_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    monkeypatch.setattr(pixelfile, "CHUNK_BYTES", 1 << 20)
    # Smooth images, so that their encoded form is small as well.
    ramp = np.linspace(0, 200, SIDE).astype(np.uint8)
    pixels = np.broadcast_to(ramp[None, :, None, None], (ROWS, SIDE, SIDE, 1)).copy()
    pixels[:, 0, 0, 0] = np.arange(ROWS) % 256
    data = Images(pixels, np.arange(ROWS) // (ROWS // 2), image_schema(SIDE, SIDE, 1, ["0", "1"]))
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    path = source
    if reader == "idx":
        (source / "train-images-idx3-ubyte").write_bytes(
            b"\0\0\x08\x03" + np.array(pixels.shape[:3], ">u4").tobytes() + pixels.tobytes()
        )
        labels = data.labels.astype(np.uint8).tobytes()
        (source / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + np.array([ROWS], ">u4").tobytes() + labels)
    else:
        files = find("writers", "png" if reader == "folder" else reader)().write(data, source)
        path = files[0] if reader == "npz" else source
    method = find("readers", reader)(path=str(path))
    tracemalloc.start()
    try:
        result = method.read(target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pixels.nbytes == 8 << 20
    assert peak < pixels.nbytes / 2, f"{peak / 2**20:.1f} MiB"
    assert (result.pixels == pixels).all()


def test_the_folder_is_complete_after_reading(photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    data = find("readers", "folder")(path=str(photos)).read(target)
    assert open_dataset(target).fingerprint() == data.fingerprint()
    assert sorted(path.name for path in target.iterdir()) == ["labels.npy", "notes.json", "pixels.npy", "schema.json"]
    assert read_notes(target) == []
    assert read_notes(tmp_path) == []


@pytest.mark.parametrize(
    "options", [{"size": [0, 4]}, {"size": [4, 5000]}, {"size": [4]}, {"channels": "bgr"}, {"max_megapixels": 0}]
)
def test_settings_out_of_range_are_refused(options: dict[str, Any]) -> None:
    for reader in ("folder", "idx", "npz", "parquet", "hf"):
        with pytest.raises(ValidationError):
            find("readers", reader)(path="x", **options)


def test_other_modalities_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"modality": "scenario", "columns": []}')
    with pytest.raises(DataError, match="holds scenario data; this version opens image, text"):
        open_dataset(tmp_path)
