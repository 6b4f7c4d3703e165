"""Any size goes through, and every parameter comes from the key."""

from __future__ import annotations

import pytest
import torch

from lookalike.core.rng import Rng
from lookalike.networks.convnet import ConvNet, initialise
from lookalike.techniques.training import torch_generator


def _network(*shape: int, seed: int = 0) -> ConvNet:
    network = ConvNet(*shape, classes=5, base=2)
    initialise(network, torch_generator(Rng(seed)))
    return network.eval()


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 8, 1), (28, 28, 1), (33, 17, 3), (256, 200, 3), (4, 90, 1)])
def test_shapes(shape: tuple[int, int, int]) -> None:
    network = _network(*shape)
    x_BCHW = torch.rand((2, shape[2], *shape[:2]), generator=torch.Generator()) * 2 - 1
    assert network.features(x_BCHW).shape == (2, network.dimension)
    assert network(x_BCHW).shape == (2, 5)
    assert torch.isfinite(network(x_BCHW)).all()
    assert torch.allclose(network.head(network.features(x_BCHW)), network(x_BCHW))


@pytest.mark.usefixtures("global_state")
def test_parameters_come_from_the_key_alone() -> None:
    first, second, other = _network(8, 8, 1), _network(8, 8, 1), _network(8, 8, 1, seed=1)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
        assert torch.isfinite(value.float()).all(), name
    drawn = [name for name, value in first.named_parameters() if value.dim() > 1]
    assert all(not torch.equal(first.state_dict()[name], other.state_dict()[name]) for name in drawn)
