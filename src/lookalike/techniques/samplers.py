"""Samplers as plain functions over any denoiser.

A denoiser D(x, sigma) returns the expected clean rows given x = x0 + sigma * noise. Every sampler walks x from
`sigmas[0]` down to `sigmas[-1]`, usually 0, and returns the rows there. A variance-preserving network becomes a
denoiser through `denoiser`: its x_t is x / sqrt(1 + sigma ** 2), and its alpha_bar is 1 / (1 + sigma ** 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from lookalike.techniques.diffusion import Prediction, Schedule, posterior_coefficients

Denoiser = Callable[[Tensor, float], Tensor]
Network = Callable[[Tensor, float], Tensor]
Noise = Callable[[], Tensor]
SamplerName = Literal["ddpm", "ddim", "heun", "dpmpp_2m", "unipc"]


def denoiser(network: Network, schedule: Schedule, prediction: Prediction, clip: bool = False) -> Denoiser:
    """Turn a network of discrete time into a denoiser.

    Args:
        network: Gives v or epsilon for (x_t, t); t is a float in [0, T - 1].
        schedule: What the network was trained with.
        prediction: What the network gives.
        clip: Limit the clean rows to [-1, 1].

    Returns:
        D(x, sigma). Between two levels of the schedule, t is interpolated in log sigma.
    """
    log_sigma_T = schedule.sigma().log()

    def denoise(x: Tensor, sigma: float) -> Tensor:
        scale = 1 / math.sqrt(1 + sigma**2)
        output = network(x * scale, _time(log_sigma_T, math.log(sigma)))
        clean = x * scale**2 - output * (sigma * scale) if prediction == "v" else x - output * sigma
        return clean.clamp(-1, 1) if clip else clean

    return denoise


def _time(log_sigma_T: Tensor, log_sigma: float) -> float:
    above = int(torch.searchsorted(log_sigma_T, log_sigma).clamp(1, len(log_sigma_T) - 1))
    low, high = float(log_sigma_T[above - 1]), float(log_sigma_T[above])
    t = above - 1 + (log_sigma - low) / (high - low)
    nearest = round(t)
    return min(max(float(nearest) if abs(t - nearest) < 1e-6 else t, 0.0), float(len(log_sigma_T) - 1))


def guided(conditional: Denoiser, unconditional: Denoiser, weight: float) -> Denoiser:
    """Return D_u + w (D_c - D_u): w = 0 ignores the label, w = 1 is no guidance, w > 1 follows it more closely.

    Source: Ho and Salimans 2022, arXiv 2207.12598, equation 6.
    Differs from the paper: its w is ours minus one; written for the clean rows, of which epsilon is a linear function.
    """
    if weight == 1:
        return conditional
    if weight == 0:
        return unconditional

    def denoise(x: Tensor, sigma: float) -> Tensor:
        free = unconditional(x, sigma)
        return free + weight * (conditional(x, sigma) - free)

    return denoise


def schedule_sigmas(schedule: Schedule, steps: int) -> list[float]:
    """Return the levels of `steps` evenly spaced times that end at the noisiest one, then 0.

    Source: Lin et al. 2023, arXiv 2305.08891, section 3.3 ("trailing" spacing).
    Differs from the paper: nothing.
    """
    sigma_T, levels = schedule.sigma(), len(schedule)
    times = [round(levels - levels * k / steps) - 1 for k in range(steps)]
    return [float(sigma_T[t]) for t in times] + [0.0]


def edm_sigmas(steps: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> list[float]:
    """Return `steps` levels from high to low, evenly spaced in sigma ** (1 / rho), then 0.

    Source: Karras et al. 2022, arXiv 2206.00364, equation 5.
    Differs from the paper: nothing.
    """
    a, b = high ** (1 / rho), low ** (1 / rho)
    return [(a + k / max(steps - 1, 1) * (b - a)) ** rho for k in range(steps)] + [0.0]


def ddpm(denoise: Denoiser, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Tensor:
    """Draw from the posterior q(x_s | x_t, D(x_t)) at every step.

    Args:
        denoise: The denoiser.
        x: Rows at sigmas[0], [B, ...].
        sigmas: Falling noise levels.
        noise: Gives fresh standard normal rows, one call for each step that ends above 0.

    Returns:
        Rows at sigmas[-1], as x.

    Source: Ho et al. 2020, arXiv 2006.11239, algorithm 2 with variance beta tilde.
    Differs from the paper: any falling levels, not only neighbours.
    """
    for now, after in pairwise(sigmas):
        clean = denoise(x, now)
        if after == 0:
            x = clean
            continue
        shrink_now, shrink_after = 1 / math.sqrt(1 + now**2), 1 / math.sqrt(1 + after**2)
        for_x0, for_xt, variance = posterior_coefficients(shrink_now**2, shrink_after**2)
        x = (for_x0 * clean + for_xt * shrink_now * x + math.sqrt(variance) * noise()) / shrink_after
    return x


def ddim(denoise: Denoiser, x: Tensor, sigmas: Sequence[float], eta: float = 0.0, noise: Noise | None = None) -> Tensor:
    """Follow the ODE by Euler steps, with a share `eta` of fresh noise; with rising levels and eta = 0 it inverts.

    Args:
        denoise: The denoiser.
        x: Rows at sigmas[0], [B, ...].
        sigmas: Noise levels, falling or rising.
        eta: 0 = deterministic, 1 = as much noise as DDPM.
        noise: Gives fresh standard normal rows; needed when eta is above 0.

    Returns:
        Rows at sigmas[-1], as x.

    Source: Song et al. 2021, arXiv 2010.02502, equations 12 and 16.
    Differs from the paper: written for x / sqrt(alpha_bar), where sigma_t becomes `fresh` below.
    """
    for now, after in pairwise(sigmas):
        clean = denoise(x, now)
        fresh = eta * after / now * math.sqrt(max(now**2 - after**2, 0.0))
        x = clean + math.sqrt(after**2 - fresh**2) / now * (x - clean)
        if fresh > 0 and noise is not None:
            x = x + fresh * noise()
    return x


def heun(denoise: Denoiser, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Follow the ODE by Heun's second-order steps: two evaluations each, one for the last step to 0.

    Source: Karras et al. 2022, arXiv 2206.00364, algorithm 1.
    Differs from the paper: nothing.
    """
    for now, after in pairwise(sigmas):
        slope = (x - denoise(x, now)) / now
        ahead = x + (after - now) * slope
        if after > 0:
            slope = (slope + (ahead - denoise(ahead, after)) / after) / 2
            ahead = x + (after - now) * slope
        x = ahead
    return x


