"""Diffusion as plain functions: noise schedules, forward process, posterior, parametrisations, weights and losses.

Shapes: B rows of a batch, T noise levels, ... any further axes. Time t counts from 0 (almost clean) to T - 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor

Prediction = Literal["v", "epsilon"]
ScheduleName = Literal["linear", "cosine"]
DISCRETE_STEPS = 1000


@final
@dataclass(frozen=True)
class Schedule:
    """A variance-preserving noise schedule with discrete times.

    Attributes:
        name: Which formula made it.
        beta_T: Variance added at each step, float64, in (0, 1).
        alpha_bar_T: Share of the signal's variance left after each step, float64, falling.
    """

    name: ScheduleName
    beta_T: Tensor
    alpha_bar_T: Tensor

    def __len__(self) -> int:
        """Number of noise levels T."""
        return len(self.beta_T)

    def signal_to_noise(self) -> Tensor:
        """Return alpha_bar / (1 - alpha_bar) for every time, [T] float64."""
        return self.alpha_bar_T / (1 - self.alpha_bar_T)

    def sigma(self) -> Tensor:
        """Return the noise level of x_t / sqrt(alpha_bar), the variance-exploding view, [T] float64, rising."""
        return self.signal_to_noise().rsqrt()


def linear_schedule(steps: int = DISCRETE_STEPS, low: float = 1e-4, high: float = 0.02) -> Schedule:
    """Return betas that rise linearly.

    Args:
        steps: Number of noise levels T, at least 1.
        low: First beta, in (0, 1).
        high: Last beta, in (0, 1).

    Returns:
        The schedule.

    Source: Ho et al. 2020, arXiv 2006.11239, section 4.
    Differs from the paper: nothing.
    """
    beta_T = torch.linspace(low, high, steps, dtype=torch.float64)
    return Schedule("linear", beta_T, torch.cumprod(1 - beta_T, 0))


def cosine_schedule(steps: int = DISCRETE_STEPS, offset: float = 0.008, beta_max: float = 0.999) -> Schedule:
    """Return the schedule whose alpha_bar follows a squared cosine.

    Args:
        steps: Number of noise levels T, at least 1.
        offset: Keeps the first beta away from zero, in time units of the whole schedule.
        beta_max: Upper bound of beta, in (0, 1).

    Returns:
        The schedule.

    Source: Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17.
    Differs from the paper: nothing.
    """
    grid = torch.arange(steps + 1, dtype=torch.float64) / steps
    level = torch.cos((grid + offset) / (1 + offset) * math.pi / 2) ** 2
    beta_T = (1 - level[1:] / level[:-1]).clamp(max=beta_max)
    return Schedule("cosine", beta_T, torch.cumprod(1 - beta_T, 0))


def make_schedule(name: ScheduleName) -> Schedule:
    """Return the schedule of that name with the published constants and 1000 levels."""
    return linear_schedule() if name == "linear" else cosine_schedule()


def per_row(table_T: Tensor, t_B: Tensor, like: Tensor) -> Tensor:
    """Return one entry of a table for each row, with axes of length one so that it multiplies `like`."""
    chosen_B = table_T.to(device=like.device, dtype=like.dtype)[t_B]
    return chosen_B.reshape(-1, *[1] * (like.ndim - 1))


def add_noise(schedule: Schedule, x0: Tensor, t_B: Tensor, epsilon: Tensor) -> Tensor:
    """Return x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) epsilon.

    Args:
        schedule: The noise schedule.
        x0: Clean rows, [B, ...].
        t_B: Times, [B] int64 in [0, T).
        epsilon: Standard normal noise, as x0.

    Returns:
        Noisy rows, as x0.

    Source: Ho et al. 2020, arXiv 2006.11239, equation 4.
    Differs from the paper: nothing.
    """
    a, s = signal_and_noise(schedule, t_B, x0)
    return a * x0 + s * epsilon


def signal_and_noise(schedule: Schedule, t_B: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return sqrt(alpha_bar) and sqrt(1 - alpha_bar) at each row's time, shaped to multiply `like`."""
    a = per_row(schedule.alpha_bar_T.sqrt(), t_B, like)
    return a, per_row((1 - schedule.alpha_bar_T).sqrt(), t_B, like)


def posterior_coefficients(alpha_bar: float, alpha_bar_before: float) -> tuple[float, float, float]:
    """Return the weights of x0 and x_t in the mean of q(x_s | x_t, x0), and its variance.

    Args:
        alpha_bar: Signal share at time t, in (0, 1).
        alpha_bar_before: Signal share at the earlier time s, in (alpha_bar, 1].

    Returns:
        Weight of x0, weight of x_t, variance (beta tilde).

    Source: Ho et al. 2020, arXiv 2006.11239, equations 6 and 7.
    Differs from the paper: s may be any earlier time, with alpha = alpha_bar / alpha_bar_before.
    """
    alpha = alpha_bar / alpha_bar_before
    rest = 1 - alpha_bar
    mean_x0 = math.sqrt(alpha_bar_before) * (1 - alpha) / rest
    mean_xt = math.sqrt(alpha) * (1 - alpha_bar_before) / rest
    return mean_x0, mean_xt, (1 - alpha) * (1 - alpha_bar_before) / rest


def velocity(a: Tensor, s: Tensor, x0: Tensor, epsilon: Tensor) -> Tensor:
    """Return v = a epsilon - s x0, with a = sqrt(alpha_bar) and s = sqrt(1 - alpha_bar).

    Source: Salimans and Ho 2022, arXiv 2202.00512, section 4.
    Differs from the paper: nothing.
    """
    return a * epsilon - s * x0


