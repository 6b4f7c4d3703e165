"""The architecture is the published one."""

from __future__ import annotations

import torch

from lookalike.core.rng import Rng
from lookalike.networks.convnet import initialise
from lookalike.networks.inception import Inception, _Same
from lookalike.techniques.training import torch_generator


def test_the_number_of_parameters_is_the_published_one() -> None:
    """23,834,568 with 1000 classes and no auxiliary classifier; 8 classes more here."""
    assert sum(value.numel() for value in Inception().parameters()) == 23_834_568 + 8 * 2049


def test_shapes_and_names() -> None:
    network = Inception()
    initialise(network, torch_generator(Rng(0)))
    with torch.inference_mode():
        assert network.eval().features(torch.zeros(1, 3, 299, 299)).shape == (1, 2048)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Mixed_6b.branch7x7dbl_5.conv.weight"] == (192, 128, 1, 7)
    assert shapes["Mixed_7a.branch7x7x3_4.bn.running_var"] == (192,)
    assert shapes["Mixed_7c.branch3x3dbl_3b.conv.weight"] == (384, 384, 3, 1)


def test_an_average_leaves_the_padding_out() -> None:
    """A constant image stays constant at its edge only if padding is not counted."""
    block = _Same(2, [[("branch1x1", 1, 1)], [("branch_pool", 1, 1)]])
    initialise(block, torch_generator(Rng(0)))
    with torch.no_grad():
        block.get_submodule("branch_pool.conv").weight.fill_(1.0)  # type: ignore[union-attr, operator]
    found = block.eval()(torch.ones(1, 2, 5, 5))[:, 1]
    assert torch.allclose(found, found[0, 2, 2].expand_as(found))
