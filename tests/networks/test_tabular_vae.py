"""Encoder and decoder of rows: untrained they know the shares and a latent vector far from the row."""

from __future__ import annotations

import torch

from lookalike.core.rng import Rng
from lookalike.networks.tabular_vae import TabularVae

_SIZES = [3, 1, 5]


def _net() -> TabularVae:
    net = TabularVae(_SIZES, latent=4, hidden=16, layers=1)
    net.initialise(Rng(0), [torch.arange(1.0, size + 1) / (size * (size + 1) / 2) for size in _SIZES])
    return net.eval().requires_grad_(False)


def test_at_the_middle_an_untrained_decoder_gives_the_shares() -> None:
    logits = _net().decode(torch.zeros(2, 4))
    torch.testing.assert_close(logits[2].softmax(1)[0], torch.arange(1.0, 6) / 15)


def test_the_posterior_depends_on_every_column_that_varies() -> None:
    net = _net()
    mean, log_variance = net.encode(torch.tensor([[0, 0, 0], [1, 0, 0], [0, 0, 1]]))
    assert mean.shape == log_variance.shape == (3, 4)
    assert not torch.allclose(mean[0], mean[1])
    assert not torch.allclose(mean[0], mean[2])


def test_probabilities_given_a_latent_vector_sum_to_one() -> None:
    every = torch.cartesian_prod(*[torch.arange(size) for size in _SIZES])
    z = torch.randn(1, 4, generator=torch.Generator().manual_seed(0)).expand(len(every), -1)
    assert abs(float(_net().log_probability(z, every).sum(1).exp().sum()) - 1) < 1e-5
