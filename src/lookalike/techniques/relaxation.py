"""Draws from categories that a gradient can pass through, and logits brought to given shares.

Legend: B rows of a batch, K categories.
"""

from __future__ import annotations

import torch
from torch import Tensor


def gumbel(shape: torch.Size | tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return standard Gumbel noise."""
    # Much faster on a CPU than torch's exponential noise; at 0 and 1 the logarithms would be infinite.
    even = torch.rand(shape, generator=generator, device=generator.device).clamp_(1e-9, 1 - 6e-8)
    return even.log_().neg_().log_().neg_()


def straight_through(logits_BK: Tensor, gumbel_BK: Tensor, temperature: float) -> Tensor:
    """Return one-hot draws, exactly distributed as the softmax of the logits, with the gradient of a soft draw.

    Args:
        logits_BK: Logarithms of probabilities, up to a constant.
        gumbel_BK: Standard Gumbel noise.
        temperature: Of the soft draw, above 0; lower = less biased gradients that vary more.

    Returns:
        [B, K], one 1 in each row.

    Source: Jang et al. 2017, arXiv 1611.01144, equations 1 and 2 and section 2.2 (straight-through).
    Differs from the paper: nothing.
    """
    noisy = logits_BK + gumbel_BK
    soft = (noisy / temperature).softmax(1)
    hard = torch.zeros_like(soft).scatter_(1, noisy.argmax(1, keepdim=True), 1.0)
    # In this order it is exactly one-hot.
    return hard + (soft - soft.detach())


def shift_to_shares(logits_BK: Tensor, share_K: Tensor, rounds: int) -> Tensor:
    """Return what to add to logits so that their mean softmax over the rows is a given distribution, [K].

    Args:
        logits_BK: Of many rows.
        share_K: The distribution; a category of share 0 is pushed out.
        rounds: Rounds of iterative scaling.

    Source: Deming and Stephan 1940, doi:10.1214/aoms/1177731829 (iterative proportional fitting).
    Differs from the paper: one margin only, shared by rows that keep their own odds.
    """
    shift = torch.zeros_like(share_K)
    for _ in range(rounds):
        mean = (logits_BK + shift).softmax(1).mean(0)
        shift = shift + share_K.clamp(min=1e-12).log() - mean.clamp(min=1e-12).log()
    return shift
