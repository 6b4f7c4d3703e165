"""R3GAN: two mirrored residual networks without normalisation, for the relativistic loss with R1 and R2.

Legend: B rows, C channels, H height, W width, Z numbers of a latent code.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.gan import LabelEmbedding, Preset, starting_grid
from lookalike.techniques.training import torch_generator

_SLOPE = 0.2
_CONVOLUTIONS_OF_A_BLOCK = 3
_MOST_HALVINGS = 2
_MOST_LOCAL = 32 * 32


@final
@dataclass(frozen=True)
class Architecture:
    """Shape of both networks.

    Attributes:
        height: Of the images, in pixels; as `gan.starting_grid` allows.
        width: Of the images, in pixels.
        channels: Of the images, at least 1.
        widths: Feature maps of each resolution, coarsest first: one more than there are doublings, less one for each
            halving that `patch` does.
        classes: Number of classes; 0 = unconditional.
        global_dim: Numbers of a latent code that steer the whole image, at least 1.
        local_dim: Further numbers for each position of each resolution of at most 32 x 32 positions, at least 0.
        blocks: Residual blocks of each resolution, at least 1.
        expansion: How much wider a block is inside than outside, at least 1.
        group: Feature maps of one group of the 3 x 3 convolution; divides the width inside.
        patch: Side of a pixel block that is one position of the finest resolution, a power of two.
        label_dim: Numbers of a class's vector that joins the latent code.
    """

    height: int
    width: int
    channels: int
    widths: tuple[int, ...]
    classes: int = 0
    global_dim: int = 64
    local_dim: int = 0
    blocks: int = 2
    expansion: int = 2
    group: int = 16
    patch: int = 1
    label_dim: int = 32

    @property
    def z_dim(self) -> int:
        """Numbers of a latent code."""
        return self.global_dim + sum(self.local_sizes())

    def local_sizes(self) -> list[int]:
        """Return how many numbers of a latent code belong to the positions of each resolution."""
        rows, columns = self.grid()
        positions = [rows * columns * 4**level for level in range(len(self.widths))]
        return [self.local_dim * count if count <= _MOST_LOCAL else 0 for count in positions]

    def grid(self) -> tuple[int, int]:
        """Return height and width of the coarsest resolution.

        Raises:
            ConfigError: The size of the images, the widths or the groups do not fit.
        """
        grid_h, grid_w, doublings = starting_grid(self.height, self.width)
        if self.patch not in [2**halvings for halvings in range(doublings + 1)]:
            raise ConfigError(
                f"patch: {self.patch} does not fit; allowed: a power of two up to {2**doublings} for "
                f"{self.height} x {self.width} pixels"
            )
        needed = doublings - round(math.log2(self.patch)) + 1
        if len(self.widths) != needed:
            raise ConfigError(
                f"widths {self.widths} are {len(self.widths)}, but {self.height} x {self.width} pixels in blocks of "
                f"{self.patch} have {needed} resolutions; give {needed} widths, coarsest first"
            )
        wrong = [width for width in self.widths if width * self.expansion % self.group]
        if wrong:
            raise ConfigError(
                f"width {wrong[0]} times expansion {self.expansion} is no multiple of group {self.group}; "
                "choose other widths or another group"
            )
        return grid_h, grid_w


def preset(name: Preset, height: int, width: int, channels: int, classes: int = 0) -> Architecture:
    """Return the shape for a preset: `tiny` for CPU cores and minutes, `small` for a GPU, `paper` as published.

    Args:
        name: Which preset. `paper` has 23 million weights in each network at 256 pixels.
        height: Of the images, in pixels.
        width: Of the images, in pixels.
        channels: Of the images, at least 1.
        classes: Number of classes; 0 = unconditional.
    """
    doublings = starting_grid(height, width)[2]
    # The finest resolutions cost most of the time and carry the least of the picture.
    halvings = max(0, min(doublings - 1, math.ceil(math.log2(max(height, width) / 16)))) if name == "tiny" else 0
    halvings = min(halvings, _MOST_HALVINGS)
    top, full, least, falls = {"tiny": (128, 1, 32, 4), "small": (256, 2, 32, 2), "paper": (768, 4, 64, 2)}[name]
    levels = range(doublings - halvings + 1)
    widths = tuple(max(least, top // falls ** max(0, level + 1 - full)) for level in levels)
    blocks = 1 if name == "tiny" else 2
    return Architecture(
        height, width, channels, widths, classes, blocks=blocks, patch=2**halvings, local_dim=int(name == "tiny")
    )


@final
class _Pointwise(nn.Linear):
    """A 1 x 1 convolution as a matrix product, whose second derivative is one too.

    That of a convolution is a convolution with kernels as large as the image: half of a step's time on a CPU.
    """

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return super().forward(x_BCHW.movedim(1, -1)).movedim(-1, 1)


class _Block(nn.Module):
    """Narrow, wide and narrow convolution beside a straight path."""

    def __init__(self, width: int, shape: Architecture) -> None:
        super().__init__()
        inside = width * shape.expansion
        self.into = _Pointwise(width, inside)
        self.across = nn.Conv2d(inside, inside, 3, padding=1, groups=inside // shape.group)
        self.out = _Pointwise(inside, width, bias=False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        inside = F.leaky_relu(self.across(F.leaky_relu(self.into(x_BCHW), _SLOPE)), _SLOPE)
        y_BCHW: Tensor = x_BCHW + self.out(inside)
        return y_BCHW


def _blocks(width: int, shape: Architecture) -> nn.Sequential:
    return nn.Sequential(*(_Block(width, shape) for _ in range(shape.blocks)))


def _change(inputs: int, outputs: int) -> nn.Module:
    return nn.Identity() if inputs == outputs else _Pointwise(inputs, outputs, bias=False)


@final
class R3ganGenerator(nn.Module):
    """From latent codes to images by residual blocks and bilinear upsampling.

    Args:
        shape: Shape of the network.
        rng: Key of the weights.

    Raises:
        ConfigError: The size of the images does not fit the widths.

    Source: Huang et al. 2024, arXiv 2501.05441, section 4 (configuration E).
    Differs from the paper: the width changes before upsampling, which is the same map for less work; with `patch` the
        finest resolutions are pixel blocks; the grid may be other than 4 x 4; with `local_dim` a part of the latent
        code belongs to single positions (starts without effect), which adds variety within a class.
    """

    def __init__(self, shape: Architecture, rng: Rng) -> None:
        """Build the layers and draw the weights."""
        super().__init__()
        grid, widths = shape.grid(), shape.widths
        self.patch, self.sizes, self.local_dim = shape.patch, [shape.global_dim, *shape.local_sizes()], shape.local_dim
        with torch.device("meta"):
            self.embedding = LabelEmbedding(shape.classes, shape.label_dim)
            self.basis = nn.Parameter(torch.empty(widths[0], *grid))
            self.modulate = nn.Linear(shape.global_dim + self.embedding.size, widths[0], bias=False)
            self.locals = nn.ModuleList(
                _Pointwise(shape.local_dim, width, bias=False) if size else nn.Identity()
                for size, width in zip(self.sizes[1:], widths, strict=True)
            )
            self.stages = nn.ModuleList(_blocks(width, shape) for width in widths)
            self.changes = nn.ModuleList(_change(a, b) for a, b in itertools.pairwise(widths))
            self.to_image = _Pointwise(widths[-1], shape.channels * shape.patch**2)
        _draw(self, rng, basis=1.0, vector=1.0)

    def forward(self, z_BZ: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return images in about [-1, 1], [B, C, H, W], for latent codes [B, Z] and class numbers [B].

        Raises:
            ConfigError: The labels do not fit.
        """
        vector = self.embedding(label_B, len(z_BZ))
        z_BZ, *local = torch.split(z_BZ, self.sizes, dim=1)
        code = z_BZ if vector is None else torch.cat([z_BZ, vector], dim=1)
        x_BCHW = self.modulate(code)[:, :, None, None] * self.basis
        x_BCHW = self.stages[0](self._varied(x_BCHW.contiguous(memory_format=torch.channels_last), local, 0))
        for level, (change, stage) in enumerate(zip(self.changes, self.stages[1:], strict=True), start=1):
            x_BCHW = F.interpolate(change(x_BCHW), scale_factor=2.0, mode="bilinear", align_corners=False)
            x_BCHW = stage(self._varied(x_BCHW, local, level))
        return F.pixel_shuffle(self.to_image(x_BCHW), self.patch)

    def _varied(self, x_BCHW: Tensor, local: Sequence[Tensor], level: int) -> Tensor:
        """Return the features of a resolution with the part of the code that belongs to its positions."""
        if not self.sizes[level + 1]:
            return x_BCHW
        code_BCHW = local[level].reshape(len(x_BCHW), self.local_dim, *x_BCHW.shape[2:])
        y_BCHW: Tensor = x_BCHW + self.locals[level](code_BCHW)
        return y_BCHW


