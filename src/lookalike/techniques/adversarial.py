"""Adversarial training as plain functions: losses of both players, and terms that come every few steps only.

Logits are scores before any sigmoid: high = looks real. Legend: B rows of a batch.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Loss = Literal["relativistic", "non_saturating", "hinge", "wasserstein"]
UNCENTRED: frozenset[Loss] = frozenset({"relativistic", "wasserstein"})
"""Losses that stay the same when the discriminator adds a constant to all of its logits."""


def discriminator_loss(name: Loss, real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return what the discriminator minimises.

    Args:
        name: Which loss.
        real_B: Logits of real rows, [B].
        fake_B: Logits of generated rows, [B]; the relativistic loss pairs them with the real ones in order.

    Returns:
        The mean over the batch, a scalar.

    Raises:
        ValueError: The logits differ in shape.

    Source: relativistic: Huang et al. 2024, arXiv 2501.05441, equation 2; non-saturating: Goodfellow et al. 2014,
        arXiv 1406.2661; hinge: Lim and Ye 2017, arXiv 1705.02894; Wasserstein: Arjovsky et al. 2017, arXiv 1701.07875.
    Differs from the paper: written as what is minimised.
    """
    _check_pair(real_B, fake_B)
    if name == "relativistic":
        return F.softplus(fake_B - real_B).mean()
    if name == "non_saturating":
        return F.softplus(-real_B).mean() + F.softplus(fake_B).mean()
    if name == "hinge":
        return F.relu(1 - real_B).mean() + F.relu(1 + fake_B).mean()
    return fake_B.mean() - real_B.mean()


def generator_loss(name: Loss, real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return what the generator minimises.

    Args:
        name: Which loss.
        real_B: Logits of real rows, [B]; only the relativistic loss reads them.
        fake_B: Logits of generated rows, [B].

    Returns:
        The mean over the batch, a scalar.

    Raises:
        ValueError: The logits differ in shape.

    Source: as `discriminator_loss`.
    Differs from the paper: written as what is minimised.
    """
    _check_pair(real_B, fake_B)
    if name == "relativistic":
        return F.softplus(real_B - fake_B).mean()
    if name == "non_saturating":
        return F.softplus(-fake_B).mean()
    return -fake_B.mean()


def centred_logits(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """Return the logits of real rows counted from the middle between both means, [B].

    The losses in `UNCENTRED` leave the discriminator free to add a constant, so the sign of its logits means nothing
    until that constant is gone.
    """
    return real_B - (real_B.mean() + fake_B.mean()) / 2


def lazy_weight(step: int, every: int) -> int:
    """Return the factor of a regulariser at one step: `every` at multiples of `every`, else 0 (leave it out).

    Args:
        step: Number of the step from 0.
        every: Steps from one use to the next, at least 1.

    Source: Karras et al. 2020, arXiv 1912.04958, section 3.1 (lazy regularisation).
    Differs from the paper: nothing.
    """
    return every if step % every == 0 else 0


def lazy_adam(lr: float, betas: tuple[float, float], every: int | None) -> tuple[float, tuple[float, float]]:
    """Return Adam's settings for a player whose lazy regulariser is a step of its own: k + 1 steps instead of k.

    Args:
        lr: Learning rate without the regulariser, above 0.
        betas: Adam's decay rates without it, in [0, 1).
        every: Steps from one use to the next, at least 1; None = there is no regulariser.

    Returns:
        Learning rate times c and betas to the power c, where c = every / (every + 1).

    Source: Karras et al. 2020, arXiv 1912.04958, appendix B (lazy regularisation).
    Differs from the paper: nothing.
    """
    c = 1.0 if every is None else every / (every + 1)
    return lr * c, (betas[0] ** c, betas[1] ** c)


def _check_pair(real_B: Tensor, fake_B: Tensor) -> None:
    # [B] against [B, 1] would broadcast to [B, B] and train on nonsense without a word.
    if real_B.ndim != 1 or real_B.shape != fake_B.shape:
        raise ValueError(
            f"logits of real and generated rows have shapes {list(real_B.shape)} and {list(fake_B.shape)}; "
            "both must be [B] with one B; flatten them, or draw as many rows of each"
        )
