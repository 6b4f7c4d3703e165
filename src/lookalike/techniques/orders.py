"""Orders of columns for models that predict each from those before it.

Legend: B rows, D columns. A rank says where a column stands: the lower, the earlier.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def usual_ranks(order: Sequence[int]) -> Tensor:
    """Return ranks in [0, 1), [D] float32, of an order given as columns from first to last.

    Example:
        >>> usual_ranks([2, 0, 1]).argsort().tolist()
        [2, 0, 1]
    """
    rank_D = torch.empty(len(order))
    rank_D[torch.tensor(order, dtype=torch.long)] = torch.arange(len(order)) / max(len(order), 1)
    return rank_D


def mixed_ranks(
    rows: int, rank_D: Tensor, any_order: float, generator: torch.Generator, label: int | None = None
) -> Tensor:
    """Return a rank for each column of each row, [B, D]: the usual order, or random columns in random order first.

    Args:
        rows: Number of rows B.
        rank_D: The usual order, in [0, 1).
        any_order: Share of rows with random columns first; how many of them is uniform too.
        generator: Source of randomness, on the device of the result.
        label: A column that stands first, alone, in half of the rows that do not keep the usual order.

    Source: Uria et al. 2014, arXiv 1310.1757, section 4 (the expectation over orders by drawing one for each row).
    Differs from the paper: the columns after the random ones keep the usual order, as in drawing under a condition.
    """
    device, d = generator.device, len(rank_D)
    place_BD = torch.rand(rows, d, generator=generator, device=device)
    share_B1 = torch.rand(rows, 1, generator=generator, device=device)
    first_BD = torch.rand(rows, d, generator=generator, device=device) < share_B1
    way_B1 = torch.rand(rows, 1, generator=generator, device=device)
    mixed_B1 = way_B1 < any_order
    if label is not None:
        alone_D = torch.arange(d, device=device) == label
        first_BD = torch.where(way_B1 < any_order / 2, alone_D, first_BD)
    return torch.where(first_BD & mixed_B1, place_BD - 1, rank_D.to(device))


def before(rank_BD: Tensor) -> Tensor:
    """Return whether column i stands before column j, [B, D (j), D (i)] bool; never for j itself."""
    return rank_BD.unsqueeze(1) < rank_BD.unsqueeze(2)
