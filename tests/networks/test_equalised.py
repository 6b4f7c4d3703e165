"""Layers keep unit variance and see an equal learning rate; the minibatch statistic equals its brute-force twin."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lookalike.core.errors import ConfigError
from lookalike.networks.equalised import (
    GAIN,
    EqualConv,
    EqualLinear,
    ProjectionHead,
    leaky_relu,
    minibatch_std,
    pixel_norm,
)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_linear_layer_keeps_unit_variance_whatever_its_width_and_rate() -> None:
    for inputs, rate in ((16, 1.0), (512, 0.01)):
        x_BI = torch.randn(400, inputs, generator=_generator(1))
        layer = EqualLinear(inputs, 512, _generator(), rate=rate)
        assert float(layer(x_BI).detach().std()) == pytest.approx(1, abs=0.05)
        with_gain = EqualLinear(inputs, 512, _generator(), gain=GAIN, rate=rate)
        assert float(leaky_relu(with_gain(x_BI)).detach().square().mean()) == pytest.approx(1.04, abs=0.08)


def test_a_rate_makes_an_equal_step_of_the_parameters_count_as_much_less() -> None:
    """What Adam does: every parameter moves by the same amount, whatever the size of its gradient."""
    x_BI = torch.randn(3, 8, generator=_generator(1))
    moved = []
    for rate in (1.0, 0.01):
        layer = EqualLinear(8, 4, _generator(), rate=rate, bias=1.0)
        before = layer(x_BI).detach()
        with torch.no_grad():
            layer.weight += 1
            layer.bias += 1
        moved.append((layer(x_BI) - before).detach())
    assert torch.allclose(moved[1], 0.01 * moved[0], atol=1e-5)


def _layer(size: str) -> tuple[EqualConv, Tensor, Tensor, Tensor]:
    """Return a layer with biases, an image, the scaled weights and the filter [1, 3, 3, 1] for its outputs."""
    layer = EqualConv(3, 5, 3, _generator(), size=size).double()  # type: ignore[arg-type]
    layer.bias = torch.nn.Parameter(torch.arange(5, dtype=torch.float64))
    taps = torch.tensor([1.0, 3, 3, 1], dtype=torch.float64)
    x_BCHW = torch.randn(2, 3, 8, 10, generator=_generator(1), dtype=torch.float64)
    return layer, x_BCHW, layer.weight * layer.scale, (torch.outer(taps, taps) / 64).expand(5, 1, 4, 4)


def test_a_convolution_to_half_the_sides_filters_its_full_size_result() -> None:
    layer, x_BCHW, weight, kernel = _layer("halve")
    full = F.conv2d(x_BCHW, weight, layer.bias, padding=1)
    expected = F.conv2d(full, kernel, padding=1, stride=2, groups=5)
    found = layer(x_BCHW)
    assert found.shape == expected.shape
    # The border differs by design.
    assert torch.allclose(found[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1])


def test_a_convolution_to_twice_the_sides_filters_zeros_put_between_pixels() -> None:
    layer, x_BCHW, weight, kernel = _layer("double")
    zeros = torch.zeros(2, 3, 15, 19, dtype=torch.float64)
    zeros[:, :, ::2, ::2] = x_BCHW
    # A transposed convolution turns the kernel round.
    full = F.conv2d(zeros, weight.flip(2, 3), padding=2)
    expected = F.conv2d(full, 4 * kernel, layer.bias, padding=1, groups=5)
    found = layer(x_BCHW)
    assert found.shape == (2, 5, 16, 20)
    assert torch.allclose(found, expected)


def test_a_convolution_with_a_1x1_kernel_is_one() -> None:
    layer = EqualConv(3, 5, 1, _generator())
    x_BCHW = torch.randn(2, 3, 4, 6, generator=_generator(1))
    expected = F.conv2d(x_BCHW, layer.weight * layer.scale, layer.bias)
    assert torch.allclose(layer(x_BCHW), expected, atol=1e-6)


@pytest.mark.parametrize("size", ["keep", "halve", "double"])
def test_a_convolution_keeps_unit_variance(size: str) -> None:
    layer = EqualConv(64, 64, 3, _generator(), size=size)  # type: ignore[arg-type]
    # Smooth features, as a filter takes the variance of white noise away.
    x_BCHW = torch.randn(64, 64, 1, 1, generator=_generator(1)).expand(-1, -1, 24, 24)
    assert float(layer(x_BCHW)[:, :, 4:-4, 4:-4].detach().std()) == pytest.approx(1, abs=0.1)


def test_pixel_norm_gives_unit_mean_square() -> None:
    x_BC = 7 * torch.randn(5, 9, generator=_generator())
    assert torch.allclose(pixel_norm(x_BC).square().mean(1), torch.ones(5))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 6, 8, 9])
def test_minibatch_std_equals_its_brute_force_twin(rows: int) -> None:
    x_BCHW = torch.randn(rows, 3, 2, 5, generator=_generator(), dtype=torch.float64)
    found = minibatch_std(x_BCHW)
    assert found.shape == (rows, 4, 2, 5)
    assert torch.equal(found[:, :3], x_BCHW)
    for row in range(rows):
        group = x_BCHW[row // 4 * 4 : row // 4 * 4 + 4].numpy()
        deviations = [
            math.sqrt(sum((group[i, c, h, w] - group[:, c, h, w].mean()) ** 2 for i in range(len(group))) / len(group))
            for c in range(3)
            for h in range(2)
            for w in range(5)
        ]
        wanted = torch.full((2, 5), sum(deviations) / len(deviations), dtype=torch.float64)
        assert torch.allclose(found[row, 3], wanted, atol=2e-4)


def test_minibatch_std_sees_a_collapse() -> None:
    same = torch.randn(1, 3, 4, 4, generator=_generator()).expand(4, -1, -1, -1)
    assert float(minibatch_std(same)[:, 3].max()) < 1e-3


def test_the_projection_head_adds_an_inner_product_with_the_labels_direction() -> None:
    head = ProjectionHead(6, 3, _generator())
    h_BF = torch.randn(4, 6, generator=_generator(1))
    label_B = torch.tensor([0, 2, 2, 1])
    plain = head.linear(h_BF)[:, 0]
    assert head.direction is not None
    extra = torch.stack([head.direction[k] @ h / math.sqrt(6) for k, h in zip(label_B, h_BF, strict=True)])
    assert torch.allclose(head(h_BF, label_B), plain + extra, atol=1e-6)


def test_labels_are_there_exactly_when_there_are_classes() -> None:
    h_BF = torch.ones(2, 6)
    with pytest.raises(ConfigError, match="knows 3 classes but no labels"):
        ProjectionHead(6, 3, _generator())(h_BF, None)
    with pytest.raises(ConfigError, match="knows 0 classes but labels"):
        ProjectionHead(6, 0, _generator())(h_BF, torch.zeros(2, dtype=torch.long))