@final
class R3ganDiscriminator(nn.Module):
    """From images to logits by residual blocks and bilinear downsampling: the generator in a mirror.

    Args:
        shape: Shape of the network.
        rng: Key of the weights.

    Raises:
        ConfigError: The size of the images does not fit the widths.

    Source: Huang et al. 2024, arXiv 2501.05441, section 4 (configuration E); classes: Miyato and Koyama 2018,
        arXiv 1802.05637, equation 3.
    Differs from the paper: as `R3ganGenerator`; the product with a class's vector is added to an unconditional logit.
    """

    def __init__(self, shape: Architecture, rng: Rng) -> None:
        """Build the layers and draw the weights."""
        super().__init__()
        grid, widths = shape.grid(), shape.widths[::-1]
        self.patch = shape.patch
        with torch.device("meta"):
            self.from_image = _Pointwise(shape.channels * shape.patch**2, widths[0], bias=False)
            self.stages = nn.ModuleList(_blocks(width, shape) for width in widths)
            self.changes = nn.ModuleList(_change(a, b) for a, b in itertools.pairwise(widths))
            self.basis = nn.Parameter(torch.empty(widths[-1], *grid))
            self.head = nn.Linear(widths[-1], 1, bias=False)
            self.embedding = LabelEmbedding(shape.classes, widths[-1])
        _draw(self, rng, basis=math.prod(grid) ** -0.5, vector=widths[-1] ** -0.5)

    def forward(self, x_BCHW: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return logits, [B], for images in about [-1, 1] and class numbers [B].

        Raises:
            ConfigError: The labels do not fit.
        """
        vector = self.embedding(label_B, len(x_BCHW))
        x_BCHW = F.pixel_unshuffle(x_BCHW, self.patch).contiguous(memory_format=torch.channels_last)
        x_BCHW = self.stages[0](self.from_image(x_BCHW))
        for change, stage in zip(self.changes, self.stages[1:], strict=True):
            # The mean of four pixels is the bilinear sample halfway between them.
            x_BCHW = stage(change(F.avg_pool2d(x_BCHW, 2)))
        features_BC = (x_BCHW * self.basis).sum((2, 3))
        logit_B: Tensor = self.head(features_BC)[:, 0]
        return logit_B if vector is None else logit_B + (vector * features_BC).sum(1)


def _draw(network: nn.Module, rng: Rng, basis: float, vector: float) -> None:
    """Draw every weight so that signals keep their variance, and start each block as its straight path.

    Args:
        network: Changed in place; its weights may hold anything before.
        rng: Key of the weights.
        basis: Standard deviation of the basis.
        vector: Standard deviation of the vectors of classes.

    Source: fix-up initialisation, Zhang et al. 2019, arXiv 1901.09321, section 3; Huang et al. 2024, arXiv 2501.05441.
    Differs from the paper: no scalar biases and multipliers, as in R3GAN.
    """
    network.to_empty(device="cpu")
    generator = torch_generator(rng.child("parameters"))
    blocks = [layer for layer in network.modules() if isinstance(layer, _Block)]
    calm = len(blocks) ** (-1 / (2 * _CONVOLUTIONS_OF_A_BLOCK - 2))
    gain = {f"{name}.weight": calm * math.sqrt(2 / (1 + _SLOPE**2)) for name in ("into", "across")} | {
        "out.weight": 0.0
    }
    for name, parameter in network.named_parameters():
        if name.endswith("bias") or name.startswith("locals."):
            nn.init.zeros_(parameter)
            continue
        inner = ".".join(name.split(".")[-2:])
        std = {"basis": basis, "embedding.weight": vector}.get(name)
        std = gain.get(inner, 1.0) / math.sqrt(parameter[0].numel()) if std is None else std
        nn.init.normal_(parameter, std=std, generator=generator)
