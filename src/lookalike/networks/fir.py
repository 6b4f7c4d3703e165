"""Resampling with the separable filter [1, 3, 3, 1].

Legend: B images, C channels, H and W pixels. Fastest for tensors in the channels-last memory format.
Source: Karras et al. 2020, arXiv 1912.04958 (the filter); Zhang 2019, arXiv 1904.11486 (blur before sampling).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, final

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

_TAPS = (1.0, 3.0, 3.0, 1.0)


def upsample2(x_BCHW: Tensor) -> Tensor:
    """Return images of twice the size, [B, C, 2H, 2W].

    Both phases of the filter are (3, 1) / 4, which is bilinear interpolation; edges are repeated outwards, so a
    constant image stays constant up to its border.

    Differs from the paper: edges, on which the paper is silent.
    """
    return F.interpolate(x_BCHW, scale_factor=2, mode="bilinear")


def downsample2(x_BCHW: Tensor) -> Tensor:
    """Return images of half the size, [B, C, H/2, W/2], for even sides; outside the image are zeros."""
    return _filter(x_BCHW, 1.0, 1, 2)


def blur_wider(x_BCHW: Tensor) -> Tensor:
    """Return the filtered image with one more row and column, [B, C, H + 1, W + 1]: half a pixel more on each side.

    A 3x3 convolution with stride 2 and no padding then gives [H/2, W/2] for even sides.
    """
    return _filter(x_BCHW, 1.0, 2, 1)


def blur_after_zeros(x_BCHW: Tensor) -> Tensor:
    """Return the filtered image with one row and column less, [B, C, H - 1, W - 1], and 4 times the gain.

    The gain makes up for the three of four pixels that a transposed convolution of stride 2 takes to be zero.
    """
    return _filter(x_BCHW, 4.0, 1, 1)


def _filter(x_BCHW: Tensor, gain: float, padding: int, stride: int) -> Tensor:
    y_BCHW: Tensor = _Filter.apply(x_BCHW, gain, padding, stride)  # type: ignore[no-untyped-call]
    return y_BCHW


# Torch differentiates a depthwise convolution twice by way of a gradient for the filter, which nobody wants here: with
# 32 rows of 16 x 28 x 28 that took 10 ms where this pair of maps, each the adjoint of the other, takes 2.8.
@final
class _Filter(Function):
    """Filter every channel alone and keep each `stride`-th pixel; the filter is symmetric."""

    @staticmethod
    def forward(x_BCHW: Tensor, gain: float, padding: int, stride: int) -> Tensor:
        kernel = _kernel(x_BCHW.shape[1], gain, x_BCHW.dtype, x_BCHW.device)
        return F.conv2d(x_BCHW, kernel, padding=padding, stride=stride, groups=x_BCHW.shape[1])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, int, int], output: Tensor) -> None:  # noqa: ANN401
        ctx.settings, ctx.size = inputs[1:], inputs[0].shape[2:]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        x_BCHW: Tensor = _Adjoint.apply(grad_outputs[0], *ctx.settings, ctx.size)  # type: ignore[no-untyped-call]
        return x_BCHW, None, None, None


@final
class _Adjoint(Function):
    """The transpose of `_Filter` for images of a given size."""

    @staticmethod
    def forward(x_BCHW: Tensor, gain: float, padding: int, stride: int, size: tuple[int, int]) -> Tensor:
        kernel = _kernel(x_BCHW.shape[1], gain, x_BCHW.dtype, x_BCHW.device)
        bare = [(side - 1) * stride - 2 * padding + len(_TAPS) for side in x_BCHW.shape[2:]]
        rest = [wanted - found for wanted, found in zip(size, bare, strict=True)]
        groups = x_BCHW.shape[1]
        return F.conv_transpose2d(x_BCHW, kernel, stride=stride, padding=padding, output_padding=rest, groups=groups)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, int, int, Any], output: Tensor) -> None:  # noqa: ANN401
        ctx.settings = inputs[1:4]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None, None]:  # noqa: ANN401
        return _filter(grad_outputs[0], *ctx.settings), None, None, None, None


@lru_cache(maxsize=64)
def _kernel(channels: int, gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    taps = torch.tensor(_TAPS, dtype=dtype, device=device)
    square = gain * torch.outer(taps, taps) / taps.sum() ** 2
    return square.expand(channels, 1, -1, -1)
