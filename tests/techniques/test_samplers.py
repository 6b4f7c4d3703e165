"""Oracles of the samplers: closed forms, a finite set, and diffusers' schedulers."""

from __future__ import annotations

import math
from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

from lookalike.core.rng import Rng
from lookalike.techniques import diffusion, samplers
from lookalike.techniques.training import torch_generator


def _normal(*size: int, step: int = 0) -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x", step)), dtype=torch.float64)


def _noise_source(*size: int) -> samplers.Noise:
    generator = torch_generator(Rng(1))
    return lambda: torch.randn(size, generator=generator, dtype=torch.float64)


def _gaussian(scale: float) -> samplers.Denoiser:
    return lambda x, sigma: scale**2 * x / (scale**2 + sigma**2)


def _curved(x: Tensor, t: float) -> Tensor:
    return torch.sin(2 * x) + 0.001 * t * x


@pytest.mark.parametrize(("steps", "error"), [(10, 0.22), (18, 0.055), (36, 0.012), (72, 0.003)])
def test_heun_has_the_published_error_for_a_gaussian(steps: int, error: float) -> None:
    end = samplers.heun(_gaussian(0.5), torch.tensor([80.0], dtype=torch.float64), samplers.edm_sigmas(steps))
    exact = 80 * 0.5 / math.sqrt(0.25 + 80**2)
    assert abs(float(end) - exact) / exact == pytest.approx(error, rel=0.06)


@pytest.mark.parametrize("solve", [samplers.ddim, samplers.dpmpp_2m, samplers.unipc, samplers.heun])
def test_every_solver_converges_to_the_exact_end(solve: Any) -> None:
    exact = 80 * 0.5 / math.sqrt(0.25 + 80**2)
    start = torch.tensor([80.0], dtype=torch.float64)
    errors = [abs(float(solve(_gaussian(0.5), start, samplers.edm_sigmas(n))) - exact) for n in (40, 160)]
    assert errors[1] < errors[0] / 3
    assert errors[1] < 0.03 * exact


def _finite_set(members_MD: Tensor) -> samplers.Denoiser:
    def denoise(x: Tensor, sigma: float) -> Tensor:
        return torch.softmax(-(torch.cdist(x, members_MD) ** 2) / (2 * sigma**2), 1) @ members_MD

    return denoise


@pytest.mark.parametrize("name", ["ddpm", "ddim", "heun", "dpmpp_2m", "unipc"])
def test_exact_posterior_mean_of_a_finite_set_gives_its_members(name: str) -> None:
    members = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.2, -1.0]], dtype=torch.float64)
    sigmas = samplers.schedule_sigmas(diffusion.linear_schedule(), 50)
    x = _normal(60, 2) * math.sqrt(1 + sigmas[0] ** 2)
    if name == "ddpm":
        end = samplers.ddpm(_finite_set(members), x, sigmas, _noise_source(60, 2))
    else:
        end = getattr(samplers, name)(_finite_set(members), x, sigmas)
    nearest, which = torch.cdist(end, members).min(1)
    assert float(nearest.max()) < 1e-3
    assert set(which.tolist()) == {0, 1, 2}


def test_ddim_with_full_noise_is_ddpm() -> None:
    schedule = diffusion.linear_schedule()
    denoise = samplers.denoiser(_curved, schedule, "v")
    sigmas = samplers.schedule_sigmas(schedule, 1000)
    x = _normal(3, 4) * math.sqrt(1 + sigmas[0] ** 2)
    one = samplers.ddpm(denoise, x, sigmas, _noise_source(3, 4))
    other = samplers.ddim(denoise, x, sigmas, 1.0, _noise_source(3, 4))
    assert (one - other).abs().max() < 1e-4


def test_ddim_without_noise_is_deterministic_and_invertible() -> None:
    schedule = diffusion.cosine_schedule()
    falling = [float(s) for s in schedule.sigma().flip(0)][100:]
    clean, denoise = _normal(5, 3), _gaussian(0.7)
    hidden = samplers.ddim(denoise, clean, falling[::-1])
    back = samplers.ddim(denoise, hidden, falling)
    assert torch.equal(back, samplers.ddim(denoise, hidden, falling))
    assert (back - clean).abs().max() < 0.02


