"""DCGAN: strided and transposed convolutions with batch normalisation, for images that double from a coarse grid.

Legend: B rows, C channels, H height, W width, Z numbers of a latent code.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.gan import LabelEmbedding, Preset, starting_grid
from lookalike.techniques.training import torch_generator

_SLOPE = 0.2
_STD = 0.02


@final
@dataclass(frozen=True)
class Architecture:
    """Shape of both networks.

    Attributes:
        height: Of the images, in pixels; as `gan.starting_grid` allows.
        width: Of the images, in pixels.
        channels: Of the images, at least 1.
        classes: Number of classes; 0 = unconditional.
        z_dim: Numbers of a latent code, at least 1.
        base: Feature maps next to the image; twice as many at each coarser resolution.
        widest: Most feature maps of any resolution.
        label_dim: Numbers of a class's vector that joins the latent code.
    """

    height: int
    width: int
    channels: int
    classes: int = 0
    z_dim: int = 100
    base: int = 128
    widest: int = 1024
    label_dim: int = 32

    def widths(self) -> list[int]:
        """Return the feature maps of each resolution below the image's own, finest first."""
        doublings = starting_grid(self.height, self.width)[2]
        return [min(self.base * 2**level, self.widest) for level in range(doublings)]


def preset(name: Preset, height: int, width: int, channels: int, classes: int = 0) -> Architecture:
    """Return the shape for a preset: `tiny` for CPU cores and minutes, `small` for a GPU, `paper` as published.

    Args:
        name: Which preset; `paper` has the widths 1024, 512, 256, 128 of the paper at 64 pixels.
        height: Of the images, in pixels.
        width: Of the images, in pixels.
        channels: Of the images, at least 1.
        classes: Number of classes; 0 = unconditional.
    """
    base, widest = {"tiny": (48, 192), "small": (64, 512), "paper": (128, 1024)}[name]
    return Architecture(height, width, channels, classes, base=base, widest=widest)


@final
class DcganGenerator(nn.Module):
    """From latent codes to images by transposed convolutions.

    Args:
        shape: Shape of the network.
        rng: Key of the weights.

    Raises:
        ConfigError: The size of the images does not fit.

    Source: Radford et al. 2016, arXiv 1511.06434, section 3 and figure 1.
    Differs from the paper: kernels of 4 instead of 5, which overlap evenly; the grid may be other than 4 x 4; a class's
        vector can be appended to the latent code.
    """

    def __init__(self, shape: Architecture, rng: Rng) -> None:
        """Build the layers and draw the weights."""
        super().__init__()
        self.grid = starting_grid(shape.height, shape.width)[:2]
        widths = shape.widths()[::-1]
        with torch.device("meta"):
            self.embedding = LabelEmbedding(shape.classes, shape.label_dim)
            start = widths[0] * self.grid[0] * self.grid[1]
            self.project = nn.Linear(shape.z_dim + self.embedding.size, start, bias=False)
            layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
            for inputs, outputs in itertools.pairwise(widths):
                layers += [
                    nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                ]
            layers += [nn.ConvTranspose2d(widths[-1], shape.channels, 4, 2, 1), nn.Tanh()]
            self.layers = nn.Sequential(*layers)
        _draw(self, rng)

    def forward(self, z_BZ: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return images in (-1, 1), [B, C, H, W], for latent codes [B, Z] and class numbers [B].

        Raises:
            ConfigError: The labels do not fit, or one single row is to train.
        """
        _check_batch(self, len(z_BZ))
        vector = self.embedding(label_B, len(z_BZ))
        code = z_BZ if vector is None else torch.cat([z_BZ, vector], dim=1)
        x_BCHW = self.project(code).unflatten(1, (-1, *self.grid))
        made: Tensor = self.layers(x_BCHW.contiguous(memory_format=torch.channels_last))
        return made


@final
class DcganDiscriminator(nn.Module):
    """From images to logits by strided convolutions.

    Args:
        shape: Shape of the network.
        rng: Key of the weights.

    Raises:
        ConfigError: The size of the images does not fit.

    Source: Radford et al. 2016, arXiv 1511.06434, section 3; classes: Miyato and Koyama 2018, arXiv 1802.05637, eq. 3.
    Differs from the paper: a logit instead of a sigmoid; kernels of 4 instead of 5; the widths mirror the generator's,
        where the paper states none.
    """

    def __init__(self, shape: Architecture, rng: Rng) -> None:
        """Build the layers and draw the weights."""
        super().__init__()
        grid_h, grid_w, _ = starting_grid(shape.height, shape.width)
        widths = shape.widths()
        with torch.device("meta"):
            layers: list[nn.Module] = [nn.Conv2d(shape.channels, widths[0], 4, 2, 1), nn.LeakyReLU(_SLOPE)]
            for inputs, outputs in itertools.pairwise(widths):
                layers += [
                    nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.LeakyReLU(_SLOPE),
                ]
            self.layers = nn.Sequential(*layers)
            self.head = nn.Linear(widths[-1] * grid_h * grid_w, 1)
            self.embedding = LabelEmbedding(shape.classes, widths[-1])
        _draw(self, rng)

    def forward(self, x_BCHW: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return logits, [B], for images in about [-1, 1] and class numbers [B].

        Raises:
            ConfigError: The labels do not fit, or one single row is to train.
        """
        _check_batch(self, len(x_BCHW))
        vector = self.embedding(label_B, len(x_BCHW))
        features = self.layers(x_BCHW.contiguous(memory_format=torch.channels_last))
        logit_B: Tensor = self.head(features.flatten(1))[:, 0]
        return logit_B if vector is None else logit_B + (vector * features.sum((2, 3))).sum(1)


def _check_batch(network: nn.Module, rows: int) -> None:
    if network.training and rows < 2:
        raise ConfigError(
            f"batch normalisation compares the rows of a batch: found {rows}, allowed: 2 or more in training; "
            "raise the batch size"
        )


def _draw(network: nn.Module, rng: Rng) -> None:
    """Draw all weights from N(0, 0.02); batch normalisation starts as the identity and biases at 0."""
    network.to_empty(device="cpu")
    generator = torch_generator(rng.child("parameters"))
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
            continue
        for name, parameter in layer.named_parameters(recurse=False):
            if name == "bias":
                nn.init.zeros_(parameter)
            else:
                nn.init.normal_(parameter, std=_STD, generator=generator)
    if isinstance(network, DcganGenerator) and network.embedding.weight is not None:
        # As long as the latent code that it stands beside.
        nn.init.normal_(network.embedding.weight, generator=generator)
