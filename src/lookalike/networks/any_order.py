"""One small network for each column, which sees any set of the other columns; all are computed side by side.

Legend: B rows, D columns, K codes of a column, E length of an embedding, H hidden width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import final

import torch
from torch import Tensor, nn

from lookalike.core.rng import Rng
from lookalike.techniques.training import torch_generator


@final
class AnyOrder(nn.Module):
    """Logits of each column given those that come before it in a row's own order.

    Args:
        sizes: Codes of each column, D, each at least 1.
        ordered: Whether the codes of a column are bins of a number, D: these start near their neighbours.
        embedding: Length E of what is known of a value.
        hidden: Width H of each column's network.
        layers: Residual layers of each column's network, at least 0.
        dropout: Share of hidden units dropped in training.

    Source: Uria et al. 2014, arXiv 1310.1757 (one network for all orders); Tiwald et al. 2025, arXiv 2501.12012 (a
        small network for each column over masked embeddings).
    Differs from the papers: embeddings are shared by all networks; hidden layers are residual.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        ordered: Sequence[bool],
        embedding: int,
        hidden: int,
        layers: int,
        dropout: float = 0.0,
    ) -> None:
        """Make the parts without values; `initialise` fills them."""
        super().__init__()
        self.sizes, self.ordered, self.dropout = tuple(sizes), tuple(ordered), dropout
        d = len(self.sizes)
        self.codes = nn.Parameter(torch.empty(sum(self.sizes), embedding))
        self.first = nn.Parameter(torch.empty(d, d * embedding, hidden))
        self.first_bias = nn.Parameter(torch.empty(d, 1, hidden))
        self.middle = nn.Parameter(torch.empty(layers, d, hidden, hidden))
        self.middle_bias = nn.Parameter(torch.empty(layers, d, 1, hidden))
        self.last = nn.Parameter(torch.empty(sum(self.sizes), hidden))
        self.last_bias = nn.Parameter(torch.empty(sum(self.sizes)))
        ends = [0, *accumulate(self.sizes)]
        self.start_D: Tensor
        self.register_buffer("start_D", torch.tensor(ends[:-1]), persistent=False)
        self.spans = [slice(low, high) for low, high in pairwise(ends)]

    @torch.no_grad()
    def initialise(self, rng: Rng, frequencies: Sequence[Tensor]) -> None:
        """Draw the starting weights; logits start at the logarithms of the training shares.

        Args:
            rng: Key of the weights.
            frequencies: Share of each code in the training rows, above 0, for each column.
        """
        draw = torch_generator(rng)
        self.codes.normal_(generator=draw)
        for span, ordered in zip(self.spans, self.ordered, strict=True):
            if ordered and span.stop - span.start > 2:
                self.codes[span].copy_(_waves(span.stop - span.start, self.codes.shape[1], draw))
        self.first.normal_(generator=draw).mul_(1 / math.sqrt(self.first.shape[1] / 2))
        self.middle.normal_(generator=draw).mul_(1 / math.sqrt(self.middle.shape[-1]))
        self.first_bias.zero_()
        self.middle_bias.zero_()
        self.last.zero_()
        self.last_bias.copy_(torch.cat([share.log() for share in frequencies]))

    def hidden(self, codes_BD: Tensor, seen_BDD: Tensor) -> Tensor:
        """Return the last hidden layer of every column's network, [D, B, H].

        Args:
            codes_BD: Codes; those that nobody sees may be any valid code.
            seen_BDD: seen[b, j, i] = 1 when the network of column j sees column i of row b; [j, j] must be 0.
        """
        value_BDE = nn.functional.embedding(codes_BD + self.start_D, self.codes)
        rows, d = codes_BD.shape
        masked = seen_BDD.unsqueeze(-1).to(value_BDE) * value_BDE.unsqueeze(1)
        h = torch.baddbmm(self.first_bias, masked.reshape(rows, d, -1).transpose(0, 1), self.first)
        return self._middle(h, self.middle, self.middle_bias)

    def _middle(self, h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        for w, b in zip(weight, bias, strict=True):
            active = nn.functional.gelu(h)
            if self.training and self.dropout:
                active = nn.functional.dropout(active, self.dropout)
            h = h + torch.baddbmm(b, active, w)
        return nn.functional.gelu(h)

    def forward(self, codes_BD: Tensor, seen_BDD: Tensor) -> list[Tensor]:
        """Return the logits of each column, D tensors [B, K]."""
        h_DBH = self.hidden(codes_BD, seen_BDD)
        return [
            torch.addmm(self.last_bias[span], h, self.last[span].T) for h, span in zip(h_DBH, self.spans, strict=True)
        ]

    def log_probability(self, codes_BD: Tensor, seen_BDD: Tensor) -> Tensor:
        """Return the log-probability of each code given what its network sees, [B, D]."""
        found = [
            nn.functional.cross_entropy(logits, codes, reduction="none")
            for logits, codes in zip(self(codes_BD, seen_BDD), codes_BD.unbind(1), strict=True)
        ]
        return -torch.stack(found, 1)

    def column(self, j: int, codes_BD: Tensor, seen_BD: Tensor) -> Tensor:
        """Return the logits of column j alone, [B, K]; seen_BD says which columns it sees."""
        value_BDE = nn.functional.embedding(codes_BD + self.start_D, self.codes)
        masked = (seen_BD.unsqueeze(-1).to(value_BDE) * value_BDE).reshape(1, len(codes_BD), -1)
        h = torch.baddbmm(self.first_bias[j : j + 1], masked, self.first[j : j + 1])
        h = self._middle(h, self.middle[:, j : j + 1], self.middle_bias[:, j : j + 1])
        return torch.addmm(self.last_bias[self.spans[j]], h[0], self.last[self.spans[j]].T)


def _waves(size: int, length: int, draw: torch.Generator) -> Tensor:
    """Return smooth random functions of the place in the order, [size, length], each of deviation near 1."""
    place = torch.linspace(-1, 1, size).unsqueeze(1)
    speed = torch.randn(1, length, generator=draw) * 3
    return math.sqrt(2) * torch.sin(place * speed + torch.rand(1, length, generator=draw) * 2 * math.pi)
