"""How often each two values come together, in training rows and in rows that a generator would make.

Legend: B rows of a batch, N rows, D modelled columns, P columns with places, S codes of all columns counted through,
K codes of a column, T parts of all columns (codes, those with places cut into slices), C cells of all columns.
"""

from __future__ import annotations

from itertools import accumulate
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lookalike.networks.tabular_gan import RowShape

_MOST_CELLS = 1000
_MOST_SLICES = 8
_CHUNK = 8192
_FLOOR = 0.002
"""Added to the share of each cell, so that what is hardly ever there does not drown the rest."""


@final
class Cells:
    """Cuts rows into cells: a code is one, a code with places is cut into slices, rare codes of a column share one.

    Args:
        shape: Columns.
        codes_ND: Of training rows.
        places_ND: Of training rows.
    """

    def __init__(self, shape: RowShape, codes_ND: Tensor, places_ND: Tensor) -> None:
        """Count what is common."""
        self.shape, columns = shape, list(zip(shape.sizes, shape.bins, strict=True))
        room = max(2, _MOST_CELLS // max(1, len(columns)))
        self.slices = [max(1, min(_MOST_SLICES, (room - size + bins) // bins)) if bins else 1 for size, bins in columns]
        self.parts = [size + bins * (cut - 1) for (size, bins), cut in zip(columns, self.slices, strict=True)]
        self.widths = [min(part, room) for part in self.parts]
        total_T = torch.zeros(sum(self.parts))
        for low in range(0, len(codes_ND), _CHUNK):
            total_T += self._cut(codes_ND[low : low + _CHUNK], places_ND[low : low + _CHUNK]).sum(0)
        first = accumulate([0, *self.widths[:-1]])
        each = zip(torch.split(total_T, self.parts), self.widths, first, strict=True)
        self.cell_T = torch.cat([_common_first(part, width) + start for part, width, start in each])
        self.edges = {cut: (torch.arange(1, cut) / cut).logit() for cut in set(self.slices)}

    @property
    def count(self) -> int:
        """Number of cells C."""
        return sum(self.widths)

    def to(self, device: torch.device) -> Cells:
        """Move to a device; returns itself."""
        self.cell_T = self.cell_T.to(device)
        self.edges = {cut: edge.to(device) for cut, edge in self.edges.items()}
        return self

    def of_rows(self, codes_BD: Tensor, places_BD: Tensor) -> Tensor:
        """Return the cells that rows lie in, one 1 for each column, [B, C]."""
        return self._pooled(self._cut(codes_BD, places_BD))

    def of_distributions(self, chance_BS: Tensor, mean_BP: Tensor, scale_BP: Tensor) -> Tensor:
        """Return the probability of each cell, [B, C]; the cells of a column sum to 1.

        Args:
            chance_BS: Probability of each code.
            mean_BP: Mean of the logit of a place.
            scale_BP: Logarithm of the scale of that logit, which is logistic.
        """
        found, p = [], 0
        for span, bins, cut in zip(self.shape.spans, self.shape.bins, self.slices, strict=True):
            placed_BK, rest_BK = torch.split(chance_BS[:, span], [bins, span.stop - span.start - bins], 1)
            if bins:
                below = ((self.edges[cut] - mean_BP[:, p, None]) * (-scale_BP[:, p, None]).exp()).sigmoid()
                zero = torch.zeros_like(mean_BP[:, :1])
                inside = torch.cat([below, zero + 1], 1) - torch.cat([zero, below], 1)
                placed_BK, p = (placed_BK.unsqueeze(2) * inside.unsqueeze(1)).flatten(1), p + 1
            found += [placed_BK, rest_BK]
        return self._pooled(torch.cat(found, 1))

    def _cut(self, codes_BD: Tensor, places_BD: Tensor) -> Tensor:
        found = []
        for d, (bins, cut, part) in enumerate(zip(self.shape.bins, self.slices, self.parts, strict=True)):
            inside = codes_BD[:, d] * cut + (places_BD[:, d] * cut).long().clamp(0, cut - 1)
            place = torch.where(codes_BD[:, d] < bins, inside, codes_BD[:, d] + bins * (cut - 1))
            found.append(one_hot(place, part).float())
        return torch.cat(found, 1)

    def _pooled(self, parts_BT: Tensor) -> Tensor:
        if parts_BT.shape[1] == self.count:  # Nothing shares a cell; the order within a column is of no account.
            return parts_BT
        return parts_BT.new_zeros(len(parts_BT), self.count).index_add(1, self.cell_T, parts_BT)


@final
class Joints:
    """The joint shares of every two columns of the training rows, and how far generated rows are from them.

    Args:
        cells: How rows are cut.
        codes_ND: Of training rows.
        places_ND: Of training rows.
        weight_N: How often each row is drawn in training, with sum 1.
        device: Where distances are computed.
    """

    def __init__(
        self, cells: Cells, codes_ND: Tensor, places_ND: Tensor, weight_N: Tensor, device: torch.device
    ) -> None:
        """Count pairs."""
        joint_CC = torch.zeros(cells.count, cells.count, dtype=torch.float64)
        for low in range(0, len(codes_ND), _CHUNK):
            rows = slice(low, low + _CHUNK)
            here_BC = cells.of_rows(codes_ND[rows], places_ND[rows])
            joint_CC += here_BC.T @ (here_BC * weight_N[rows, None].float())
        self.cells = cells.to(device)
        self.scale_C = (joint_CC.diagonal() + _FLOOR).rsqrt().float().to(device)
        self.joint_CC = joint_CC.float().to(device) * self.scale_C * self.scale_C[:, None]
        column_C = torch.arange(len(cells.widths)).repeat_interleave(torch.tensor(cells.widths)).to(device)
        pairs = max(1, len(cells.widths) * (len(cells.widths) - 1))
        self.weight_CC = (column_C != column_C[:, None]).float() / pairs

    def distance(self, chance_BC: Tensor) -> Tensor:
        """Return the mean chi-square distance of two columns from the training rows, a scalar.

        The two halves of the batch give a difference each, and their product is free of what chance adds to a square;
        so it may be below 0.

        Args:
            chance_BC: Probability of each cell for B >= 2 rows whose columns are drawn independently.
        """
        scaled_BC = chance_BC * self.scale_C
        halves = scaled_BC[: len(scaled_BC) // 2], scaled_BC[len(scaled_BC) // 2 :]
        one_CC, other_CC = (half.T @ half / len(half) - self.joint_CC for half in halves)
        return (one_CC * other_CC * self.weight_CC).sum()


def _common_first(total: Tensor, width: int) -> Tensor:
    """Return the cell of each part: the commonest have cells of their own, all others share the last one."""
    order = total.argsort(descending=True, stable=True)
    cell = torch.empty_like(order)
    cell[order] = torch.arange(len(order)).clamp(max=width - 1)
    return cell
