"""Oracles of the forward process, posterior, parametrisations, weights and preconditioning."""

from __future__ import annotations

import math

import pytest
import torch

from lookalike.core.rng import Rng
from lookalike.techniques import diffusion
from lookalike.techniques.training import torch_generator


def _normal(*size: int, step: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x", step)), dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "expected"), [("linear", (0.9999, 0.0786, 4.0e-5)), ("cosine", (0.99996, 0.494, 2.4e-9))]
)
def test_published_signal_shares(name: str, expected: tuple[float, ...]) -> None:
    found = diffusion.make_schedule(name).alpha_bar_T[[0, 499, 999]]
    assert [float(a) for a in found] == pytest.approx(expected, rel=0.015)
    assert float(found[0]) == pytest.approx(expected[0], abs=5e-6)


def test_beta_stays_below_its_bound() -> None:
    assert float(diffusion.cosine_schedule().beta_T.max()) <= 0.999


def test_posterior_is_the_product_of_two_gaussians() -> None:
    schedule, t, x0, x_t = diffusion.linear_schedule(), 300, 0.3, -0.8
    alpha_bar, before = float(schedule.alpha_bar_T[t]), float(schedule.alpha_bar_T[t - 1])
    alpha = alpha_bar / before
    grid = torch.linspace(-6, 6, 200_001, dtype=torch.float64)
    log_density = -((grid - math.sqrt(before) * x0) ** 2) / (2 * (1 - before))
    log_density -= (x_t - math.sqrt(alpha) * grid) ** 2 / (2 * (1 - alpha))
    density = torch.softmax(log_density, 0)
    mean = float((density * grid).sum())
    variance = float((density * (grid - mean) ** 2).sum())
    for_x0, for_xt, beta_tilde = diffusion.posterior_coefficients(alpha_bar, before)
    assert for_x0 * x0 + for_xt * x_t == pytest.approx(mean, abs=1e-8)
    assert beta_tilde == pytest.approx(variance, rel=1e-6)


def test_velocity_is_inverted_exactly() -> None:
    schedule = diffusion.cosine_schedule()
    x0, epsilon, t = _normal(8, 3), _normal(8, 3, step=1), torch.arange(8) * 140
    a, s = diffusion.signal_and_noise(schedule, t, x0)
    x_t, v = diffusion.add_noise(schedule, x0, t, epsilon), diffusion.velocity(a, s, x0, epsilon)
    assert (diffusion.clean_from_velocity(a, s, x_t, v) - x0).abs().max() < 1e-6
    assert (diffusion.epsilon_from_velocity(a, s, x_t, v) - epsilon).abs().max() < 1e-6
    assert (diffusion.clean_from_epsilon(a, s, x_t, epsilon) - x0).abs().max() < 1e-6


def test_min_snr_weights_have_their_closed_form() -> None:
    schedule = diffusion.linear_schedule()
    snr = schedule.signal_to_noise()
    capped = torch.minimum(snr, torch.tensor(5.0, dtype=torch.float64))
    assert torch.equal(diffusion.min_snr_weight(schedule, "v", 5.0), capped / (snr + 1))
    assert torch.equal(diffusion.min_snr_weight(schedule, "epsilon", 5.0), capped / snr)
    assert (diffusion.min_snr_weight(schedule, "v", None) == 1).all()


def test_weights_measure_the_same_error_of_the_clean_rows() -> None:
    # An error of 1 in v is an error of 1 - alpha_bar in x0; of 1 in epsilon, of (1 - alpha_bar) / alpha_bar.
    schedule = diffusion.cosine_schedule()
    rest, snr = 1 - schedule.alpha_bar_T, schedule.signal_to_noise()
    v = diffusion.min_snr_weight(schedule, "v", 5.0) / rest
    epsilon = diffusion.min_snr_weight(schedule, "epsilon", 5.0) * snr
    assert torch.allclose(v, epsilon, rtol=1e-6)


def test_stratified_times_hit_every_stratum_once() -> None:
    t = diffusion.stratified_times(50, 1000, torch_generator(Rng(3)))
    assert sorted((t // 20).tolist()) == list(range(50))
    assert t.tolist() != sorted(t.tolist())


def test_label_dropout_share() -> None:
    labels = torch.zeros(20_000, dtype=torch.int64)
    dropped = diffusion.drop_labels(labels, 0.1, null=7, generator=torch_generator(Rng(0)))
    assert set(dropped.tolist()) == {0, 7}
    assert (dropped == 7).float().mean() == pytest.approx(0.1, abs=0.01)


def test_weighted_error_of_a_known_case() -> None:
    predicted, wanted = torch.ones(2, 3), torch.zeros(2, 3)
    assert float(diffusion.weighted_error(predicted, wanted, torch.tensor([1.0, 3.0]))) == 2.0


def test_learned_variance_hits_its_bounds() -> None:
    beta, tilde = torch.tensor(0.02), torch.tensor(0.01)
    assert float(diffusion.learned_log_variance(torch.tensor(1.0), beta, tilde).exp()) == pytest.approx(0.02)
    assert float(diffusion.learned_log_variance(torch.tensor(0.0), beta, tilde).exp()) == pytest.approx(0.01)


def test_gaussian_kl_of_equal_and_shifted_gaussians() -> None:
    zero = torch.zeros(())
    assert float(diffusion.gaussian_kl(zero, zero, zero, zero)) == 0
    assert float(diffusion.gaussian_kl(zero + 2, zero, zero, zero)) == pytest.approx(2.0)


def test_edm_input_and_target_have_unit_variance_and_a_zero_network_has_loss_one() -> None:
    sigma_data = 0.5
    for sigma in (0.01, 0.5, 20.0):
        c_skip, c_out, c_in, c_noise = diffusion.edm_preconditioning(torch.tensor(sigma), sigma_data)
        x0 = sigma_data * _normal(200_000).float()
        x = x0 + sigma * _normal(200_000, step=1).float()
        assert float((c_in * x).var()) == pytest.approx(1, abs=0.02)
        assert float(((x0 - c_skip * x) / c_out).var()) == pytest.approx(1, abs=0.02)
        assert float(((c_skip * x - x0) ** 2).mean() / c_out**2) == pytest.approx(1, abs=0.02)
        assert float(c_noise) == pytest.approx(math.log(sigma) / 4)
