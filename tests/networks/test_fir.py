"""The resampling filters against their definition, and their derivatives of every order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lookalike.networks.fir import blur_after_zeros, blur_wider, downsample2, upsample2

MAPS = [upsample2, downsample2, blur_wider, blur_after_zeros]


def _image(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _by_hand(x_BCHW: Tensor, before: int, after: int, gain: float = 1.0) -> Tensor:
    """Filter rows, then columns, tap by tap, with zeros outside."""
    for axis in (2, 3):
        pad = (0, 0, before, after) if axis == 2 else (before, after, 0, 0)
        wide = F.pad(x_BCHW, pad)
        length = wide.shape[axis] - 3
        x_BCHW = sum(tap / 8 * wide.narrow(axis, k, length) for k, tap in enumerate((1, 3, 3, 1)))  # type: ignore[misc]
    return gain * x_BCHW


def test_each_map_is_the_filter() -> None:
    x_BCHW = _image(2, 3, 8, 6)
    assert torch.allclose(downsample2(x_BCHW), _by_hand(x_BCHW, 1, 1)[:, :, ::2, ::2])
    assert torch.allclose(blur_wider(x_BCHW), _by_hand(x_BCHW, 2, 2))
    assert torch.allclose(blur_after_zeros(x_BCHW), _by_hand(x_BCHW, 1, 1, gain=4))
    zeros = torch.zeros(2, 3, 16, 12, dtype=torch.float64)
    zeros[:, :, ::2, ::2] = x_BCHW
    # Away from the border, where edges are repeated rather than zero.
    assert torch.allclose(upsample2(x_BCHW)[:, :, 1:-1, 1:-1], _by_hand(zeros, 2, 1, gain=4)[:, :, 1:-1, 1:-1])


def test_a_constant_stays_what_it_is() -> None:
    one = torch.ones(1, 2, 8, 8)
    assert torch.allclose(upsample2(one), torch.ones(1, 2, 16, 16))
    assert torch.allclose(downsample2(one)[:, :, 1:-1, 1:-1], torch.ones(1, 2, 2, 2))
    assert torch.allclose(blur_wider(one)[:, :, 2:-2, 2:-2], torch.ones(1, 2, 5, 5))
    zeros = torch.zeros(1, 2, 9, 9)
    zeros[:, :, ::2, ::2] = 1
    assert torch.allclose(blur_after_zeros(zeros)[:, :, 1:-1, 1:-1], torch.ones(1, 2, 6, 6))


@pytest.mark.parametrize("resample", MAPS)
def test_derivatives_of_first_and_second_order(resample: Callable[[Tensor], Tensor]) -> None:
    x_BCHW = _image(1, 2, 4, 6).requires_grad_()
    assert torch.autograd.gradcheck(resample, x_BCHW)
    assert torch.autograd.gradgradcheck(lambda x: resample(x.pow(3)), x_BCHW)


@pytest.mark.parametrize("resample", MAPS)
def test_memory_format_is_kept_and_changes_nothing(resample: Callable[[Tensor], Tensor]) -> None:
    x_BCHW = _image(2, 3, 6, 6)
    last = resample(x_BCHW.contiguous(memory_format=torch.channels_last))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(last, resample(x_BCHW))


def test_training_works_after_inference() -> None:
    """The filter is kept between calls; one made in inference mode must serve training too."""
    x_BCHW = torch.ones(1, 5, 4, 4)
    with torch.inference_mode():
        downsample2(x_BCHW)
    x_BCHW.requires_grad_()
    downsample2(x_BCHW).sum().backward()
    assert x_BCHW.grad is not None