def dpmpp_2m(denoise: Denoiser, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Multistep solver of second order in log sigma: one evaluation each step.

    Source: Lu et al. 2022, arXiv 2211.01095, algorithm 2 (DPM-Solver++ 2M).
    Differs from the paper: the step to 0 is of first order, and so is the first.
    """
    clean_before, log_step_before = None, 0.0
    for now, after in pairwise(sigmas):
        clean = denoise(x, now)
        if after == 0:
            return clean
        log_step = math.log(now / after)
        estimate = clean
        if clean_before is not None:
            estimate = clean + log_step / (2 * log_step_before) * (clean - clean_before)
        x = after / now * x - math.expm1(-log_step) * estimate
        clean_before, log_step_before = clean, log_step
    return x


def unipc(denoise: Denoiser, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Predictor and corrector of second order that share one evaluation each step.

    Source: Zhao et al. 2023, arXiv 2302.04867, algorithms 1 and 2 (data prediction, B_2(h) = e^h - 1).
    Differs from the paper: the step to 0 is of first order and not corrected.
    """
    past: list[tuple[Tensor, float]] = []
    x_before = x
    for k, (now, after) in enumerate(pairwise(sigmas)):
        clean = denoise(x, now)
        if after == 0:
            return clean
        if k > 0:
            x = _unipc_step(x_before, past, now, clean)
        past = [*past[-1:], (clean, now)]
        x_before = x
        x = _unipc_step(x, past, after, None)
    return x


def _unipc_step(x: Tensor, past: Sequence[tuple[Tensor, float]], after: float, ahead: Tensor | None) -> Tensor:
    """Step from the newest entry of `past` to level `after`; with the clean rows there, `ahead`, it corrects."""
    clean, now = past[-1]
    h = math.log(now / after)
    b = math.expm1(-h)
    x = after / now * x - b * clean
    slope, r = None, 0.0
    if len(past) > 1:
        r = math.log(now / past[-2][1]) / h
        slope = (past[-2][0] - clean) / r
    if ahead is None:
        return x if slope is None else x - 0.5 * b * slope
    if slope is None:
        return x - 0.5 * b * (ahead - clean)
    phi_2 = -b / h - 1
    first, second = phi_2 / b, 2 * (-phi_2 / h - 0.5) / b
    share = (first - second) / (1 - r)
    return x - b * (share * slope + (first - share) * (ahead - clean))
