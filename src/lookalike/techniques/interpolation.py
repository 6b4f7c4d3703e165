"""The way from one latent code to another.

Legend: ... any axes, Z numbers of a code.
"""

from __future__ import annotations

import torch
from torch import Tensor

_PARALLEL = 1e-4


def spherical(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Return codes on the arc from one code to another, so that their length stays that of a drawn code.

    Args:
        start: Codes, [..., Z].
        end: Codes, [..., Z]; opposite ones have no one arc, and get the straight line.
        share: Part of the way, [...] or anything that broadcasts to it; 0 = start, 1 = end.

    Returns:
        [..., Z].

    Source: Shoemake 1985, doi 10.1145/325165.325242; for latent codes White 2016, arXiv 1609.04468.
    Differs from the papers: the angle is that of the directions; lengths are interpolated linearly.
    """
    t = share[..., None]
    long, other = start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True)
    a, b = start / long.clamp(min=1e-12), end / other.clamp(min=1e-12)
    angle = (a * b).sum(-1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine.clamp(min=1e-12)
    straight = torch.lerp(start, end, t)
    return torch.where(sine > _PARALLEL, arc * torch.lerp(long, other, t), straight)
