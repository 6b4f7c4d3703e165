"""Exponential moving average of weights, with its memory counted in images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor


def decay(batch: int, seen: int, half_life: float, ramp: float) -> float:
    """Return how much of the average stays after one update.

    Args:
        batch: Images since the last update, at least 1.
        seen: Images seen in all, this batch included.
        half_life: Images after which an old weight counts half, above 0.
        ramp: Upper bound of the half-life as a share of the images seen, above 0; forgets the first weights early.

    Returns:
        A number in (0, 1).

    Source: Karras et al. 2022, arXiv 2206.00364, appendix F.2 (half-life and ramp-up ratio).
    Differs from the paper: the ramp is an argument.

    Example:
        >>> decay(batch=10, seen=1000, half_life=10, ramp=0.1)
        0.5
    """
    return float(0.5 ** (batch / max(min(half_life, ramp * seen), 1e-8)))


@final
class Ema:
    """The running average of a set of tensors.

    Args:
        source: Tensors to follow, by name; they are read at each update.
        half_life: In images, above 0.
        ramp: As in `decay`.
    """

    def __init__(self, source: Mapping[str, Tensor], half_life: float, ramp: float = 0.1) -> None:
        """Start at the present values."""
        self.half_life = half_life
        self.ramp = ramp
        self._source = {name: value.detach() for name, value in source.items()}
        self.average = {name: value.clone() for name, value in self._source.items()}

    @torch.no_grad()
    def update(self, batch: int, seen: int) -> None:
        """Move the average towards the present values after a batch of images; `seen` counts that batch too."""
        share = 1 - decay(batch, seen, self.half_life, self.ramp)
        torch._foreach_lerp_(list(self.average.values()), list(self._source.values()), share)
