"""Small sets of images that the tests of the data layer share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookalike.core.registry import find
from lookalike.data.images import Images, image_schema


@pytest.fixture(scope="session")
def some() -> Callable[..., Images]:
    """some(n, height, width, channels): noisy images, classes by turns."""

    def make(n: int, height: int = 4, width: int = 4, channels: int = 1) -> Images:
        pixels = np.random.default_rng(0).integers(0, 256, (n, height, width, channels), dtype=np.uint8)
        return Images(pixels, np.arange(n) % 2, image_schema(height, width, channels, ["cat", "dog"]))

    return make


def _save(path: Path, pixels: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **options)
    return path


@pytest.fixture(scope="session")
def save() -> Callable[..., Path]:
    """save(path, pixels): an image file, with its folders."""
    return _save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Sub-folders cat and dog of three 4x5 PNG files; image i is filled with i, plus 100 for dogs."""
    root = tmp_path / "photos"
    for base, name in ((0, "cat"), (100, "dog")):
        for i in range(3):
            _save(root / name / f"{i}.png", np.full((4, 5), base + i))
    return root


@pytest.fixture
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Images]:
    """read(reader, **options): what the reader returns, which must equal what it left in its folder."""

    def run(reader: str, **options: Any) -> Images:
        target = tmp_path_factory.mktemp("read")
        data = find("readers", reader)(**options).read(target)
        assert isinstance(data, Images)
        assert isinstance(data.pixels, np.memmap)
        assert Images.open(target).fingerprint() == data.fingerprint()
        return data

    return run
