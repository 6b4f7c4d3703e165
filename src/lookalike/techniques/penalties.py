"""Penalties that keep adversarial training stable and varied: R1, R2, the gradient penalty, path length, mode seeking.

All but the last differentiate twice, so the gradient reaches the weights of the network that is penalised. Legend: B
rows of a batch, C channels, H height, W width, Z numbers of a latent code, ... any further axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Penalty = Literal["zero_centred", "one_centred"]
PATH_LENGTH_DECAY = 0.01
_LEAST_MOVE = 1e-3


def zero_centred(logits_B: Tensor, x: Tensor, gamma: float) -> Tensor:
    """Return gamma / 2 times the mean squared length of the discriminator's gradient: R1 on reals, R2 on fakes.

    Args:
        logits_B: The discriminator's logits of `x`, [B], still in the graph; the loss can use the same ones.
        x: What the discriminator saw, [B, ...], with `requires_grad`; after augmentation, if there is any.
        gamma: Weight, at least 0.

    Returns:
        A scalar. Over real and generated rows in one batch it is the mean of R1 and R2: times 2 it is their sum.

    Raises:
        ValueError: `x` does not require a gradient.

    Source: R1: Mescheder et al. 2018, arXiv 1801.04406, equation 9; R1 with R2: Huang et al. 2024, arXiv 2501.05441,
        equations 3 and 4.
    Differs from the paper: nothing. Where rows meet inside the network (batch normalisation, minibatch deviation) the
        gradient is that of the sum of logits.

    Example:
        >>> x = torch.ones(2, 3, requires_grad=True)
        >>> float(zero_centred(x @ torch.tensor([1.0, 2.0, 2.0]), x, gamma=2.0))
        9.0
    """
    return _gradient(logits_B.sum(), x).flatten(1).square().sum(1).mean() * (gamma / 2)


def one_centred(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, weight: float, generator: torch.Generator
) -> Tensor:
    """Return the gradient penalty of WGAN-GP: weight times the mean of (length of the gradient - 1) squared.

    Args:
        critic: From rows [B, ...] to logits [B].
        real: Real rows, [B, ...].
        fake: Generated rows, as `real`.
        weight: lambda in the paper, at least 0; 10 there.
        generator: Draws the place between the two, uniformly, one for each row.

    Returns:
        A scalar.

    Source: Gulrajani et al. 2017, arXiv 1704.00028, equation 3 and algorithm 1.
    Differs from the paper: 1e-12 under the root keeps the derivative finite where the critic is flat.
    """
    share_B = torch.rand(len(real), generator=generator, device=generator.device, dtype=real.dtype).to(real.device)
    x = torch.lerp(real.detach(), fake.detach(), share_B.reshape(-1, *[1] * (real.ndim - 1))).requires_grad_()
    squares_B = _gradient(critic(x).sum(), x).flatten(1).square().sum(1)
    return ((squares_B + 1e-12).sqrt() - 1).square().mean() * weight


def mode_seeking(codes_BZ: Tensor, images: Tensor, label_B: Tensor | None = None) -> Tensor:
    """Return how near each other the generator's images lie for how far apart their codes are; large = collapse.

    Args:
        codes_BZ: Latent codes, [B, Z], not all equal.
        images: The generator's images of them, [B, ...], in about [-1, 1], still in the graph.
        label_B: Class numbers, [B]; rows that follow each other are compared if they are of one class, so sort them.
            None = all rows are of one class.

    Returns:
        The mean over pairs of neighbouring rows of |difference of codes| / |difference of images|, each the mean over
        their numbers; a scalar, 0 where no pair is of one class.

    Source: Mao et al. 2019, arXiv 1903.05628, equations 3 and 4.
    Differs from the paper: the mean of inverse ratios is what is minimised, as their inverse is what grows; pairs are
        neighbours in the batch; .001 below the line bounds the term where images are equal.

    Example:
        >>> codes, images = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [0.499]])
        >>> round(float(mode_seeking(codes, images)), 3)
        2.0
    """
    codes = (codes_BZ[1:] - codes_BZ[:-1]).abs().mean(1)
    moved = (images[1:] - images[:-1]).abs().flatten(1).mean(1)
    same = torch.ones_like(codes) if label_B is None else (label_B[1:] == label_B[:-1]).to(codes.dtype)
    return (same * codes / (moved + _LEAST_MOVE)).sum() / same.sum().clamp(min=1)


def path_lengths(images_BCHW: Tensor, w: Tensor, generator: torch.Generator) -> Tensor:
    """Return how far the images move along a random direction for a small move of the latent code.

    Args:
        images_BCHW: The generator's images of `w`, still in the graph.
        w: Latent codes, [B, ...], with `requires_grad`; axes after the first count as one long vector.
        generator: Draws the directions y ~ N(0, I) / sqrt(HW).

    Returns:
        The length of J transposed times y for each row, [B].

    Raises:
        ValueError: `w` does not require a gradient.

    Source: Karras et al. 2020, arXiv 1912.04958, section 3.2 and equation 4.
    Differs from the paper: 1e-12 under the root keeps the derivative finite where nothing moves.
    """
    pixels = images_BCHW.shape[-2] * images_BCHW.shape[-1]
    noise = torch.randn(images_BCHW.shape, generator=generator, device=generator.device, dtype=images_BCHW.dtype)
    y_BCHW = noise.to(images_BCHW.device) / pixels**0.5
    return (_gradient((images_BCHW * y_BCHW).sum(), w).flatten(1).square().sum(1) + 1e-12).sqrt()


def path_length(lengths_B: Tensor, mean: Tensor, decay: float = PATH_LENGTH_DECAY) -> tuple[Tensor, Tensor]:
    """Return the path-length penalty and its new running mean.

    Args:
        lengths_B: As `path_lengths` gives.
        mean: a in the paper, the running mean so far, a scalar tensor; 0 at the start. It belongs in the checkpoint.
        decay: Share of this batch in the new mean, in [0, 1].

    Returns:
        Mean of (length - a) squared with the new a, and the new a without a graph.

    Source: Karras et al. 2020, arXiv 1912.04958, equation 4; decay from appendix B.
    Differs from the paper: nothing; the weight gamma is the caller's.
    """
    a = mean.lerp(lengths_B.detach().mean().to(mean), decay)
    return (lengths_B - a).square().mean(), a


def path_length_weight(height: int, width: int) -> float:
    """Return the weight of the path-length penalty for images of a size.

    Args:
        height: Of the images, in pixels; one of the sides at least 4.
        width: Of the images, in pixels.

    Returns:
        ln 2 / (ln r - ln 2), with r the longer side.

    Source: Karras et al. 2020, arXiv 1912.04958, appendix B.
    Differs from the paper: without 1 / r squared, which stands in the directions of `path_lengths`; the longer side of
        images that are not square.

    Example:
        >>> round(path_length_weight(1024, 1024), 3)
        0.111
    """
    return math.log(2) / (math.log(max(height, width)) - math.log(2))


def _gradient(total: Tensor, x: Tensor) -> Tensor:
    if not x.requires_grad:
        raise ValueError("a gradient penalty needs the graph from its input; call requires_grad_() on it beforehand")
    (gradient,) = torch.autograd.grad(total, x, create_graph=True)
    return gradient
