"""The network's shapes, presets and padding."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks import unet
from lookalike.techniques.training import torch_generator

_SMALL = unet.Architecture(patch=2, channels=(8, 16), layers=1, attention=False, groups=4)


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(8, 8, 1), (28, 28, 1), (20, 30, 3), (7, 5, 1), (1, 9, 3), (1, 1, 1)]
)
def test_any_size_goes_in_and_comes_out(height: int, width: int, channels: int) -> None:
    x = torch.rand(2, channels, height, width, generator=torch_generator(Rng(0)))
    packed = unet.pack(x, _SMALL)
    network = unet.build(_SMALL, height, width, channels, 3, Rng(0))
    output = network(packed, torch.tensor([5, 6]), torch.tensor([0, 3])).sample
    assert output.shape == packed.shape
    assert torch.equal(unet.unpack(packed, _SMALL, height, width), x)


def test_padding_repeats_the_edge() -> None:
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    wide = torch.nn.functional.pixel_shuffle(unet.pack(x, _SMALL), 2)
    assert wide.shape[-2:] == (8, 8)
    assert (wide[0, 0, 7] == torch.tensor([20.0, 21, 22, 23, 24, 24, 24, 24])).all()


@pytest.mark.parametrize("preset", ["tiny", "small", "base"])
def test_presets_grow_and_divide(preset: Any) -> None:
    shape = unet.architecture(preset, 28, 28, "cpu")
    assert all(width % shape.groups == 0 for width in shape.channels)
    assert min(shape.padded(28, 28)) >= 28


def test_auto_follows_device_and_size() -> None:
    assert unet.architecture("auto", 28, 28, "cpu") == unet.architecture("tiny", 28, 28, "cpu")
    assert unet.architecture("auto", 28, 28, "cuda") == unet.architecture("small", 28, 28, "cuda")
    assert unet.architecture("auto", 128, 128, "cuda") == unet.architecture("base", 128, 128, "cuda")
    assert unet.architecture("tiny", 8, 8, "cpu").patch == 1
    assert unet.architecture("tiny", 28, 28, "cpu").patch == 2


def test_weights_follow_the_key_and_leave_global_randomness_alone(global_state: None) -> None:
    one, same, other = (unet.build(_SMALL, 8, 8, 1, 2, Rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one.conv_in.weight, same.conv_in.weight)
    assert not torch.equal(one.conv_in.weight, other.conv_in.weight)


def test_widths_must_be_multiples_of_the_groups() -> None:
    with pytest.raises(ConfigError, match="multiples of 4"):
        unet.build(unet.Architecture(2, (6,), 1, False, 4), 8, 8, 1, 2, Rng(0))
