"""A denoiser of coded rows: what each column says of itself is exact, what the others say of it is learnt.

Legend: B rows, D columns, K codes of a column, E length of a code's vector, H hidden width.
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

_FREQUENT = 0.05
_FREQUENCIES = 16


@final
class TabularDenoiser(nn.Module):
    """Logits of the codes of rows whose vectors carry Gaussian noise.

    A code is a fixed vector of length sqrt(E). By Bayes' rule the posterior of a column's code is the product of the
    Gaussian likelihood of its own noisy vector, which is known, and of its probability given the other columns, which
    residual layers learn. They see each column's own posterior mean, too.

    Args:
        sizes: Codes of each column, D, each at least 1.
        vector: Length E.
        hidden: Width H.
        layers: Residual blocks.

    Source: Dieleman et al. 2022, arXiv 2211.15089 (cross-entropy on noisy embeddings, score interpolation); Mueller et
        al. 2024, arXiv 2312.10431 (tables).
    Differs from the papers: fixed vectors, numbers coded in bins as well, the column's own likelihood in closed form.
    """

    def __init__(self, sizes: Sequence[int], vector: int, hidden: int, layers: int) -> None:
        """Make the parts without values; `initialise` fills them."""
        super().__init__()
        self.sizes, self.vector = tuple(sizes), vector
        d, total = len(self.sizes), sum(self.sizes)
        self.codes: Tensor
        self.log_share: Tensor
        self.start_D: Tensor
        ends = [0, *accumulate(self.sizes)]
        self.register_buffer("codes", torch.zeros(total, vector))
        self.register_buffer("log_share", torch.zeros(total))
        self.register_buffer("start_D", torch.tensor(ends[:-1]), persistent=False)
        self.spans = [slice(low, high) for low, high in pairwise(ends)]
        # Layers fill themselves from torch's one global generator, whose state is not ours to move.
        with torch.random.fork_rng(devices=[]):
            self.enter = nn.Linear(d * (2 * vector + 1), hidden)
            self.level = nn.Sequential(nn.Linear(2 * _FREQUENCIES, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
            self.blocks = nn.ModuleList(_Block(hidden) for _ in range(layers))
            self.norm = nn.LayerNorm(hidden)
            self.leave = nn.Linear(hidden, total)

    @torch.no_grad()
    def initialise(self, rng: Rng, shares: Sequence[Tensor], ordered: Sequence[bool]) -> None:
        """Draw the codes' vectors and the starting weights; an untrained network knows each column alone.

        Args:
            rng: Key.
            shares: Share of each code in the training rows, above 0, for each column.
            ordered: Whether a column's codes are values of a number, so that neighbours shall be near.
        """
        draw = torch_generator(rng)
        for span, share, waves in zip(self.spans, shares, ordered, strict=True):
            vectors = torch.randn(len(share), self.vector, generator=draw)
            if waves and len(share) > 2:
                smooth = _waves(len(share), self.vector, draw)
                # A value with a large share stands apart: it is told from its neighbours while there is much noise.
                vectors = torch.where((share < _FREQUENT).unsqueeze(1), smooth, vectors)
            self.codes[span] = nn.functional.normalize(vectors, dim=1) * math.sqrt(self.vector)
            self.log_share[span] = share.log()
        for parameter in self.parameters():
            if parameter.ndim > 1:
                parameter.normal_(generator=draw).mul_(1 / math.sqrt(parameter.shape[1]))
            else:
                parameter.zero_()
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.weight.fill_(1)
        self.leave.weight.zero_()
        for block in self.blocks:
            block.second.weight.mul_(0.1)  # type: ignore[union-attr,operator]

    def vectors(self, codes_BD: Tensor) -> Tensor:
        """Return the vectors of codes, [B, D, E]."""
        return nn.functional.embedding(codes_BD + self.start_D, self.codes)

    def means(self, logits: Sequence[Tensor]) -> Tensor:
        """Return the expected vectors under logits, [B, D, E]."""
        return torch.stack([a.softmax(1) @ self.codes[s] for a, s in zip(logits, self.spans, strict=True)], 1)

    def alone(self, x_BDE: Tensor, sigma_B1: Tensor) -> list[Tensor]:
        """Return the logits of each column given its own noisy vector only, D tensors [B, K]."""
        precision = 1 / sigma_B1.square()
        return [
            torch.addmm(self.log_share[span], x_BDE[:, d] * precision, self.codes[span].T)
            for d, span in enumerate(self.spans)
        ]

    def forward(self, x_BDE: Tensor, sigma_B1: Tensor, known_BD: Tensor) -> list[Tensor]:
        """Return the logits of each column given all noisy vectors, D tensors [B, K].

        Args:
            x_BDE: Vectors with noise of deviation sigma; without noise where known.
            sigma_B1: Noise level, above 0.
            known_BD: Columns without noise; their own logits mean nothing.
        """
        # Logits of hundreds, whose differences of one matter: not in reduced precision.
        with torch.autocast(x_BDE.device.type, enabled=False):
            own = self.alone(x_BDE, sigma_B1)
            average = self.means(own)
        known = known_BD.unsqueeze(-1)
        estimate = torch.where(known, x_BDE, average)
        scaled = torch.where(known, x_BDE, x_BDE * (sigma_B1.square() + 1).rsqrt().unsqueeze(-1))
        h = self.enter(torch.cat([scaled, estimate, known.to(x_BDE)], 2).flatten(1))
        level = self.level(_fourier(sigma_B1.log() / 4))
        for block in self.blocks:
            h = block(h, level)
        learnt = self.leave(self.norm(h)).float()
        return [a + learnt[:, span] for a, span in zip(own, self.spans, strict=True)]


@final
class _Block(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.first = nn.Linear(hidden, hidden)
        self.second = nn.Linear(hidden, hidden)

    def forward(self, h: Tensor, level: Tensor) -> Tensor:
        out: Tensor = self.second(nn.functional.silu(self.first(self.norm(h)) + level))
        return h + out


def _fourier(level_B1: Tensor) -> Tensor:
    speed = torch.arange(1, _FREQUENCIES + 1, device=level_B1.device) * (math.pi / 2)
    return torch.cat([(level_B1 * speed).sin(), (level_B1 * speed).cos()], 1)


def _waves(size: int, length: int, draw: torch.Generator) -> Tensor:
    """Return smooth random functions of the place in the order, [size, length]."""
    place = torch.linspace(-1, 1, size).unsqueeze(1)
    speed = torch.randn(1, length, generator=draw) * 3
    return math.sqrt(2) * torch.sin(place * speed + torch.rand(1, length, generator=draw) * 2 * math.pi)
