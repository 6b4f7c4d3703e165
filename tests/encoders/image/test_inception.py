"""Weights come from the user's file alone, and a wrong file is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.core.store import file_digest
from lookalike.data.images import Images
from lookalike.encoders.image.inception import InceptionV3
from lookalike.networks.convnet import initialise
from lookalike.networks.inception import Inception
from lookalike.techniques.training import torch_generator


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    network = Inception()
    initialise(network, torch_generator(Rng(0)))
    return {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}


def test_features_come_from_the_file(
    digits: Images, state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "inception.safetensors"
    save_file(state, path)
    data = digits.take(np.arange(1))
    features = InceptionV3(weights=path).prepare(data)
    rows = features.embed(data)
    assert (rows.shape, rows.dtype, features.name) == ((1, 2048), np.float32, "inception")
    assert np.isfinite(rows).all()
    assert features.digest == file_digest(path)
    monkeypatch.setenv("LOOKALIKE_INCEPTION", str(path))
    assert InceptionV3().prepare(data).digest == features.digest


def test_no_file_is_told_with_what_to_do(digits: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOKALIKE_INCEPTION", raising=False)
    with pytest.raises(ConfigError, match="none is given; set LOOKALIKE_INCEPTION"):
        InceptionV3().prepare(digits)
    with pytest.raises(ConfigError, match="there is no file"):
        InceptionV3(weights=tmp_path / "missing").prepare(digits)


def test_a_wrong_file_is_refused(digits: Images, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not weights")
    with pytest.raises(ConfigError, match="not a readable safetensors file"):
        InceptionV3(weights=text).prepare(digits)
    path = tmp_path / "short.safetensors"
    save_file({"fc.bias": state["fc.bias"], "AuxLogits.fc.bias": state["fc.bias"].clone()}, path)
    with pytest.raises(ConfigError, match=r"'Conv2d_1a_3x3.conv.weight'.*1 unknown"):
        InceptionV3(weights=path).prepare(digits)
