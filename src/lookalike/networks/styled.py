"""What the style-based generators share: their shape, the mapping network, truncation, style mixing and noise.

Legend: B images, L layers that take a style, D dimensions of w, Z of z, K classes, C channels, H and W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast, final

import torch
from torch import Tensor, nn

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.equalised import (
    GAIN,
    EqualConv,
    EqualLinear,
    ProjectionHead,
    check_labels,
    leaky_relu,
    minibatch_std,
    pixel_norm,
)
from lookalike.networks.gan import starting_grid
from lookalike.techniques.training import torch_generator

Preset = Literal["auto", "tiny", "small", "paper"]
Noise = Literal["fixed", "none"] | torch.Generator | Sequence[torch.Generator]

_MAPPING_RATE = 0.01
_PAPER_PIXELS = 32768
_MEAN_DRAWS = 10_000


@final
@dataclass(frozen=True)
class StyleArchitecture:
    """Shape of a style-based generator and of its discriminator.

    Attributes:
        height: Of the images, in pixels; as `gan.starting_grid` allows.
        width: Of the images, in pixels.
        channels: Of the images, at least 1.
        classes: K; 0 = no labels.
        z_dim: Dimensions of the latent code.
        w_dim: Dimensions of the style.
        mapping_layers: Layers from z to w, at least 1.
        finest: Feature channels at full resolution; each halving of the sides doubles them.
        most: Upper bound of the feature channels.
        fused: Whether StyleGAN2 modulates weights, one grouped convolution for the batch, rather than features.
    """

    height: int
    width: int
    channels: int
    classes: int = 0
    z_dim: int = 64
    w_dim: int = 64
    mapping_layers: int = 2
    finest: int = 16
    most: int = 64
    fused: bool = False

    def levels(self) -> list[tuple[int, int, int]]:
        """Return height, width and feature channels of every resolution, from the start to the full one.

        Raises:
            ConfigError: The size of the images is not possible.
        """
        tall, wide, doublings = starting_grid(self.height, self.width)
        return [
            (tall << level, wide << level, min(self.most, self.finest << (doublings - level)))
            for level in range(doublings + 1)
        ]


def style_architecture(
    preset: Preset, height: int, width: int, channels: int, classes: int, device: str
) -> StyleArchitecture:
    """Return the shape of the networks for a preset and an image size.

    Args:
        preset: `tiny` for two CPU cores and minutes, `small` for one GPU, `paper` as published; `auto` = `tiny` on a
            CPU, else `small`.
        height: In pixels.
        width: In pixels.
        channels: Of the images.
        classes: K; 0 = no labels.
        device: `cpu`, `cuda`, ...

    Source: Karras et al. 2020, arXiv 1912.04958, configuration F, for `paper`: 512 dimensions, 8 mapping layers, and
        channels that halve with each doubling from 64 x 64 on.
    Differs from the paper: `tiny` and `small` are narrower and have 2 and 4 mapping layers.

    Raises:
        ConfigError: The size of the images is not possible.
    """
    starting_grid(height, width)
    if preset == "auto":
        preset = "tiny" if device == "cpu" else "small"
    side = max(height, width)
    if preset == "tiny":
        finest = 16 if side <= 32 else 8
        return StyleArchitecture(height, width, channels, classes, finest=finest)
    if preset == "small":
        finest = min(256, max(16, _PAPER_PIXELS // 4 // side))
        return StyleArchitecture(height, width, channels, classes, 256, 256, 4, finest, 256)
    finest = min(512, max(32, _PAPER_PIXELS // side))
    return StyleArchitecture(height, width, channels, classes, 512, 512, 8, finest, 512)


class Mapped(Protocol):
    """What the mapping network needs to know of a generator's shape."""

    @property
    def classes(self) -> int:
        """K; 0 = no labels."""
        ...

    @property
    def z_dim(self) -> int:
        """Z."""
        ...

    @property
    def w_dim(self) -> int:
        """D."""
        ...

    @property
    def mapping_layers(self) -> int:
        """Layers of the mapping network, at least 1."""
        ...