# diffusers hands torch tensors to numpy in a way that numpy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
@pytest.mark.parametrize("steps", [5, 10, 20])
@pytest.mark.parametrize("name", ["linear", "cosine"])
@pytest.mark.parametrize("prediction", ["v", "epsilon"])
@pytest.mark.parametrize(
    ("scheduler", "solve", "extra"),
    [
        ("UniPCMultistepScheduler", samplers.unipc, {"final_sigmas_type": "zero"}),
        ("DPMSolverMultistepScheduler", samplers.dpmpp_2m, {"final_sigmas_type": "zero"}),
        ("DDIMScheduler", samplers.ddim, {"clip_sample": False}),
    ],
)
def test_solvers_agree_with_diffusers(
    scheduler: str, solve: Any, extra: dict[str, Any], prediction: Any, name: str, steps: int
) -> None:
    if (name, prediction) == ("cosine", "epsilon"):
        pytest.skip("alpha_bar of 2e-9 divides float32 noise of the reference by 5e-5")
    other = getattr(diffusers, scheduler)(
        beta_schedule="linear" if name == "linear" else "squaredcos_cap_v2",
        prediction_type="v_prediction" if prediction == "v" else "epsilon",
        timestep_spacing="trailing",
        **extra,
    )
    other.set_timesteps(steps)
    schedule = diffusion.make_schedule(name)
    sigmas, x = samplers.schedule_sigmas(schedule, steps), _normal(4, 3)
    mine = solve(samplers.denoiser(_curved, schedule, prediction), x * math.sqrt(1 + sigmas[0] ** 2), sigmas)
    for t in other.timesteps:
        x = other.step(_curved(x, float(t)), t, x).prev_sample
    assert (mine - x).abs().max() < 1e-3 * max(1.0, float(x.abs().max()))


def test_guidance_weights_zero_and_one_are_the_two_models() -> None:
    labelled, free, x = _gaussian(1.0), _gaussian(0.2), _normal(3, 2)
    assert torch.equal(samplers.guided(labelled, free, 1)(x, 2.0), labelled(x, 2.0))
    assert torch.equal(samplers.guided(labelled, free, 0)(x, 2.0), free(x, 2.0))
    expected = free(x, 2.0) + 3 * (labelled(x, 2.0) - free(x, 2.0))
    assert torch.allclose(samplers.guided(labelled, free, 3)(x, 2.0), expected)


def test_guidance_raises_accuracy_and_lowers_diversity() -> None:
    def gaussian(mean: float, x: Tensor, sigma: float) -> Tensor:
        return mean + (x - mean) / (1 + sigma**2)  # Of N(mean, 1).

    def both(x: Tensor, sigma: float) -> Tensor:
        # The classes are N(-1, 1) and N(1, 1), equally frequent.
        right = torch.sigmoid(2 * x / (1 + sigma**2))
        return right * gaussian(1, x, sigma) + (1 - right) * gaussian(-1, x, sigma)

    sigmas = [20 * 0.9**k for k in range(70)] + [0.0]
    noise = 20 * _normal(4000)
    accuracy, spread = [], []
    for weight in (0.0, 1.0, 2.0, 4.0):
        made = samplers.heun(samplers.guided(lambda x, s: gaussian(1, x, s), both, weight), noise, sigmas)
        # The best classifier of the two takes the sign.
        accuracy.append(float((made > 0).double().mean()))
        spread.append(float(made.std()))
    assert accuracy[0] == pytest.approx(0.5, abs=0.03)
    assert accuracy[1] == pytest.approx(0.841, abs=0.02)
    assert spread[1] == pytest.approx(1.0, abs=0.05)
    assert accuracy == sorted(accuracy)
    assert accuracy[3] > 0.97
    assert spread == sorted(spread, reverse=True)
    assert spread[3] < 0.8


def test_denoiser_of_an_exact_network_returns_the_clean_rows() -> None:
    schedule, x0, epsilon = diffusion.cosine_schedule(), _normal(4, 3), _normal(4, 3, step=1)
    for t in (0, 500, 998):
        sigma = float(schedule.sigma()[t])
        seen = []

        def network(x: Tensor, time: float, t: int = t, seen: list[float] = seen) -> Tensor:
            seen.append(time)
            return diffusion.velocity(schedule.alpha_bar_T[t].sqrt(), (1 - schedule.alpha_bar_T[t]).sqrt(), x0, epsilon)

        clean = samplers.denoiser(network, schedule, "v")(x0 + sigma * epsilon, sigma)
        assert (clean - x0).abs().max() < 1e-6
        assert seen == [float(t)]
