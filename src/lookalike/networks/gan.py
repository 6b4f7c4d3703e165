"""What every pair of adversarial image networks shares: the interface, the sizes it can grow to, and its labels.

Legend: B rows, C image channels, H height, W width, Z numbers of a latent code.
"""

from __future__ import annotations

from itertools import product
from typing import Literal, Protocol, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lookalike.core.errors import ConfigError

Preset = Literal["tiny", "small", "paper"]
SMALLEST_SIDE = 8
LARGEST_SIDE = 1024
_LEAST_START = 4
_LONGEST_START = 32
_MOST_DOUBLINGS = 8


class ImageGenerator(Protocol):
    """From latent codes to images."""

    def __call__(self, z_BZ: Tensor, label_B: Tensor | None) -> Tensor:
        """Return images in about [-1, 1], [B, C, H, W], for standard normal codes and class numbers."""
        ...


class ImageDiscriminator(Protocol):
    """From images to how real they look."""

    def __call__(self, x_BCHW: Tensor, label_B: Tensor | None) -> Tensor:
        """Return logits, [B], high = looks real."""
        ...


def starting_grid(height: int, width: int) -> tuple[int, int, int]:
    """Return the coarsest grid of an image and how often it doubles.

    Args:
        height: Of the images, in pixels.
        width: Of the images, in pixels.

    Returns:
        Height and width of the grid and the number of doublings k: the image is grid * 2 ** k. The shorter side of the
        grid has 4 to 15 positions and the longer one 32 at most; k is the largest that allows it, at least 1.

    Raises:
        ConfigError: No such grid exists; the message names the nearest sizes that have one.

    Example:
        >>> starting_grid(28, 28), starting_grid(64, 48)
        ((7, 7, 2), (8, 6, 3))
    """
    found = _grid(height, width)
    if found is None:
        raise ConfigError(
            f"images of {height} x {width} pixels do not fit this network, which doubles a coarse grid: sides are "
            f"to be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels and a small number times one power of two; "
            f"resize or crop to {_nearest(height, width)}"
        )
    return found


def _grid(height: int, width: int) -> tuple[int, int, int] | None:
    short, long = sorted((height, width))
    if short < SMALLEST_SIDE or long > LARGEST_SIDE:
        return None
    for k in range(_MOST_DOUBLINGS, 0, -1):
        side = 2**k
        if height % side == 0 and width % side == 0 and short // side >= _LEAST_START:
            fits = short // side < 4 * _LEAST_START and long // side <= _LONGEST_START
            return (height // side, width // side, k) if fits else None
    return None


def _nearest(height: int, width: int) -> str:
    """Return the nearest size below and above that have a grid, as text."""
    sides = range(1, _LONGEST_START + 1)
    sizes = {(h << k, w << k) for k in range(1, _MOST_DOUBLINGS + 1) for h, w in product(sides, sides)}
    near: dict[bool, tuple[int, int, int]] = {}
    for h, w in sizes:
        larger, smaller = h >= height and w >= width, h <= height and w <= width
        if (larger or smaller) and _grid(h, w) is not None:
            near[larger] = min(near.get(larger, (10**9, 0, 0)), (abs(h - height) + abs(w - width), h, w))
    return " or ".join(f"{h} x {w}" for _, h, w in (near[key] for key in sorted(near)))


@final
class LabelEmbedding(nn.Module):
    """A vector for each class, and nothing at all where there are no classes.

    Args:
        classes: Number of classes; 0 = unconditional.
        size: Numbers of a vector, at least 1.
    """

    def __init__(self, classes: int, size: int) -> None:
        """Make room for the vectors; whoever owns this draws them."""
        super().__init__()
        self.classes = classes
        self.size = size if classes else 0
        self.weight = nn.Parameter(torch.empty(classes, size)) if classes else None

    def forward(self, label_B: Tensor | None, rows: int) -> Tensor | None:
        """Return one vector for each row, [B, size]; None without classes.

        Raises:
            ConfigError: Labels are missing where there are classes, or given where there are none.
        """
        if (label_B is None) == (self.weight is not None) or (label_B is not None and label_B.shape != (rows,)):
            found = "none" if label_B is None else str(list(label_B.shape))
            allowed = f"one of {self.classes} class numbers for each row, [{rows}]" if self.classes else "none"
            raise ConfigError(f"labels do not fit this network: found {found}; allowed: {allowed}; pass label_B so")
        return None if self.weight is None or label_B is None else F.embedding(label_B, self.weight)