def clean_from_velocity(a: Tensor, s: Tensor, x_t: Tensor, v: Tensor) -> Tensor:
    """Return x0 = a x_t - s v; the inverse of `velocity` given x_t."""
    return a * x_t - s * v


def epsilon_from_velocity(a: Tensor, s: Tensor, x_t: Tensor, v: Tensor) -> Tensor:
    """Return epsilon = s x_t + a v; the inverse of `velocity` given x_t."""
    return s * x_t + a * v


def clean_from_epsilon(a: Tensor, s: Tensor, x_t: Tensor, epsilon: Tensor) -> Tensor:
    """Return x0 = (x_t - s epsilon) / a."""
    return (x_t - s * epsilon) / a


def min_snr_weight(schedule: Schedule, prediction: Prediction, gamma: float | None) -> Tensor:
    """Return the weight of the squared error at each time.

    Args:
        schedule: The noise schedule.
        prediction: What the network gives.
        gamma: Upper bound of the signal-to-noise ratio, above 0; None weighs all times with 1.

    Returns:
        min(SNR, gamma) / (SNR + 1) for v, min(SNR, gamma) / SNR for epsilon, [T] float64.

    Source: Hang et al. 2023, arXiv 2303.09556, section 3.4.
    Differs from the paper: nothing.
    """
    snr_T = schedule.signal_to_noise()
    if gamma is None:
        return torch.ones_like(snr_T)
    return snr_T.clamp(max=gamma) / (snr_T + 1 if prediction == "v" else snr_T)


def stratified_times(rows: int, levels: int, generator: torch.Generator) -> Tensor:
    """Return times that cover [0, levels) evenly: one from each of `rows` equal strata, in random order.

    Args:
        rows: Batch size B, at least 1.
        levels: Number of noise levels T.
        generator: Source of randomness; its device is the device of the result.

    Returns:
        Times, [B] int64. The loss has the same mean as with independent times, and less variance.

    Source: Kingma et al. 2021, arXiv 2107.00630, appendix I.1.
    Differs from the paper: one uniform number for each stratum instead of one for the batch.
    """
    device = generator.device
    jitter_B = torch.rand(rows, generator=generator, device=device, dtype=torch.float64)
    order_B = torch.randperm(rows, generator=generator, device=device)
    return ((order_B + jitter_B) / rows * levels).long().clamp(max=levels - 1)


def drop_labels(label_B: Tensor, share: float, null: int, generator: torch.Generator) -> Tensor:
    """Replace a random share of the labels by the null label, so that one network learns both models.

    Source: Ho and Salimans 2022, arXiv 2207.12598, algorithm 1.
    Differs from the paper: nothing.
    """
    lost_B = torch.rand(len(label_B), generator=generator, device=generator.device) < share
    return torch.where(lost_B, torch.full_like(label_B, null), label_B)


def target(prediction: Prediction, a: Tensor, s: Tensor, x0: Tensor, epsilon: Tensor) -> Tensor:
    """Return what the network should give for rows made of x0 and epsilon."""
    return velocity(a, s, x0, epsilon) if prediction == "v" else epsilon


def weighted_error(predicted: Tensor, wanted: Tensor, weight_B: Tensor) -> Tensor:
    """Return the mean over rows of weight times mean squared error, computed in float32.

    Source: Ho et al. 2020, arXiv 2006.11239, equation 14; weights of `min_snr_weight`.
    Differs from the paper: nothing.
    """
    square_B = (predicted.float() - wanted.float()).square().flatten(1).mean(1)
    return (weight_B.to(square_B) * square_B).mean()


def learned_log_variance(fraction: Tensor, beta: Tensor, beta_tilde: Tensor) -> Tensor:
    """Return f log beta + (1 - f) log beta tilde.

    Args:
        fraction: The network's f, in [0, 1] when it stays between the bounds.
        beta: Upper bound of the variance, above 0.
        beta_tilde: Lower bound of the variance, above 0.

    Returns:
        Logarithm of the variance, as the fraction.

    Source: Nichol and Dhariwal 2021, arXiv 2102.09672, equation 15.
    Differs from the paper: nothing.
    """
    return fraction * beta.log() + (1 - fraction) * beta_tilde.log()


def gaussian_kl(mean_p: Tensor, log_variance_p: Tensor, mean_q: Tensor, log_variance_q: Tensor) -> Tensor:
    """Return KL(p || q) of two diagonal Gaussians for each entry, in nats."""
    ratio = (log_variance_p - log_variance_q).exp()
    shift = (mean_p - mean_q).square() * (-log_variance_q).exp()
    return 0.5 * (ratio + shift - 1 + log_variance_q - log_variance_p)


def edm_preconditioning(sigma: Tensor, sigma_data: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return c_skip, c_out, c_in and c_noise; D(x) = c_skip x + c_out F(c_in x, c_noise).

    Args:
        sigma: Noise levels, above 0.
        sigma_data: Standard deviation of the data, above 0.

    Returns:
        Four tensors, as sigma. The loss weight is 1 / c_out ** 2.

    Source: Karras et al. 2022, arXiv 2206.00364, table 1.
    Differs from the paper: nothing.
    """
    total = sigma.square() + sigma_data**2
    return sigma_data**2 / total, sigma * sigma_data / total.sqrt(), total.rsqrt(), sigma.log() / 4
