"""The generator of StyleGAN3: every signal between its layers is band-limited, so details move with the objects.

The unit of length is the longer side of the image, with the origin in its middle; rates and frequencies are per unit.
Legend: B rows, Z latent, D intermediate latent, L styles, C channels, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.techniques.filtering import LowPass, Resampling, filtered_lrelu
from lookalike.techniques.training import torch_generator

Preset = Literal["tiny", "small", "paper"]
SMALLEST_SIDE = 8
_EPSILON = 1e-8


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
        name: `tiny` for two CPU cores and minutes, `small` for a GPU, `paper` as published.
        height: In pixels.
        width: In pixels.
        channels: Of the images.
        classes: Number of classes; 0 = without labels.
        config: `T` or `R`.

    Returns:
        The shape.
    """
    if name == "tiny":
        layers = 5 if max(height, width) <= 32 else 7
        sizes = {"z_dim": 64, "w_dim": 64, "channel_base": 512, "channel_max": 48, "multiple": 16, "margin": 6}
    elif name == "small":
        layers, sizes = 10, {"z_dim": 256, "w_dim": 256, "channel_base": 8192, "channel_max": 256, "multiple": 16}
    else:
        layers, sizes = 14, {"channel_base": 32768, "channel_max": 512}
    return Stylegan3Config(height, width, channels, classes, config=config, layers=layers, **sizes)


def _normal(rng: Rng, *size: int) -> Tensor:
    return torch.randn(size, generator=torch_generator(rng))


