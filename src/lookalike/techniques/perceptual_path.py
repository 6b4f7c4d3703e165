"""How fast images change on the way from one latent to another, as features see it.

Legend: B pairs, N pairs in all, C channels, H height, W width, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lookalike.core.rng import Rng

Values = npt.NDArray[np.float64]
Space = Literal["w", "z"]


@runtime_checkable
class Walkable(Protocol):
    """A fitted generator that shows images of any latent, also of those between two."""

    @property
    def space(self) -> Space:
        """Where paths are straight: w = styles, joined by lines; z = normal codes, joined by great circles."""
        ...

    def latents(self, labels: Sequence[str], rng: Rng) -> Tensor:
        """Return a new latent for each class name, [B, ...]; row i depends on its child ("row", i) alone."""
        ...

    def shown(self, latent: Tensor, labels: Sequence[str]) -> Tensor:
        """Return images in about [-1, 1], [B, C, H, W], always the same for the same latent."""
        ...


@runtime_checkable
class Sees(Protocol):
    """A feature extractor that takes images whose values are not rounded to 8 bits."""

    def see(self, x_BCHW: Tensor) -> Tensor:
        """Return features, [B, D], of images in [-1, 1]; of rounded ones the same as `embed` gives."""
        ...


def between(first: Tensor, second: Tensor, t_B: Tensor, space: Space) -> Tensor:
    """Return latents on the way: on lines in w, on great circles in z.

    Args:
        first: [B, ...], where t = 0.
        second: [B, ...], where t = 1.
        t_B: Place of each, any real number.
        space: `w` or `z`.

    Source: Karras et al. 2019, arXiv:1812.04948, section 4.1; great circles: Shoemake 1985, doi:10.1145/325334.325242.
    Differs from the papers: codes keep their lengths, between which the length on the way changes.

    Example:
        >>> between(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]]), torch.tensor([0.5]), "z")
        tensor([[1.4142, 1.4142]])
    """
    dtype = first.dtype
    # In double precision: a step of 1e-4 has few digits left in t itself.
    first, second = first.double(), second.double()
    t = t_B.view(-1, *[1] * (first.dim() - 1)).to(first)
    line = torch.lerp(first, second, t)
    if space == "w":
        return line.to(dtype)
    cosine = torch.nn.functional.cosine_similarity(first, second, dim=-1).clamp(-1, 1)[..., None]
    angle = cosine.acos()
    circle = (((1 - t) * angle).sin() * first + (t * angle).sin() * second) / angle.sin()
    # On one line there is no circle: its formula is 0 / 0.
    return torch.where(angle.sin() < 1e-6, line, circle).to(dtype)


def squared_speeds(
    show: Callable[[Tensor], Tensor],
    see: Callable[[Tensor], Tensor],
    ends: tuple[Tensor, Tensor],
    t_B: Tensor,
    epsilon: float,
    space: Space,
) -> Tensor:
    """Return the squared change of the features over a step of the path, divided by epsilon squared, [B] float64.

    Args:
        show: From latents to images in about [-1, 1]; what lies outside is clipped, as in an image.
        see: From images to features.
        ends: Latents at t = 0 and at t = 1.
        t_B: Where on each path.
        epsilon: Length of the step; the whole path is 1.
        space: `w` or `z`.

    Source: Karras et al. 2019, arXiv:1812.04948, equation 2 and the one for w below it.
    Differs from the paper: squared distance of any features.
    """
    first, second = ends
    steps = torch.cat([between(first, second, t_B.double() + step, space) for step in (0.0, epsilon)])
    x_BCHW = show(steps).clamp(-1, 1)
    before_BD, after_BD = see(x_BCHW).double().cpu().chunk(2)
    return (after_BD - before_BD).square().sum(1) / epsilon**2


def trimmed(values_N: Values, share: float = 0.01) -> Values:
    """Return the values between their `share` and 1 - `share` quantiles, ends included.

    Example:
        >>> trimmed(np.array([0.0, 1.0, 2.0, 3.0, 100.0]), 0.2).tolist()
        [1.0, 2.0, 3.0]
    """
    low, high = np.quantile(values_N, [share, 1 - share])
    kept: Values = values_N[(values_N >= low) & (values_N <= high)]
    return kept
