"""Likelihood: a Gaussian whose best estimate is known needs as many bits as its entropy."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lookalike.techniques.diffusion import Schedule, add_noise, cosine_schedule, linear_schedule
from lookalike.techniques.likelihood import Clean, bits_per_dim, discretised_log_likelihood, variance_loss


def _exact(schedule: Schedule, deviation: float, bias: float = 0.0) -> Clean:
    """Return E[x0 | x_t] for x0 ~ N(0, deviation^2), moved by a bias."""

    def clean(x_t: Tensor, t: int) -> Tensor:
        share = float(schedule.alpha_bar_T[t])
        return math.sqrt(share) * deviation**2 / (share * deviation**2 + 1 - share) * x_t + bias

    return clean


def _grid(deviation: float, rows: int = 200, numbers: int = 64) -> Tensor:
    x = deviation * torch.randn(rows, numbers, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return ((x * 127.5 + 127.5).round().clamp(0, 255) - 127.5) / 127.5


@pytest.mark.parametrize("make", [linear_schedule, cosine_schedule])
def test_gaussian_data_with_the_exact_estimate_need_their_entropy(make: Callable[[], Schedule]) -> None:
    schedule, deviation = make(), 0.25
    entropy = 0.5 * math.log2(2 * math.pi * math.e * deviation**2) - math.log2(2 / 255)
    found = bits_per_dim(_exact(schedule, deviation), schedule, _grid(deviation), torch.Generator().manual_seed(1))
    assert found.shape == (200,)
    assert entropy - 0.02 < float(found.mean()) < entropy + 0.12
    worse = bits_per_dim(
        _exact(schedule, deviation, bias=0.05),
        schedule,
        _grid(deviation),
        torch.Generator().manual_seed(1),
    )
    assert float(worse.mean()) > float(found.mean()) + 0.2


def test_bins_of_a_gaussian_hold_everything() -> None:
    grid = torch.arange(256, dtype=torch.float64) / 127.5 - 1
    for mean, deviation in ((0.0, 0.1), (0.9, 0.5), (-1.0, 0.01)):
        shares = discretised_log_likelihood(grid, torch.full_like(grid, mean), deviation).exp()
        assert float(shares.sum()) == pytest.approx(1, abs=1e-9)


def test_the_variance_loss_reaches_the_variance_and_not_the_mean() -> None:
    schedule, generator = cosine_schedule(), torch.Generator().manual_seed(0)
    x0 = torch.randn(8, 5, generator=generator, dtype=torch.float64)
    x_t = add_noise(schedule, x0, torch.full((8,), 400), torch.randn(8, 5, generator=generator, dtype=torch.float64))
    guess = (x0 + 0.1).requires_grad_()
    fraction = torch.full_like(x0, 0.5).requires_grad_()
    loss = variance_loss(schedule, 400, x0, x_t, guess, fraction)
    loss.backward()
    assert guess.grad is None
    assert fraction.grad is not None
    assert float(fraction.grad.abs().min()) > 0
    # With the true x0 the posterior is met exactly at the lower bound.
    assert float(variance_loss(schedule, 400, x0, x_t, x0, torch.zeros_like(x0))) == pytest.approx(0, abs=1e-12)
