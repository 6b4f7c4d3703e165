"""Generator and critic of rows of codes and places.

Legend: B rows, D columns, P columns with places, K codes of a column, S codes of all columns counted through,
Z latent numbers, H hidden width, M rows that a critic sees at once, F = S + P features of a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import final

import torch
from torch import Tensor, nn

from lookalike.core.rng import Rng
from lookalike.techniques.training import torch_generator

_SLOPE = 0.2


@final
@dataclass(frozen=True)
class RowShape:
    """How the columns of a row lie in one long vector of features.

    Attributes:
        sizes: Codes of each column, D, each at least 1.
        bins: Codes of each column, D, that have a place; they come first in the column. 0 = the column has no places.
    """

    sizes: tuple[int, ...]
    bins: tuple[int, ...]

    @property
    def codes(self) -> int:
        """Number of codes S."""
        return sum(self.sizes)

    @property
    def spans(self) -> list[slice]:
        """Where the codes of each column lie, D."""
        return [slice(low, high) for low, high in pairwise([0, *accumulate(self.sizes)])]

    @property
    def placed(self) -> list[int]:
        """Columns with places, P."""
        return [d for d, bins in enumerate(self.bins) if bins]

    def features(self, codes_BD: Tensor, places_BD: Tensor) -> Tensor:
        """Return what a critic sees of rows of data, [B, F]."""
        start_D = codes_BD.new_tensor([0, *accumulate(self.sizes)][:-1])
        one_BS = torch.zeros(len(codes_BD), self.codes, device=codes_BD.device).scatter_(1, codes_BD + start_D, 1.0)
        return self.joined(one_BS, places_BD[:, self.placed].to(one_BS))

    def joined(self, one_BS: Tensor, places_BP: Tensor) -> Tensor:
        """Return features of one-hot codes and places; a place counts only beside a code that has one."""
        if not self.placed:
            return one_BS
        spans = self.spans
        used = [one_BS[:, spans[d].start : spans[d].start + self.bins[d]].sum(1) for d in self.placed]
        return torch.cat([one_BS, torch.stack(used, 1) * (2 * places_BP - 1)], 1)


@final
class RowGenerator(nn.Module):
    """From latent vectors and one asked code of each row to the distribution of all codes and places.

    Args:
        shape: Columns.
        latent: Length Z.
        hidden: Width H.
        layers: Residual layers.

    Source: Xu et al. 2019, arXiv 1907.00503, section 4.3.
    Differs from the paper: residual layers without batch normalisation; places have noise of their own.
    """

    def __init__(self, shape: RowShape, latent: int, hidden: int, layers: int) -> None:
        """Make the parts without values; `initialise` fills them."""
        super().__init__()
        self.shape, self.latent = shape, latent
        self.asked = nn.Parameter(torch.empty(shape.codes, hidden))
        with torch.random.fork_rng(devices=[]):
            self.enter = nn.Linear(latent, hidden)
            self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
            self.leave = nn.Linear(hidden, shape.codes + 2 * len(shape.placed))

    @torch.no_grad()
    def initialise(self, rng: Rng, shares: Sequence[Tensor]) -> None:
        """Draw the starting weights; logits start at the logarithms of the training shares, places evenly spread.

        Args:
            rng: Key.
            shares: Share of each code in the training rows, above 0, for each column.
        """
        draw = torch_generator(rng)
        _fill(self, draw)
        self.leave.weight.mul_(0.5)
        self.leave.bias[: self.shape.codes] = torch.cat([share.log() for share in shares])

    def forward(self, z_BZ: Tensor, asked_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of codes [B, S], and means and log-scales of the logits of places, [B, P] each.

        Args:
            z_BZ: Latent vectors.
            asked_B: The asked code, counted through; -1 = none.
        """
        there = (asked_B >= 0).unsqueeze(1)
        h = self.enter(z_BZ) + nn.functional.embedding(asked_B.clamp(min=0), self.asked) * there
        for layer in self.layers:
            h = h + layer(nn.functional.leaky_relu(h, _SLOPE))
        out = self.leave(nn.functional.leaky_relu(h, _SLOPE))
        p = len(self.shape.placed)
        logits_BS, mean_BP, scale_BP = out.split([self.shape.codes, p, p], 1)
        return logits_BS, mean_BP, scale_BP.clamp(-6, 3)


@final
class RowCritic(nn.Module):
    """From packs of rows to how real they look.

    Args:
        shape: Columns.
        pack: Rows M that are judged together.
        hidden: Width H.
        layers: Residual layers.

    Source: Xu et al. 2019, arXiv 1907.00503, section 4.3; packs: Lin et al. 2018, arXiv 1712.04086.
    Differs from the papers: residual layers without dropout; of the asked code it sees the column alone, since its
        value stands in the row.
    """

    def __init__(self, shape: RowShape, pack: int, hidden: int, layers: int) -> None:
        """Make the parts without values; `initialise` fills them."""
        super().__init__()
        self.pack = pack
        columns = len(shape.sizes)
        with torch.random.fork_rng(devices=[]):
            self.enter = nn.Linear(pack * (shape.codes + len(shape.placed) + columns), hidden)
            self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
            self.leave = nn.Linear(hidden, 1)
        self.scale = 1 / math.sqrt(pack * columns)

    @torch.no_grad()
    def initialise(self, rng: Rng) -> None:
        """Draw the starting weights."""
        _fill(self, torch_generator(rng))
        self.enter.weight.mul_(math.sqrt(self.enter.in_features) * self.scale)

    def forward(self, x_BX: Tensor) -> Tensor:
        """Return a score for each pack, [B / M].

        Args:
            x_BX: Features of rows and the one-hot asked column, [B, F + D].
        """
        h = self.enter(x_BX.reshape(-1, self.enter.in_features))
        for layer in self.layers:
            h = h + layer(nn.functional.leaky_relu(h, _SLOPE))
        score: Tensor = self.leave(nn.functional.leaky_relu(h, _SLOPE))
        return score.squeeze(1)


def _fill(network: nn.Module, draw: torch.Generator) -> None:
    for parameter in network.parameters():
        if parameter.ndim > 1:
            parameter.normal_(generator=draw).mul_(1 / math.sqrt(parameter.shape[1]))
        else:
            parameter.zero_()
