"""A toy that shows mode collapse at a glance: 25 Gaussians on a grid, and how many of them a generator kept.

Legend: N samples, M modes; every sample is a point in the plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

SIDE = 5
SPACING = 2.0
DEVIATION = 0.1
_NEAR = 3.0


@final
@dataclass(frozen=True)
class Coverage:
    """What a set of samples kept of the grid.

    Attributes:
        modes: Modes with enough samples near them, of 25.
        near: Share of samples near a mode, in [0, 1].
        counts_M: Samples near each mode, [M] int64, in the order of `modes`.
    """

    modes: int
    near: float
    counts_M: Tensor


def modes() -> Tensor:
    """Return the centres of the 25 Gaussians, [M, 2], centred on 0."""
    axis = (torch.arange(SIDE) - (SIDE - 1) / 2) * SPACING
    return torch.cartesian_prod(axis, axis)


def draw(rows: int, generator: torch.Generator, deviation: float = DEVIATION) -> Tensor:
    """Return points of the mixture, each Gaussian equally likely.

    Args:
        rows: Number of points, at least 1.
        generator: The only source of randomness.
        deviation: Standard deviation of each Gaussian on each axis, above 0.

    Returns:
        Points, [N, 2].

    Source: Srivastava et al. 2017, arXiv 1705.07761, section 5.1 (the grid of 25 Gaussians).
    Differs from the paper: a deviation of .1, so that a small network learns it in seconds.
    """
    chosen = torch.randint(SIDE**2, (rows,), generator=generator)
    return modes()[chosen] + deviation * torch.randn(rows, 2, generator=generator)


def modes_covered(samples_N2: Tensor, least: int = 1, deviation: float = DEVIATION) -> Coverage:
    """Return how many modes have samples, and how many samples have a mode.

    Args:
        samples_N2: Generated points, [N, 2].
        least: Samples that a mode needs within 3 standard deviations to count, at least 1.
        deviation: Standard deviation of each Gaussian on each axis, above 0.

    Returns:
        The counts.

    Source: Srivastava et al. 2017, arXiv 1705.07761, section 5.1 (modes captured, high-quality samples).
    Differs from the paper: the least number of samples is an argument.

    Example:
        >>> modes_covered(torch.tensor([[0.0, 0.1], [2.0, 2.0], [1.0, 1.0]])).modes
        2
    """
    distance_N, mode_N = torch.cdist(samples_N2.double(), modes().double()).min(dim=1)
    near_N = distance_N <= _NEAR * deviation
    counts_M = mode_N[near_N].bincount(minlength=SIDE**2)
    return Coverage(int((counts_M >= least).sum()), float(near_N.double().mean()), counts_M)