@final
class MappingNetwork(nn.Module):
    """The network from a latent code and a label to a style.

    Args:
        shape: Of the generator.
        generator: Source of the weights.

    Source: Karras et al. 2019, arXiv 1812.04948, section 2 and appendix C: leaky ReLU after every layer, a hundredth
        of the learning rate.
    Differs from the paper: a label is embedded in w_dim dimensions, normalised as z is, and appended to it.
    """

    mean_KD: Tensor

    def __init__(self, shape: Mapped, generator: torch.Generator) -> None:
        """Draw the weights."""
        super().__init__()
        self.classes = shape.classes
        drawn_KD = torch.randn(shape.classes, shape.w_dim, generator=generator)
        self.embedding = nn.Parameter(drawn_KD) if shape.classes else None
        inputs = [shape.z_dim + (shape.w_dim if shape.classes else 0)] + [shape.w_dim] * (shape.mapping_layers - 1)
        self.layers = nn.ModuleList(
            EqualLinear(width, shape.w_dim, generator, gain=GAIN, rate=_MAPPING_RATE) for width in inputs
        )
        self.register_buffer("mean_KD", torch.zeros(max(shape.classes, 1), shape.w_dim))

    def forward(self, z_BZ: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return styles w, [B, D].

        Args:
            z_BZ: Standard normal numbers.
            label_B: Classes, int64; None where there are none.

        Raises:
            ConfigError: Labels are missing, or given where there are no classes.
        """
        check_labels(label_B, self.classes)
        x = pixel_norm(z_BZ)
        if self.embedding is not None and label_B is not None:
            x = torch.cat([x, pixel_norm(self.embedding[label_B])], dim=1)
        for layer in self.layers:
            x = leaky_relu(layer(x))
        return x

    def mean(self, label_B: Tensor | None = None) -> Tensor:
        """Return the mean style of each row's class, [B, D], or [1, D] without labels."""
        check_labels(label_B, self.classes)
        return self.mean_KD if label_B is None else self.mean_KD[label_B]


@torch.no_grad()
def style_statistics(mapping: MappingNetwork, z_dim: int, draws: int, rng: Rng) -> tuple[Tensor, Tensor]:
    """Return the mean style of each class and the distance of styles from it, over fresh latent codes.

    Args:
        mapping: Left as it is.
        z_dim: Z.
        draws: Latent codes, the same for each class, at least 2; the paper takes 10,000.
        rng: Key of the latent codes.

    Returns:
        Means, [K, D], and root mean square Euclidean distances to them, [K] (K = 1 without classes).

    Source: Karras et al. 2020, arXiv 1912.04958, appendix D.
    Differs from the paper: for each class.
    """
    device = mapping.mean_KD.device
    z_NZ = torch.randn(draws, z_dim, generator=torch_generator(rng.child("latent codes"))).to(device)
    classes = range(mapping.classes) if mapping.classes else [None]
    labels = [None if k is None else torch.full((draws,), k, device=device) for k in classes]
    w_KND = torch.stack([mapping(z_NZ, label_N) for label_N in labels])
    mean_KD = w_KND.mean(1)
    return mean_KD, (w_KND - mean_KD[:, None]).square().sum(2).mean(1).sqrt()


def set_mean(mapping: MappingNetwork, z_dim: int, rng: Rng) -> None:
    """Set the mean style of each class, over 10,000 latent codes.

    Source: Karras et al. 2019, arXiv 1812.04948, appendix B (centre of mass of W).
    Differs from the paper: a mean for each class, taken once from the trained network instead of running along, so that
        it is right after a short training too.
    """
    mapping.mean_KD.copy_(style_statistics(mapping, z_dim, _MEAN_DRAWS, rng)[0])


def truncate(w_BLD: Tensor, mean_BD: Tensor, psi: float, layers: int | None = None) -> Tensor:
    """Return styles nearer to their mean, mean + psi (w - mean): better images and fewer kinds of them.

    Args:
        w_BLD: Styles.
        mean_BD: Mean style of each row, or [1, D].
        psi: 1 = no change, 0 = the mean; usually in [0.5, 1].
        layers: How many of the first layers are truncated; None = all.

    Returns:
        As w_BLD.

    Source: Karras et al. 2019, arXiv 1812.04948, appendix B.
    Differs from the paper: nothing.
    """
    factor_L1 = torch.full((w_BLD.shape[1], 1), 1.0, dtype=w_BLD.dtype, device=w_BLD.device)
    factor_L1[:layers] = psi
    return torch.lerp(mean_BD[:, None].to(w_BLD), w_BLD, factor_L1)


def mix_styles(
    w_BD: Tensor, other_BD: Tensor, layers: int, generator: torch.Generator, probability: float = 0.9
) -> Tensor:
    """Return styles for every layer, taken from the second code after a random layer of each row.

    Args:
        w_BD: Styles of the first layers, or of all.
        other_BD: Styles of the last layers of mixed rows.
        layers: L.
        generator: Source of randomness.
        probability: Of a row to be mixed, in [0, 1]. The crossover is uniform among the layers from the second on.

    Returns:
        [B, L, D].

    Source: Karras et al. 2019, arXiv 1812.04948, section 3.1.
    Differs from the paper: nothing; each row has its own crossover.
    """
    rows, device = len(w_BD), generator.device
    mixed_B = torch.rand(rows, generator=generator, device=device) < probability
    cut_B = torch.randint(1, max(layers, 2), (rows,), generator=generator, device=device)
    cut_B = torch.where(mixed_B, cut_B, layers).to(w_BD.device)
    later_BL = torch.arange(layers, device=w_BD.device) >= cut_B[:, None]
    return torch.where(later_BL[:, :, None], other_BD[:, None], w_BD[:, None])


def noise_image(noise: Noise, fixed_11HW: Tensor, rows: int) -> Tensor | None:
    """Return one noise image for each row, or for all.

    Args:
        noise: `fixed` gives the layer's own image, `none` none; a generator gives fresh images; a generator for each
            row gives each row an image that depends on its own generator only.
        fixed_11HW: The layer's own image.
        rows: B.

    Returns:
        Standard normal numbers, [B, 1, H, W] or [1, 1, H, W]; None = no noise.

    Raises:
        ConfigError: There is not one generator for each row.
    """
    if isinstance(noise, str):
        return fixed_11HW if noise == "fixed" else None
    if isinstance(noise, torch.Generator):
        drawn = torch.randn((rows, *fixed_11HW.shape[1:]), generator=noise, device=noise.device)
        return drawn.to(fixed_11HW)
    if len(noise) != rows:
        raise ConfigError(f"noise needs one generator for each row, found {len(noise)} for {rows} rows; give {rows}")
    each = [torch.randn(fixed_11HW.shape[1:], generator=one, device=one.device) for one in noise]
    return torch.stack(each).to(fixed_11HW)


@final
class DiscriminatorTail(nn.Module):
    """The last layers of a discriminator: minibatch standard deviation, convolution, linear layers.

    Args:
        shape: Of the networks.
        generator: Source of the weights.

    Source: Karras et al. 2018, arXiv 1710.10196, table 2.
    Differs from the paper: labels enter by projection (Miyato and Koyama 2018, arXiv 1802.05637).
    """

    def __init__(self, shape: StyleArchitecture, generator: torch.Generator) -> None:
        """Draw the weights."""
        super().__init__()
        tall, wide, features = shape.levels()[0]
        self.conv = EqualConv(features + 1, features, 3, generator, gain=GAIN)
        self.linear = EqualLinear(features * tall * wide, features, generator, gain=GAIN)
        self.head = ProjectionHead(features, shape.classes, generator)

    def forward(self, x_BCHW: Tensor, label_B: Tensor | None) -> Tensor:
        """Return logits, [B]."""
        x_BCHW = leaky_relu(self.conv(minibatch_std(x_BCHW)))
        return cast(Tensor, self.head(leaky_relu(self.linear(x_BCHW.flatten(1))), label_B))
