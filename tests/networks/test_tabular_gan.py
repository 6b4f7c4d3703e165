"""Generator and critic of rows: features, and an untrained generator that knows each column alone."""

from __future__ import annotations

import torch

from lookalike.core.rng import Rng
from lookalike.networks.tabular_gan import RowCritic, RowGenerator, RowShape

_SHAPE = RowShape((3, 1, 4), (0, 0, 2))


def test_features_are_one_hot_codes_and_places_of_codes_that_have_one() -> None:
    places = torch.tensor([[0.1, 0.2, 0.75], [0.1, 0.2, 0.75]])
    found = _SHAPE.features(torch.tensor([[2, 0, 1], [0, 0, 3]]), places)
    expected = [[0, 0, 1, 1, 0, 1, 0, 0, 0.5], [1, 0, 0, 1, 0, 0, 0, 1, 0.0]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_an_untrained_generator_is_near_the_shares() -> None:
    net = RowGenerator(_SHAPE, latent=4, hidden=16, layers=1)
    shares = [torch.tensor([0.7, 0.2, 0.1]), torch.ones(1), torch.tensor([0.4, 0.3, 0.2, 0.1])]
    net.initialise(Rng(0), shares)
    z = torch.zeros(1, 4)
    logits, mean, scale = net(z, torch.tensor([-1]))
    torch.testing.assert_close(logits[0, :3].softmax(0), shares[0])
    assert mean.tolist() == scale.tolist() == [[0.0]]
    assert not torch.equal(net(z, torch.tensor([2]))[0], logits)


def test_a_critic_judges_packs() -> None:
    critic = RowCritic(_SHAPE, pack=3, hidden=8, layers=1)
    critic.initialise(Rng(0))
    x = torch.randn(6, 9 + 3, generator=torch.Generator().manual_seed(0))
    scores = critic(x)
    assert scores.shape == (2,)
    changed = x.clone()
    changed[5] += 1
    assert torch.equal(critic(changed)[0], scores[0])
    assert not torch.equal(critic(changed)[1], scores[1])
    assert torch.equal(critic(x.reshape(2, -1)), scores)
