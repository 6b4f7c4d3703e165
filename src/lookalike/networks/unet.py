"""The denoising network: a plain `diffusers.UNet2DModel`, sized by preset, on blocks of pixels.

Blocks of `patch` by `patch` pixels become channels before the first convolution (space to depth) and pixels again
after the last. Images whose sides do not divide are padded by repeating the edge, and cropped again.
Legend: B rows, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from diffusers import UNet2DModel
from torch import Tensor
from torch.nn import functional as F

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng

Preset = Literal["auto", "tiny", "small", "base"]


@final
@dataclass(frozen=True)
class Architecture:
    """Shape of the network.

    Attributes:
        patch: Side of a pixel block that becomes one position, in pixels.
        channels: Width of each level; each level halves the sides.
        layers: Residual blocks of each level on the way down.
        attention: Whether the lowest level attends over all positions.
        groups: Groups of the group normalisation; divides every width.
    """

    patch: int
    channels: tuple[int, ...]
    layers: int
    attention: bool
    groups: int

    @property
    def multiple(self) -> int:
        """Both sides of a padded image are a multiple of this, in pixels."""
        return int(self.patch * 2 ** (len(self.channels) - 1))

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """Return the sides after padding, in pixels."""
        return -(-height // self.multiple) * self.multiple, -(-width // self.multiple) * self.multiple


def choose_preset(preset: Preset, height: int, width: int, device: str) -> Preset:
    """Return the preset; `auto` = `tiny` on a CPU, else `small` up to 64 pixels and `base` above."""
    if preset != "auto":
        return preset
    return "tiny" if device == "cpu" else ("small" if min(height, width) <= 64 else "base")


def default_batch(preset: Preset) -> int:
    """Return the images of one training step: few where the budget is minutes, as steps are what it lacks."""
    return 32 if preset == "tiny" else 128


def architecture(preset: Preset, height: int, width: int, device: str) -> Architecture:
    """Return the shape of the network for a preset and an image size.

    Args:
        preset: `tiny` for two CPU cores and minutes, `small` and `base` for a GPU; `auto` as `choose_preset` says.
        height: In pixels.
        width: In pixels.
        device: `cpu`, `cuda`, ...

    Returns:
        The shape. Blocks of pixels are as large as leaves at least 8 positions on the shorter side, 8 pixels at most.
    """
    side = min(height, width)
    preset = choose_preset(preset, height, width, device)
    if preset == "tiny":
        patch = 1 if side < 16 else 2 if side < 48 else 4 if side < 96 else 8
        # In minutes on a processor a narrow network that sees more images beats a wider one: docs/decisions/0002.
        return Architecture(patch, (32, 64), layers=1, attention=False, groups=8)
    if preset == "small":
        patch = 1 if side <= 32 else 2
        return Architecture(patch, (96, 192, 192), layers=2, attention=True, groups=16)
    patch = 1 if side <= 32 else 2 if side <= 128 else 4
    return Architecture(patch, (128, 256, 256, 256), layers=2, attention=True, groups=32)


def build(
    shape: Architecture, height: int, width: int, channels: int, classes: int, rng: Rng, dropout: float = 0.0
) -> UNet2DModel:
    """Return a network with fresh weights, and leave torch's global generator as it was.

    Args:
        shape: As `architecture` gives.
        height: Of the images, in pixels.
        width: Of the images, in pixels.
        channels: Of the images.
        classes: Number of classes K; label K is the null label.
        rng: Key of the weights.
        dropout: Share of features dropped in training, in [0, 1).

    Returns:
        A network from [B, channels * patch ** 2, h, w], a time and labels [B] to as many channels.
    """
    if any(width_ % shape.groups for width_ in shape.channels):
        raise ConfigError(f"channel widths {shape.channels} must be multiples of {shape.groups}; choose other widths")
    tall, wide = shape.padded(height, width)
    levels = len(shape.channels)
    lowest = ("AttnDownBlock2D", "AttnUpBlock2D") if shape.attention else ("DownBlock2D", "UpBlock2D")
    packed = channels * shape.patch**2
    # diffusers initialises from the global generator and takes no other one.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(rng.integer())
        return UNet2DModel(
            sample_size=(tall // shape.patch, wide // shape.patch),
            in_channels=packed,
            out_channels=packed,
            block_out_channels=shape.channels,
            layers_per_block=shape.layers,
            down_block_types=("DownBlock2D",) * (levels - 1) + (lowest[0],),
            up_block_types=(lowest[1],) + ("UpBlock2D",) * (levels - 1),
            norm_num_groups=shape.groups,
            dropout=dropout,
            attention_head_dim=64,
            add_attention=shape.attention,
            num_class_embeds=classes + 1,
        )


def rebuild(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> UNet2DModel:
    """Return a saved network, and leave torch's global generator as it was."""
    # The weights that are overwritten at once are still drawn.
    with torch.random.fork_rng(devices=[]):
        unet = UNet2DModel.from_config(dict(config))
    unet.load_state_dict(dict(weights))
    return unet


def pack(x_BCHW: Tensor, shape: Architecture) -> Tensor:
    """Pad images by repeating the edge and turn pixel blocks into channels."""
    height, width = x_BCHW.shape[-2:]
    tall, wide = shape.padded(height, width)
    if (tall, wide) != (height, width):
        x_BCHW = F.pad(x_BCHW, (0, wide - width, 0, tall - height), mode="replicate")
    return F.pixel_unshuffle(x_BCHW, shape.patch)


def unpack(x_BCHW: Tensor, shape: Architecture, height: int, width: int) -> Tensor:
    """Turn channels into pixel blocks again and crop what `pack` padded."""
    return F.pixel_shuffle(x_BCHW, shape.patch)[..., :height, :width]
