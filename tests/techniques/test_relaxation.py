"""Draws with gradients: exact frequencies, gradients of soft draws; logits brought to given shares."""

from __future__ import annotations

import torch

from lookalike.techniques.relaxation import gumbel, shift_to_shares, straight_through


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_draws_are_of_the_softmax_whatever_the_temperature() -> None:
    share = torch.tensor([0.6, 0.3, 0.1])
    for temperature in (0.2, 5.0):
        drawn = straight_through(share.log().expand(50_000, 3), gumbel((50_000, 3), _generator()), temperature)
        assert set(drawn.unique().tolist()) == {0.0, 1.0}
        torch.testing.assert_close(drawn.mean(0), share, atol=0.01, rtol=0)


def test_the_gradient_is_that_of_the_soft_draw() -> None:
    logits, noise = torch.randn(5, 4, generator=_generator()), gumbel((5, 4), _generator())
    weight = torch.randn(5, 4, generator=_generator())
    one, two = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    (straight_through(one, noise, 0.7) * weight).sum().backward()
    (((two + noise) / 0.7).softmax(1) * weight).sum().backward()
    torch.testing.assert_close(one.grad, two.grad)


def test_gumbel_noise_has_its_mean_and_deviation() -> None:
    noise = gumbel((200_000,), _generator())
    assert noise.isfinite().all()
    assert abs(float(noise.mean()) - 0.57722) < 0.01
    assert abs(float(noise.std()) - 1.28255) < 0.01


def test_shifted_logits_have_the_given_shares() -> None:
    logits = 3 * torch.randn(2000, 4, generator=_generator(), dtype=torch.float64)
    target = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    shift = shift_to_shares(logits, target, 30)
    torch.testing.assert_close((logits + shift).softmax(1).mean(0), target, atol=1e-6, rtol=0)
