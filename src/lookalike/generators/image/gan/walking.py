"""Rows in runs that walk from the image of one seed to that of the next one.

Legend: B rows, Z numbers of a latent code, D numbers of a style, L layers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lookalike.techniques.interpolation import spherical
from lookalike.techniques.perceptual_path import Space


def in_runs(n: int, steps: int, classes: int) -> npt.NDArray[np.int64]:
    """Return class numbers, [n], that take turns from run to run.

    Example:
        >>> in_runs(5, 2, 2).tolist()
        [0, 0, 1, 1, 0]
    """
    return np.arange(n, dtype=np.int64) // steps % classes


def stations(part: slice, steps: int) -> tuple[list[int], list[int], Tensor]:
    """Return for each row of a slice the rows whose seeds it lies between, and its share of the way, [B].

    Args:
        part: Numbers of the rows.
        steps: Rows of one run, at least 2; the first one is the image of its own seed.

    Example:
        >>> stations(slice(3, 6), 2)
        ([2, 4, 4], [4, 6, 6], tensor([0.5000, 0.0000, 0.5000]))
    """
    rows = range(part.start, part.stop)
    start = [row - row % steps for row in rows]
    share_B = torch.tensor([row % steps / steps for row in rows], dtype=torch.float32)
    return start, [row + steps for row in start], share_B


def between(start: Tensor, end: Tensor, share_B: Tensor, space: Space) -> Tensor:
    """Return latents on the way: styles [B, L, D] on a straight line (w), codes [B, Z] on an arc (z)."""
    if space == "w":
        return torch.lerp(start, end, share_B[:, None, None])
    return spherical(start, end, share_B)
