"""Inversion: the style from which a generator makes a given image.

Legend: ... any axes of a style, such as [B, D] or [B, L, D]; B images, C channels, H and W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.techniques.training import torch_generator

_RISE = 0.05
_FALL = 0.25
_NOISE = 0.05
_NOISE_UNTIL = 0.75
_COARSEST = 4


@final
@dataclass(frozen=True)
class Projection:
    """What a search for a style found.

    Attributes:
        w: The style, as the mean it started from.
        distances: Distance at each step, of the style with its noise; one more, the last, of `w` itself.
    """

    w: Tensor
    distances: tuple[float, ...]


def project(
    synthesis: Callable[[Tensor], Tensor],
    distance: Callable[[Tensor, Tensor], Tensor],
    target: Tensor,
    mean: Tensor,
    std: float,
    rng: Rng,
    steps: int = 1000,
    learning_rate: float = 0.1,
) -> Projection:
    """Search for the style whose image is nearest to a target, by gradient descent from the mean style.

    Args:
        synthesis: From styles to images; its parameters are left as they are.
        distance: From images and target to one number; to project several images at once, the sum over them.
        target: What `distance` compares with, usually images [B, C, H, W].
        mean: Where to start, [...]; its shape decides whether one style or one for each layer is searched.
        std: Root mean square Euclidean distance of styles from their mean, above 0; scales the noise.
        rng: Key of the noise that is added to the style in the first three quarters of the steps.
        steps: At least 1.
        learning_rate: Of Adam at its height, above 0; it rises over the first 5 % of the steps and falls over the last
            quarter.

    Returns:
        The style and the distances.

    Raises:
        DataError: A distance is not a finite number.

    Source: Karras et al. 2020, arXiv 1912.04958, appendix D.
    Differs from the paper: the noise images of the layers are neither searched nor regularised; the distance is an
        argument.
    """
    w = mean.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([w], lr=learning_rate)
    distances: list[float] = []
    for step in range(steps):
        t = step / steps
        optimiser.param_groups[0]["lr"] = learning_rate * _ramp(t, 1 / steps)
        size = _NOISE * std * max(1 - t / _NOISE_UNTIL, 0.0) ** 2
        drawn = torch.randn(w.shape, generator=torch_generator(rng.child("noise", step))).to(w)
        found = distance(synthesis(w + size * drawn), target)
        distances.append(_finite(found, step))
        (w.grad,) = torch.autograd.grad(found, w)
        optimiser.step()
    with torch.no_grad():
        distances.append(_finite(distance(synthesis(w), target), steps))
    return Projection(w.detach(), tuple(distances))


def pyramid_distance(x_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Return the mean square difference of images, summed over resolutions and over the batch.

    Sides are halved by averaging while the shorter one stays at least 4 pixels. What is coarse counts at every
    resolution: a shape that lies some pixels off is still nearer than none.

    Args:
        x_BCHW: Images.
        target_BCHW: Images of the same size; [1, C, H, W] stands for all.
    """
    total = (x_BCHW - target_BCHW).square().mean(dim=(1, 2, 3)).sum()
    while min(x_BCHW.shape[2:]) >= 2 * _COARSEST:
        x_BCHW, target_BCHW = F.avg_pool2d(x_BCHW, 2), F.avg_pool2d(target_BCHW, 2)
        total = total + (x_BCHW - target_BCHW).square().mean(dim=(1, 2, 3)).sum()
    return total


def _ramp(t: float, share: float) -> float:
    """Return the factor of the learning rate at time t in [0, 1): linear rise, plateau, half a cosine down."""
    fall = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - t) / _FALL))
    return fall * min(1.0, (t + share) / _RISE)


def _finite(found: Tensor, step: int) -> float:
    value = float(found.detach())
    if not math.isfinite(value):
        raise DataError(
            f"the distance at step {step} of the projection is {value}; it must be a finite number: check the target "
            "and lower the learning rate"
        )
    return value
