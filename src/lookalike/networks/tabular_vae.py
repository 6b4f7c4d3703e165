"""Encoder and decoder between rows of codes and a short normal vector.

Legend: B rows, D columns, K codes of a column, S codes of all columns counted through, Z latent numbers,
H hidden width.
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
class TabularVae(nn.Module):
    """A variational auto-encoder of rows whose columns are independent given the latent vector.

    Args:
        sizes: Codes of each column, D, each at least 1.
        latent: Length Z.
        hidden: Width H.
        layers: Residual layers of either part, at least 0.

    Source: Kingma and Welling 2014, arXiv 1312.6114.
    Differs from the paper: residual layers; rows enter as sums of vectors, one for each code.
    """

    def __init__(self, sizes: Sequence[int], latent: int, hidden: int, layers: int) -> None:
        """Make the parts without values; `initialise` fills them."""
        super().__init__()
        self.sizes = tuple(sizes)
        total, ends = sum(self.sizes), [0, *accumulate(self.sizes)]
        self.start_D: Tensor
        self.register_buffer("start_D", torch.tensor(ends[:-1]), persistent=False)
        self.spans = [slice(low, high) for low, high in pairwise(ends)]
        self.codes = nn.Parameter(torch.empty(total, hidden))
        with torch.random.fork_rng(devices=[]):
            self.inward = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
            self.posterior = nn.Linear(hidden, 2 * latent)
            self.enter = nn.Linear(latent, hidden)
            self.outward = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
            self.leave = nn.Linear(hidden, total)

    @torch.no_grad()
    def initialise(self, rng: Rng, shares: Sequence[Tensor]) -> None:
        """Draw the starting weights; logits start at the logarithms of the training shares, the posterior at N(0, 1).

        Args:
            rng: Key.
            shares: Share of each code in the training rows, above 0, for each column.
        """
        draw = torch_generator(rng)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                parameter.normal_(generator=draw).mul_(1 / math.sqrt(parameter.shape[1]))
            else:
                parameter.zero_()
        self.codes.normal_(generator=draw).mul_(1 / math.sqrt(len(self.sizes)))
        self.posterior.weight.mul_(0.1)
        self.leave.weight.mul_(0.1)
        self.leave.bias.copy_(torch.cat([share.log() for share in shares]))

    def encode(self, codes_BD: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the latent vector, [B, Z] each."""
        h = nn.functional.embedding(codes_BD + self.start_D, self.codes).sum(1)
        for layer in self.inward:
            h = h + layer(nn.functional.gelu(h))
        mean, log_variance = self.posterior(nn.functional.gelu(h)).chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)

    def decode(self, z_BZ: Tensor) -> list[Tensor]:
        """Return the logits of each column, D tensors [B, K]."""
        h = self.enter(z_BZ)
        for layer in self.outward:
            h = h + layer(nn.functional.gelu(h))
        logits_BS: Tensor = self.leave(nn.functional.gelu(h))
        return [logits_BS[:, span] for span in self.spans]

    def log_probability(self, z_BZ: Tensor, codes_BD: Tensor) -> Tensor:
        """Return the log-probability of each code given the latent vector, [B, D]."""
        found = [
            nn.functional.cross_entropy(logits, codes, reduction="none")
            for logits, codes in zip(self.decode(z_BZ), codes_BD.unbind(1), strict=True)
        ]
        return -torch.stack(found, 1)
