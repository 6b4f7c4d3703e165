"""Oracles of the layers of StyleGAN3: brute force, closed form, and invariance."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lookalike.core.rng import Rng
from lookalike.networks.alias_free import FourierInput, ModulatedConvolution
from lookalike.techniques.training import torch_generator


def _normal(*size: int, step: int = 0) -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x", step)))


@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("side", [1, 3])
def test_convolution_equals_one_row_at_a_time(side: int, demodulate: bool) -> None:
    layer = ModulatedConvolution(5, 4, side, 8, demodulate, Rng(0)).double()
    with torch.no_grad():
        layer.bias.copy_(_normal(4))
    x, w, gain = _normal(3, 5, 7, 6).double(), _normal(3, 8, step=1).double(), torch.tensor(0.3).double()
    found, style = layer(x, w, gain), layer.style(w)
    for b in range(3):
        kernel = layer.weight * style[b][:, None, None] / math.sqrt(5 * side**2)
        if demodulate:
            kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = torch.nn.functional.conv2d(x[b : b + 1] * gain, kernel, layer.bias)
        assert torch.allclose(found[b : b + 1], expected, atol=1e-10)


def test_demodulated_output_ignores_the_size_of_the_style() -> None:
    layer = ModulatedConvolution(5, 4, 3, 8, True, Rng(0)).double()
    x, w = _normal(2, 5, 6, 6).double(), _normal(2, 8, step=1).double()
    before = layer(x, w, torch.ones(()))
    with torch.no_grad():
        layer.style.weight.mul_(7)
        layer.style.bias.mul_(7)
    assert torch.allclose(layer(x, w, torch.ones(())), before, rtol=1e-5, atol=1e-7)


def test_input_equals_the_sine_of_its_waves() -> None:
    layer = FourierInput(40, 2.0, 16.0, (9, 7), 8, Rng(0)).double()
    assert 1.8 < float(layer.frequency.norm(dim=1).max()) <= 2.0
    with torch.no_grad():
        layer.weight.copy_(torch.eye(40) * math.sqrt(40))
        found = layer(_normal(1, 8).double(), None)[0]
    y, x = torch.meshgrid((torch.arange(9) - 4) / 16, (torch.arange(7) - 3) / 16, indexing="ij")
    turns = layer.frequency[:, :1, None] * x + layer.frequency[:, 1:, None] * y + layer.phase[:, None, None]
    assert torch.allclose(found, (2 * math.pi * turns).sin(), atol=1e-6)


def test_a_style_moves_the_input_as_a_transform_does() -> None:
    layer = FourierInput(8, 2.0, 8.0, (9, 9), 8, Rng(0)).double()
    w = torch.zeros(1, 8).double()
    for turn, move in ((0.7, (0.0, 0.0)), (0.0, (0.1, -0.2))):
        still = layer(w, None).detach()
        with torch.no_grad():
            layer.style.bias.copy_(torch.tensor([3 * math.cos(turn), 3 * math.sin(turn), *move]))
        asked = layer(w, None).detach()
        with torch.no_grad():
            layer.style.bias.copy_(torch.tensor([1.0, 0, 0, 0]))
        matrix = torch.tensor(
            [[math.cos(turn), -math.sin(turn), move[0]], [math.sin(turn), math.cos(turn), move[1]], [0, 0, 1]]
        ).double()
        assert torch.allclose(layer(w, matrix).detach(), asked, atol=1e-6)
        assert not torch.allclose(still, asked, atol=1e-2)


def test_the_transform_kept_in_the_input_comes_before_the_one_that_is_asked_for() -> None:
    layer, w = FourierInput(8, 2.0, 8.0, (9, 9), 8, Rng(0)), _normal(2, 8)
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    move = torch.tensor([[1.0, 0, 0.2], [0, 1, 0], [0, 0, 1]])
    expected = layer(w, move @ turn)
    layer.transform.copy_(turn)
    assert torch.allclose(layer(w, move), expected, atol=1e-5)
    assert not torch.allclose(layer(w, None), expected, atol=1e-2)
