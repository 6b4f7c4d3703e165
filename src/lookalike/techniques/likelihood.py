"""How many bits a diffusion model needs for an image, and the loss that lets it learn its variance.

Shapes: B rows of a batch, T noise levels, ... any further axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lookalike.techniques.diffusion import (
    Schedule,
    gaussian_kl,
    learned_log_variance,
    posterior_coefficients,
    signal_and_noise,
)

# Estimates the clean rows from noisy rows [B, ...] and one time.
Clean = Callable[[Tensor, int], Tensor]
_SMALLEST = 1e-12


def bits_per_dim(
    clean: Clean, schedule: Schedule, x0: Tensor, generator: torch.Generator, bin_width: float = 2 / 255
) -> Tensor:
    """Return an upper bound of the bits per number that a model needs to send each row.

    Args:
        clean: The model's estimate of the clean rows, at time t in [0, T).
        schedule: The noise schedule.
        x0: Clean rows, [B, ...]; numbers on a grid of `bin_width`, -1 and 1 are its ends.
        generator: Source of the noise.
        bin_width: Distance of two neighbouring grey levels, above 0.

    Returns:
        Bits, [B] float64: L_T, the sum of the KL terms and L_0, divided by the numbers per row.

    Source: Ho et al. 2020, arXiv 2006.11239, equations 5 and 13.
    Differs from the paper: fresh noise at every time instead of one random time. The model's variance is beta.
    """
    x0 = x0.double()
    alpha_bar = schedule.alpha_bar_T.tolist()
    last = torch.tensor(1 - alpha_bar[-1], dtype=torch.float64).log()
    zero = torch.zeros((), dtype=torch.float64)
    total_B = _rows(gaussian_kl(math.sqrt(alpha_bar[-1]) * x0, last, zero, zero))
    for t in range(len(schedule)):
        a, s = signal_and_noise(schedule, torch.full((len(x0),), t), x0)
        x_t = a * x0 + s * torch.randn(x0.shape, generator=generator, dtype=torch.float64)
        guess = clean(x_t, t).double()
        if t == 0:
            deviation = float(schedule.beta_T[0].sqrt())
            total_B = total_B - _rows(discretised_log_likelihood(x0, guess, deviation, bin_width))
            continue
        weight, _, variance = posterior_coefficients(alpha_bar[t], alpha_bar[t - 1])
        narrow, wide = torch.tensor(variance, dtype=torch.float64).log(), schedule.beta_T[t].log()
        # Both Gaussians have the same share of x_t: their means differ by the estimates of x0 only.
        total_B = total_B + _rows(gaussian_kl(weight * x0, narrow, weight * guess, wide))
    return total_B / (x0[0].numel() * math.log(2))


def discretised_log_likelihood(x: Tensor, mean: Tensor, deviation: float, bin_width: float = 2 / 255) -> Tensor:
    """Return the log of the share of a Gaussian that falls into each number's bin, in nats, as x.

    Args:
        x: Numbers on the grid, from -1 to 1.
        mean: Of the Gaussian, as x.
        deviation: Of the Gaussian, above 0.
        bin_width: Width of a bin, above 0; the first and the last one reach to infinity.

    Source: Ho et al. 2020, arXiv 2006.11239, equation 13.
    Differs from the paper: nothing.
    """
    high = torch.special.ndtr((x + bin_width / 2 - mean) / deviation)
    low = torch.special.ndtr((x - bin_width / 2 - mean) / deviation)
    high = torch.where(x > 1 - bin_width / 2, torch.ones_like(high), high)
    low = torch.where(x < -1 + bin_width / 2, torch.zeros_like(low), low)
    return (high - low).clamp(min=_SMALLEST).log()


def variance_loss(schedule: Schedule, t: int, x0: Tensor, x_t: Tensor, guess: Tensor, fraction: Tensor) -> Tensor:
    """Return L_vlb of one time above 0, for a network that also gives the fraction of its log variance.

    Args:
        schedule: The noise schedule.
        t: Time in [1, T).
        x0: Clean rows, [B, ...].
        x_t: Noisy rows, as x0.
        guess: The network's estimate of x0, as x0; receives no gradient.
        fraction: Where the log variance lies between that of beta tilde (0) and beta (1), as x0.

    Returns:
        KL of the true posterior to the model's step, mean over numbers, in bits.

    Source: Nichol and Dhariwal 2021, arXiv 2102.09672, section 3.1.
    Differs from the paper: nothing; add .001 of it to the simple loss.
    """
    before, after = float(schedule.alpha_bar_T[t - 1]), float(schedule.alpha_bar_T[t])
    of_x0, of_xt, variance = posterior_coefficients(after, before)
    tilde = torch.tensor(variance, dtype=torch.float64)
    learned = learned_log_variance(fraction, schedule.beta_T[t], tilde)
    model = of_x0 * guess.detach() + of_xt * x_t
    return gaussian_kl(of_x0 * x0 + of_xt * x_t, tilde.log(), model, learned).mean() / math.log(2)


def _rows(value: Tensor) -> Tensor:
    return value.flatten(1).sum(1)
