"""Each loss against its formula, its gradient and its fixed point."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch

from lookalike.core.rng import Rng
from lookalike.techniques import adversarial
from lookalike.techniques.training import torch_generator

_NAMES = get_args(adversarial.Loss)
_REAL, _FAKE = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.25])


def _softplus(value: float) -> float:
    return math.log1p(math.exp(value))


@pytest.mark.parametrize(
    ("name", "critic", "maker"),
    [
        (
            "non_saturating",
            (_softplus(-2) + _softplus(1) + _softplus(0.5) + _softplus(0.25)) / 2,
            (_softplus(-0.5) + _softplus(-0.25)) / 2,
        ),
        ("hinge", (0 + 2 + 1.5 + 1.25) / 2, -0.375),
        ("wasserstein", 0.375 - 0.5, -0.375),
        ("relativistic", (_softplus(-1.5) + _softplus(1.25)) / 2, (_softplus(1.5) + _softplus(-1.25)) / 2),
    ],
)
def test_losses_by_hand(name: adversarial.Loss, critic: float, maker: float) -> None:
    assert float(adversarial.discriminator_loss(name, _REAL, _FAKE)) == pytest.approx(critic, rel=1e-6)
    assert float(adversarial.generator_loss(name, _REAL, _FAKE)) == pytest.approx(maker, rel=1e-6)


def test_every_loss_was_computed_by_hand() -> None:
    assert set(_NAMES) == {"non_saturating", "hinge", "wasserstein", "relativistic"}


@pytest.mark.parametrize("name", _NAMES)
def test_the_discriminator_pushes_apart_what_the_generator_pulls_together(name: adversarial.Loss) -> None:
    real, fake = torch.tensor([0.3, -0.2], requires_grad=True), torch.tensor([0.1, 0.4], requires_grad=True)
    to_real, to_fake = torch.autograd.grad(adversarial.discriminator_loss(name, real, fake), (real, fake))
    assert (to_real < 0).all()
    assert (to_fake > 0).all()
    (maker,) = torch.autograd.grad(adversarial.generator_loss(name, real, fake), fake)
    assert (maker < 0).all()


def test_relativistic_loss_sees_differences_only() -> None:
    for loss in (adversarial.discriminator_loss, adversarial.generator_loss):
        moved = loss("relativistic", _REAL + 7, _FAKE + 7)
        assert float(moved) == pytest.approx(float(loss("relativistic", _REAL, _FAKE)), rel=1e-5)
    assert float(adversarial.generator_loss("relativistic", _REAL, _REAL)) == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", _NAMES)
def test_logits_of_another_shape_do_not_broadcast(name: adversarial.Loss) -> None:
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        adversarial.discriminator_loss(name, _REAL, _FAKE[:, None])
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        adversarial.discriminator_loss(name, _REAL[:, None], _FAKE[:, None])
    with pytest.raises(ValueError, match=r"\[1\]"):
        adversarial.generator_loss(name, _REAL, _FAKE[:1])


@pytest.mark.parametrize("name", _NAMES)
def test_large_logits_stay_finite(name: adversarial.Loss) -> None:
    real, fake = torch.tensor([1e4, -1e4], requires_grad=True), torch.tensor([-1e4, 1e4], requires_grad=True)
    loss = adversarial.discriminator_loss(name, real, fake) + adversarial.generator_loss(name, real, fake)
    gradients = torch.autograd.grad(loss, (real, fake))
    assert loss.isfinite()
    assert all(g.isfinite().all() for g in gradients)


def test_lazy_terms_come_every_k_steps_and_weigh_the_same_in_all() -> None:
    weights = [adversarial.lazy_weight(step, 16) for step in range(64)]
    assert sum(weights) == 64
    assert [step for step, weight in enumerate(weights) if weight] == [0, 16, 32, 48]
    assert [adversarial.lazy_weight(step, 1) for step in range(3)] == [1, 1, 1]


def test_adam_is_rescaled_for_lazy_terms() -> None:
    lr, betas = adversarial.lazy_adam(0.002, (0.0, 0.99), 16)
    assert lr == pytest.approx(0.002 * 16 / 17)
    assert betas == pytest.approx((0.0, 0.99 ** (16 / 17)))
    assert adversarial.lazy_adam(0.002, (0.5, 0.9), None) == (0.002, (0.5, 0.9))


def test_a_rescaled_adam_step_moves_as_far_as_k_of_k_plus_one() -> None:
    ends = []
    for every in (None, 4):
        w = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
        lr, betas = adversarial.lazy_adam(0.01, (0.0, 0.99), every)
        optimizer = torch.optim.Adam([w], lr=lr, betas=betas, eps=1e-12)
        for _ in range(5 if every else 4):
            w.grad = torch.ones_like(w)
            optimizer.step()
        ends.append(float(w[0].detach()))
    assert ends[0] == pytest.approx(ends[1], rel=1e-6)


def test_centred_logits_forget_the_free_constant() -> None:
    real, fake = (torch.randn(6, generator=torch_generator(Rng(0).child("logits", k))) for k in range(2))
    centred = adversarial.centred_logits(real, fake)
    assert torch.allclose(centred, adversarial.centred_logits(real + 3, fake + 3), atol=1e-6)
    assert float(centred.mean()) == pytest.approx(float(real.mean() - fake.mean()) / 2, abs=1e-6)
