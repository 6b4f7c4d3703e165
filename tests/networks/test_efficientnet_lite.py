"""The architecture is the published one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lookalike.core.rng import Rng
from lookalike.networks.convnet import initialise
from lookalike.networks.efficientnet_lite import EfficientNetLite0, _Convolution
from lookalike.techniques.training import torch_generator


def test_the_number_of_parameters_is_the_published_one() -> None:
    """4,652,008 in TensorFlow's table of EfficientNet-Lite0 (4.7 million)."""
    assert sum(value.numel() for value in EfficientNetLite0().parameters()) == 4_652_008


def test_shapes() -> None:
    network = EfficientNetLite0()
    initialise(network, torch_generator(Rng(0)))
    x_BCHW = torch.zeros(1, 3, 40, 33)
    assert network.eval().features(x_BCHW).shape == (1, 1280)
    assert network(x_BCHW).shape == (1, 1000)


@pytest.mark.parametrize(("side", "kernel", "stride"), [(6, 3, 2), (7, 3, 2), (6, 5, 2), (7, 5, 1)])
def test_padding_is_tensorflows(side: int, kernel: int, stride: int) -> None:
    """SAME: ceil(side / stride) outputs, and the odd pixel of padding comes last."""
    layer = _Convolution(1, 1, kernel, stride)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(kernel * kernel, dtype=torch.float32).reshape(1, 1, kernel, kernel))
    x_BCHW = torch.arange(side * side, dtype=torch.float32).reshape(1, 1, side, side)
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before = total // 2
    wide = F.pad(x_BCHW, (before, total - before, before, total - before))
    expected = [
        [(wide[0, 0, i : i + kernel, j : j + kernel] * layer.weight[0, 0]).sum().item() for j in range(0, side, stride)]
        for i in range(0, side, stride)
    ]
    assert torch.allclose(layer(x_BCHW)[0, 0], torch.tensor(expected))
