"""How often each two values come together, in training rows and in rows that a generator would make.

Legend: B rows of a batch, N rows, D modelled columns, P columns with places, S codes of all columns counted through,
T parts of all columns (codes, those with places cut into slices), C cells of all columns, G groups of rows.
"""

from __future__ import annotations

from itertools import accumulate
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lookalike.networks.tabular_gan import RowShape

_MOST_CELLS = 1000
_MOST_WITHIN = 500
_MOST_SLICES = 8
_MOST_CLASSES = 4
_WITHIN = 0.2
"""Weight of the pairs within classes, beside 1 for those of all rows."""
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
        self.widths = [min(part, _cap(self.parts, room)) for part in self.parts]
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

    They are compared in all rows, and again within each class of a label, so that what it depends on is learnt.

    Args:
        cells: How rows are cut.
        codes_ND: Of training rows.
        places_ND: Of training rows.
        weight_N: How often each row is drawn in training, with sum 1.
        label: Column whose classes are looked at one by one; None = none.
    """

    def __init__(
        self, cells: Cells, codes_ND: Tensor, places_ND: Tensor, weight_N: Tensor, label: int | None = None
    ) -> None:
        """Count pairs."""
        self.cells, share_C = cells, torch.zeros(cells.count)
        for low in range(0, len(codes_ND), _CHUNK):
            rows = slice(low, low + _CHUNK)
            share_C += weight_N[rows].float() @ cells.of_rows(codes_ND[rows], places_ND[rows])
        self.scale_C = (share_C + _FLOOR).rsqrt()
        self.group_CG, self.weight_GCC = _groups(share_C, cells, label)
        self.joint_GCC = torch.zeros_like(self.weight_GCC)
        for low in range(0, len(codes_ND), _CHUNK):
            rows = slice(low, low + _CHUNK)
            here_BC = cells.of_rows(codes_ND[rows], places_ND[rows])
            self.joint_GCC += self._joint(here_BC, weight_N[rows, None].float())

    def to(self, device: torch.device) -> Joints:
        """Move to a device; returns itself."""
        self.cells = self.cells.to(device)
        self.scale_C, self.group_CG = self.scale_C.to(device), self.group_CG.to(device)
        self.joint_GCC, self.weight_GCC = self.joint_GCC.to(device), self.weight_GCC.to(device)
        return self

    def distance(self, chance_BC: Tensor) -> Tensor:
        """Return the mean chi-square distance of two columns from the training rows, a scalar.

        The two halves of the batch give a difference each, and their product is free of what chance adds to a square;
        so it may be below 0.

        Args:
            chance_BC: Probability of each cell for rows of independently drawn columns. One row tells nothing: 0.
        """
        half = len(chance_BC) // 2
        if not half:
            return chance_BC.sum() * 0
        parts = chance_BC[:half], chance_BC[half:]
        one_GCC, other_GCC = (self._joint(part, 1 / len(part)) - self.joint_GCC for part in parts)
        return (one_GCC * other_GCC * self.weight_GCC).sum()

    def _joint(self, chance_BC: Tensor, weight: Tensor | float) -> Tensor:
        scaled_BC, group_BG = chance_BC * self.scale_C, chance_BC @ self.group_CG
        found: Tensor = (group_BG.T.unsqueeze(2) * scaled_BC).mT @ (scaled_BC * weight)
        return found


def _groups(share_C: Tensor, cells: Cells, label: int | None) -> tuple[Tensor, Tensor]:
    """Return which cells make a row part of a group, scaled, [C, G], and the weight of each pair in it, [G, C, C].

    All rows are the first group: the cells of any one column sum to 1. The classes of the label are the others: ranges
    of a number, the commonest values of a category and the rest.
    """
    widths = cells.widths
    column_C = torch.arange(len(widths)).repeat_interleave(torch.tensor(widths))
    group_CG, apart_CC = (column_C == 0).float().unsqueeze(1), (column_C != column_C[:, None]).float()
    weights = [apart_CC / max(1, len(widths) * (len(widths) - 1))]
    if label is not None and len(widths) > 2 and cells.count <= _MOST_WITHIN:  # Beyond, a step would take seconds.
        place_C = (column_C == label).nonzero().flatten()
        classes = min(len(place_C), _MOST_CLASSES)
        own_CG, count = torch.zeros(len(column_C), classes), torch.arange(len(place_C))
        if cells.shape.bins[label]:
            own_CG[place_C, count * classes // len(count)] = 1
        else:
            order = share_C[place_C].argsort(descending=True, stable=True)
            own_CG[place_C[order], count.clamp(max=classes - 1)] = 1
        group_CG = torch.cat([group_CG, own_CG * (share_C @ own_CG + _FLOOR).rsqrt()], 1)
        other_C = (column_C != label).float()
        pairs = (len(widths) - 1) * (len(widths) - 2)
        weights += [apart_CC * other_C * other_C[:, None] * (_WITHIN / pairs)] * classes
    return group_CG, torch.stack(weights)


def _cap(parts: list[int], least: int) -> int:
    """Return the most cells that a column may have so that all have as many as there are to give; at least `least`."""
    left, cap = _MOST_CELLS, 0
    for place, part in enumerate(sorted(parts)):
        cap = left // (len(parts) - place)
        if part > cap:
            break
        left, cap = left - part, part
    return max(least, cap)


def _common_first(total: Tensor, width: int) -> Tensor:
    """Return the cell of each part: where they are too many the commonest have their own, all others share the last."""
    if len(total) <= width:
        return torch.arange(len(total))
    order = total.argsort(descending=True, stable=True)
    cell = torch.empty_like(order)
    cell[order] = torch.arange(len(order)).clamp(max=width - 1)
    return cell
