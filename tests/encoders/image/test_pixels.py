"""Pixels as features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.data.images import Images, image_schema
from lookalike.encoders.image.pixels import Pixels


def _images(n: int, height: int, width: int, channels: int) -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    return Images(pixels, np.zeros(n, dtype=np.int64), image_schema(height, width, channels, ["a"]))


def test_small_images_keep_every_pixel() -> None:
    data = _images(3, 8, 6, 3)
    features = Pixels().prepare(data)
    expected = (data.pixels.transpose(0, 3, 1, 2).reshape(3, -1) / 255).astype(np.float32)
    np.testing.assert_allclose(features.embed(data), expected, rtol=1e-6)
    assert (features.dimension, features.name, features.predict_proba(data)) == (144, "pixels", None)


def test_large_images_are_averaged_over_areas() -> None:
    data = _images(2, 64, 32, 1)
    features = Pixels().prepare(data)
    expected = data.pixels.reshape(2, 32, 2, 16, 2).mean(axis=(2, 4)).reshape(2, -1) / 255
    np.testing.assert_allclose(features.embed(data), expected, atol=1e-6)


def test_reads_memory_maps_and_no_rows(tmp_path: Path) -> None:
    data = _images(5, 8, 8, 1)
    data.save(tmp_path)
    mapped = Images.open(tmp_path)
    features = Pixels().prepare(data)
    np.testing.assert_array_equal(features.embed(mapped), features.embed(data))
    assert features.embed(data.take(np.zeros(0, dtype=np.int64))).shape == (0, 64)


def test_digest_tells_shapes_apart() -> None:
    assert Pixels().prepare(_images(1, 8, 8, 1)).digest != Pixels().prepare(_images(1, 8, 8, 3)).digest


def test_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        Pixels(sise=3)  # type: ignore[call-arg]
