"""The generator of StyleGAN3: every signal between its layers is band-limited, so details move with the objects.

The unit of length is the longer side of the image, with the origin in its middle; rates and frequencies are per unit.
Legend: B rows, Z latent, D intermediate latent, L styles, C channels, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, final

import torch
from torch import Tensor, nn

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.alias_free import AliasFreeLayer, FourierInput, ModulatedConvolution
from lookalike.networks.gan import Preset
from lookalike.networks.styled import MappingNetwork
from lookalike.techniques.filtering import LowPass, Resampling
from lookalike.techniques.training import torch_generator

SMALLEST_SIDE = 8


@final
@dataclass(frozen=True)
class Stylegan3Config:
    """Shape of the generator.

    Attributes:
        height: Of the images, in pixels; the longer side is at least 8.
        width: Of the images, in pixels.
        channels: Of the images.
        classes: Number of classes K; 0 = without labels.
        z_dim: Numbers of the latent.
        w_dim: Numbers of the intermediate latent.
        mapping_layers: Layers from one to the other.
        config: `T` = 3x3 convolutions, equivariant to translation; `R` = 1x1, twice the width and radial filters, to
            rotation also.
        layers: Convolutions before the last one to colours, at least 3.
        critical_layers: Last layers that use the whole band, at least 1 and fewer than `layers`.
        channel_base: Width of a layer times twice its cutoff (config R: half of that product).
        channel_max: Largest width of a layer (config R: half of it).
        multiple: Widths are rounded to a multiple of this; 16 is fast on a processor.
        margin: Samples around the image that every layer computes too, at its own rate.
        taps: Of a filter, per sample of the lower rate; even.
        clamp: Largest magnitude of a feature; None = no limit.
        output_scale: Factor from the last layer to the image.
        alias_free: False = plain leaky ReLU and bilinear resampling, for comparison only.
    """

    height: int
    width: int
    channels: int
    classes: int = 0
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 2
    config: Literal["T", "R"] = "T"
    layers: int = 14
    critical_layers: int = 2
    channel_base: int = 32768
    channel_max: int = 512
    multiple: int = 1
    margin: int = 10
    taps: int = 6
    clamp: float | None = None
    output_scale: float = 0.25
    alias_free: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if self.longest < SMALLEST_SIDE or min(self.height, self.width) < 1:
            raise ConfigError(
                f"images of {self.height}x{self.width} pixels are too small for StyleGAN3; allowed: a longer side of "
                f"at least {SMALLEST_SIDE}; use another generator, or larger images"
            )
        if not 1 <= self.critical_layers < self.layers or self.layers < 3:
            raise ConfigError(
                f"layers: {self.layers} with critical_layers: {self.critical_layers}; allowed: at least 3 layers, of "
                "which at least 1 and not all are critical; change one of them"
            )
        if self.taps % 2 or self.taps < 2:
            raise ConfigError(f"taps: {self.taps} is odd or too small; allowed: 2, 4, 6, ...; use 6")

    @property
    def longest(self) -> int:
        """The longer side, in pixels: the sampling rate of the image."""
        return max(self.height, self.width)


@final
@dataclass(frozen=True)
class Band:
    """What the signal after one layer may contain, and the grid that it lives on.

    Attributes:
        rate: Samples per unit.
        cutoff: Highest wanted frequency.
        half_width: Half of the transition band around it.
        channels: Feature maps.
        critical: Whether the band fills the rate.
        height: Samples of the grid.
        width: Samples of the grid.
    """

    rate: float
    cutoff: float
    half_width: float
    channels: int
    critical: bool
    height: int
    width: int


def bands(config: Stylegan3Config) -> list[Band]:
    """Return the band of every layer, with cutoffs and stopbands that grow geometrically.

    Args:
        config: Shape of the generator.

    Returns:
        One for the input's signal and layer 0, then one for each further layer; the last is as large as the image.

    Source: Karras et al. 2021, arXiv 2106.12423, section 3.2 ("flexible layer specifications") and appendix D.
    Differs from the paper: rates are the image's divided by powers of two, whatever its size, and axes may differ;
        the last layer computes no margin, as nothing after it would use one.
    """
    side, free = config.longest, config.layers - config.critical_layers
    first, last = (2.0, 2.0**2.1), (side / 2, side / 2 * 2**0.3)
    widths = 2 if config.config == "R" else 1
    found = []
    for layer in range(config.layers):
        share = min(layer / free, 1.0)
        cutoff, stop = (a * (b / a) ** share for a, b in zip(first, last, strict=True))
        rate = side / 2 ** max(0, math.floor(math.log2(side / min(2 * stop, side)) + 1e-9))
        margin = 0 if layer == config.layers - 1 else 2 * config.margin
        channels = min(round(config.channel_base / (2 * cutoff)), config.channel_max) * widths
        channels = max(1, round(channels / config.multiple)) * config.multiple
        height, width = (math.ceil(length * rate / side) + margin for length in (config.height, config.width))
        half_width = max(stop, rate / 2) - cutoff
        found.append(Band(rate, cutoff, half_width, channels, share == 1.0, height, width))
    return found


def preset(
    name: Preset, height: int, width: int, channels: int, classes: int = 0, config: Literal["T", "R"] = "T"
) -> Stylegan3Config:
    """Return the shape of the generator for a preset and an image size.

    Args:
        name: `tiny` for two CPU cores and minutes (28 pixels, one core: about 110 images per second forward and
            backward in batches of 32, half of it in config R), `small` for a GPU, `paper` as published.
        height: In pixels.
        width: In pixels.
        channels: Of the images.
        classes: Number of classes; 0 = without labels.
        config: `T` or `R`.

    Returns:
        The shape.
    """
    published = Stylegan3Config(height, width, channels, classes, config=config)
    if name == "tiny":
        layers, small = 5 if max(height, width) <= 32 else 7, replace(published, z_dim=64, w_dim=64, multiple=16)
        return replace(small, layers=layers, channel_base=512, channel_max=48, margin=6)
    if name == "small":
        small = replace(published, z_dim=256, w_dim=256, multiple=16)
        return replace(small, layers=10, channel_base=8192, channel_max=256)
    return published


def resampling(config: Stylegan3Config, before: Band, after: Band) -> Resampling:
    """Return the filters between two layers: to twice the higher rate and back."""
    high = 2 * max(before.rate, after.rate)
    factors = [round(high / band.rate) for band in (before, after)]
    radial = config.config == "R" and not after.critical
    up = LowPass(config.taps * factors[0], before.cutoff, before.half_width, high)
    down = LowPass(config.taps * factors[1], after.cutoff, after.half_width, high, radial)
    return Resampling(up, down, factors[0], factors[1], after.height, after.width)


class _Synthesis(nn.Module):
    """From one style per layer to an image."""

    def __init__(self, config: Stylegan3Config, rng: Rng) -> None:
        super().__init__()
        self.config, plan = config, bands(config)
        first, last, side = plan[0], plan[-1], 3 if config.config == "T" else 1
        size = (first.height, first.width)
        self.input = FourierInput(first.channels, first.cutoff, first.rate, size, config.w_dim, rng.child("input"))
        self.layers = nn.ModuleList(
            AliasFreeLayer(
                before.channels,
                after.channels,
                side,
                config.w_dim,
                resampling(config, before, after),
                config.clamp,
                config.alias_free,
                rng.child("layer", k),
            )
            for k, (before, after) in enumerate(pairwise([first, *plan]))
        )
        colours = rng.child("colours")
        self.colours = ModulatedConvolution(last.channels, config.channels, 1, config.w_dim, False, colours)
        self.register_buffer("magnitude", torch.ones(config.layers + 1))

    magnitude: Tensor

    def forward(self, w_BLD: Tensor, transform: Tensor | None = None, magnitudes: list[Tensor] | None = None) -> Tensor:
        """Return images.

        Args:
            w_BLD: Styles, one for the input and one for each layer.
            transform: [3, 3] or [B, 3, 3], moves the content of the image: what was at p comes to transform @ p, with
                p = (right, down, 1) in units of the longer side, from the middle; None = stays.
            magnitudes: Where given, the mean square of what enters each layer is appended, for `track`.
        """
        styles = w_BLD.unbind(1)
        gains = self.magnitude.rsqrt()
        x = self.input(styles[0], transform)
        for k, layer in enumerate([*self.layers, self.colours]):
            if magnitudes is not None:
                magnitudes.append(x.detach().float().square().mean())
            x = layer(x, styles[k + 1], gains[k])
        images: Tensor = x * self.config.output_scale
        return images


@final
class Stylegan3Generator(nn.Module):
    """The generator: mapping network, Fourier-feature input, alias-free layers.

    Its average magnitudes change only in `track`, so that a forward pass is a function of weights and inputs alone.

    Args:
        config: Shape.
        rng: Key of the weights and of the input's waves.

    Source: Karras et al. 2021, arXiv 2106.12423.
    Differs from the paper: convolutions take no padding, the margin pays for them; weights and styles are not
        normalised before the modulation, which half precision alone needs.
    """

    def __init__(self, config: Stylegan3Config, rng: Rng) -> None:
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config, torch_generator(rng.child("mapping")))
        self.synthesis = _Synthesis(config, rng.child("synthesis"))

    @property
    def num_ws(self) -> int:
        """Styles of one image: of the input, of each layer, and of the colours."""
        return self.config.layers + 2

    def forward(self, z_BZ: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return images [B, C, H, W], about in [-1, 1], for latents and labels (None without classes)."""
        w_BD = self.mapping(z_BZ, label_B)
        images: Tensor = self.synthesis(w_BD[:, None].expand(-1, self.num_ws, -1))
        return images

    @torch.no_grad()
    def track(self, magnitudes: Sequence[Tensor], decay: float = 0.999) -> None:
        """Let the average magnitudes follow what a forward pass measured.

        Args:
            magnitudes: As `synthesis` appended them, one per layer; the mean over several passes is as good.
            decay: Share of the old average that stays, in [0, 1].

        Source: Karras et al. 2021, arXiv 2106.12423, section 3 ("config D": normalisation by a moving average).
        Differs from the paper: a layer uses the average from before the pass, not after it.
        """
        self.synthesis.magnitude.lerp_(torch.stack(list(magnitudes)).to(self.synthesis.magnitude), 1 - decay)