class _Dense(nn.Module):
    """A linear layer whose weights are stored with variance 1 / rate ** 2 and scaled in use."""

    def __init__(
        self, inputs: int, outputs: int, rng: Rng, bias: Sequence[float] | float = 0.0, rate: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(_normal(rng, outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.zeros(outputs) + torch.as_tensor(bias) / rate)
        self.rate, self.scale = rate, rate / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class _Mapping(nn.Module):
    """From a latent, and a label, to the intermediate latent."""

    def __init__(self, config: Stylegan3Config, rng: Rng) -> None:
        super().__init__()
        self.embed = _Dense(config.classes, config.w_dim, rng.child("embed")) if config.classes else None
        widths = [config.z_dim + (config.w_dim if config.classes else 0)] + [config.w_dim] * config.mapping_layers
        self.layers = nn.ModuleList(
            _Dense(a, b, rng.child("layer", k), rate=0.01) for k, (a, b) in enumerate(pairwise(widths))
        )

    def forward(self, z_BZ: Tensor, label_B: Tensor | None) -> Tensor:
        x = _unit(z_BZ)
        if self.embed is not None:
            if label_B is None:
                raise ConfigError("labels are missing: this generator was built with classes; give one label per row")
            hot = F.one_hot(label_B, self.embed.weight.shape[1]).to(x.dtype)
            x = torch.cat([x, _unit(self.embed(hot))], 1)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2) * math.sqrt(2)
        return x


def _unit(x: Tensor) -> Tensor:
    return x * (x.square().mean(1, keepdim=True) + _EPSILON).rsqrt()


class _FourierInput(nn.Module):
    """A signal without borders: waves within a circular band, moved and turned by a style, then mixed."""

    def __init__(self, config: Stylegan3Config, band: Band, size: tuple[int, int], rng: Rng) -> None:
        super().__init__()
        generator = torch_generator(rng.child("waves"))
        radius, angle, phase = torch.rand(3, band.channels, generator=generator)
        radius, angle = band.cutoff * radius.sqrt(), 2 * math.pi * angle
        self.register_buffer("frequency", torch.stack([radius * angle.cos(), radius * angle.sin()], 1))
        self.register_buffer("phase", phase)
        self.register_buffer("transform", torch.eye(3))
        self.style = _Dense(config.w_dim, 4, rng.child("style"), bias=(1.0, 0.0, 0.0, 0.0))
        nn.init.zeros_(self.style.weight)
        self.weight = nn.Parameter(_normal(rng.child("mix"), band.channels, band.channels))
        self.size, self.rate = size, band.rate

    frequency: Tensor
    phase: Tensor
    transform: Tensor

    def forward(self, w_BD: Tensor, transform: Tensor | None) -> Tensor:
        turn_B, move_B2 = self._turn(w_BD)
        user = torch.linalg.inv(self.transform if transform is None else transform.to(w_BD) @ self.transform)
        place = turn_B @ user.expand(len(w_BD), 3, 3)[:, :2]
        place = torch.cat([place[:, :, :2], place[:, :, 2:] + move_B2[:, :, None]], 2)
        # sin(a + b) of a along one axis and b along the other is a product of two thin matrices.
        wave_BC3 = self.frequency @ place
        down, across = (
            2 * math.pi * (torch.arange(n, device=w_BD.device, dtype=w_BD.dtype) - (n - 1) / 2) / self.rate
            for n in self.size
        )
        a = wave_BC3[:, :, 1:2] * down
        b = wave_BC3[:, :, :1] * across + 2 * math.pi * (wave_BC3[:, :, 2] + self.phase)[:, :, None]
        x = torch.stack([a.sin(), a.cos()], 3) @ torch.stack([b.cos(), b.sin()], 2)
        mix = self.weight / math.sqrt(len(self.phase))
        return (mix @ x.flatten(2)).view(x.shape)

    def _turn(self, w_BD: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rotation [B, 2, 2] and the shift [B, 2] of the sampling grid that the style asks for."""
        t = self.style(w_BD)
        turn = t[:, :2] * (t[:, :2].square().sum(1, keepdim=True) + _EPSILON).rsqrt()
        cos, sin = turn.unbind(1)
        return torch.stack([cos, sin, -sin, cos], 1).view(-1, 2, 2), -t[:, 2:]


class _Convolution(nn.Module):
    """A convolution without padding, whose input channels a style scales."""

    def __init__(self, inputs: int, outputs: int, side: int, w_dim: int, demodulate: bool, rng: Rng) -> None:
        super().__init__()
        self.style = _Dense(w_dim, inputs, rng.child("style"), bias=1.0)
        self.weight = nn.Parameter(_normal(rng.child("weight"), outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.demodulate = demodulate

    def forward(self, x_BCHW: Tensor, w_BD: Tensor, gain: Tensor) -> Tensor:
        rows, inputs, height, width = x_BCHW.shape
        w_BOIKK = self.weight * self.style(w_BD)[:, None, :, None, None] / math.sqrt(self.weight[0].numel())
        if self.demodulate:
            w_BOIKK = w_BOIKK * (w_BOIKK.square().sum((2, 3, 4), keepdim=True) + _EPSILON).rsqrt()
        w_BOIKK = w_BOIKK * gain
        if self.weight.shape[2] == 1:
            y = torch.baddbmm(self.bias[:, None], w_BOIKK[:, :, :, 0, 0], x_BCHW.flatten(2))
            return y.view(rows, -1, height, width)
        # All rows side by side, each with a group of kernels of its own.
        y = F.conv2d(x_BCHW.reshape(1, rows * inputs, height, width), w_BOIKK.flatten(0, 1), groups=rows)
        return y.view(rows, -1, *y.shape[2:]) + self.bias[:, None, None]


class _Layer(nn.Module):
    """A modulated convolution and a leaky ReLU that keeps the signal inside its band."""

    def __init__(self, config: Stylegan3Config, before: Band, after: Band, rng: Rng) -> None:
        super().__init__()
        side = 3 if config.config == "T" else 1
        self.convolution = _Convolution(before.channels, after.channels, side, config.w_dim, True, rng)
        self.clamp, self.alias_free = config.clamp, config.alias_free
        self.plan = resampling(config, before, after)

    def forward(self, x_BCHW: Tensor, w_BD: Tensor, gain: Tensor) -> Tensor:
        x_BCHW = self.convolution(x_BCHW, w_BD, gain)
        if self.alias_free:
            return filtered_lrelu(x_BCHW, self.plan, clamp=self.clamp)
        x_BCHW = F.leaky_relu(x_BCHW, 0.2) * math.sqrt(2)
        if self.plan.up_factor > self.plan.down_factor:
            x_BCHW = F.interpolate(x_BCHW, scale_factor=self.plan.up_factor / self.plan.down_factor, mode="bilinear")
        return _middle(x_BCHW, self.plan.height, self.plan.width)


def resampling(config: Stylegan3Config, before: Band, after: Band) -> Resampling:
    """Return the filters between two layers: to twice the higher rate and back."""
    high = 2 * max(before.rate, after.rate)
    factors = [round(high / band.rate) for band in (before, after)]
    radial = config.config == "R" and not after.critical
    up = LowPass(config.taps * factors[0], before.cutoff, before.half_width, high)
    down = LowPass(config.taps * factors[1], after.cutoff, after.half_width, high, radial)
    return Resampling(up, down, factors[0], factors[1], after.height, after.width)


def _middle(x_BCHW: Tensor, height: int, width: int) -> Tensor:
    """Return the middle, or the whole with zeros around it."""
    tall, wide = height - x_BCHW.shape[2], width - x_BCHW.shape[3]
    return F.pad(x_BCHW, (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2))


class _Synthesis(nn.Module):
    """From one style per layer to an image."""

    def __init__(self, config: Stylegan3Config, rng: Rng) -> None:
        super().__init__()
        self.config, plan = config, bands(config)
        self.input = _FourierInput(config, plan[0], (plan[0].height, plan[0].width), rng.child("input"))
        self.layers = nn.ModuleList(
            _Layer(config, before, after, rng.child("layer", k))
            for k, (before, after) in enumerate(pairwise([plan[0], *plan]))
        )
        colours = rng.child("colours")
        self.colours = _Convolution(plan[-1].channels, config.channels, 1, config.w_dim, False, colours)
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
        return x * self.config.output_scale


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
        self.mapping = _Mapping(config, rng.child("mapping"))
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
