"""Kaiser low-pass filters, and the leaky ReLU between an upsampling and a downsampling that keeps signals band-limited.

The activation has two forms with equal results: convolutions, and banded matrix products along each axis. Both can be
differentiated any number of times. Grids share their centre: sample i of n lies at (i - (n - 1) / 2) / rate.
Legend: B rows, C channels, H height, W width, N rows times channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import j1
from torch import Tensor
from torch.nn import functional as F

from lookalike.core.errors import ConfigError
from lookalike.techniques.banded import AxisMaps, MapPair, lrelu_between

Form = Literal["auto", "banded", "convolution"]


@final
@dataclass(frozen=True)
class LowPass:
    """A low-pass filter with finite support.

    Attributes:
        taps: Length of each axis, at least 1; 1 = no filter.
        cutoff: Middle of the transition band, in cycles per unit, above 0.
        half_width: Half of the width of the transition band, in cycles per unit, above 0.
        rate: Samples per unit of the grid that the taps lie on.
        radial: Whether the frequency response depends on the distance from 0 only; else it is a product over axes.
    """

    taps: int
    cutoff: float
    half_width: float
    rate: float
    radial: bool = False


@final
@dataclass(frozen=True)
class Resampling:
    """What happens around a nonlinearity: to a higher rate, and from there to the rate of the output.

    Attributes:
        up: Filter of the enlarged signal, on the higher rate.
        down: Filter after the nonlinearity, on the higher rate.
        up_factor: Higher rate over the rate of the input, at least 1.
        down_factor: Higher rate over the rate of the output, at least 1.
        height: Of the output, in samples; it is cut from, or reaches beyond, the middle of the input.
        width: Of the output, in samples.
    """

    up: LowPass
    down: LowPass
    up_factor: int
    down_factor: int
    height: int
    width: int

    def enlarged(self, size: int) -> int:
        """Return the samples of one axis at the higher rate that `size` samples of output need."""
        return (size - 1) * self.down_factor + self.down.taps

    def start(self, before: int, after: int) -> int:
        """Return where the enlarged axis begins, counted on the grid of `before` times `up_factor` samples.

        Raises:
            ConfigError: The taps do not lie on that grid.
        """
        twice = before * self.up_factor - self.enlarged(after)
        if twice % 2 or (self.up.taps - self.up_factor) % 2:
            raise ConfigError(
                f"taps of {self.up.taps} and {self.down.taps} for {before} to {after} samples by factors of "
                f"{self.up_factor} and {self.down_factor} lie between the samples; allowed: grids with one centre; "
                "use even taps with even factors, or odd with odd"
            )
        return twice // 2


def kaiser_beta(taps: int, half_width: float, rate: float) -> float:
    """Return the shape of the Kaiser window for a transition band.

    Args:
        taps: Length of the filter, at least 1.
        half_width: Half of the transition band, in cycles per unit.
        rate: Samples per unit.

    Returns:
        Beta, at least 0; larger = narrower window, and a stopband `attenuation` dB below 1.

    Source: Kaiser 1974, "Nonrecursive digital filter design using the I0-sinh window function"; as used by Karras et
        al. 2021, arXiv 2106.12423, appendix C.
    Differs from the paper: nothing.
    """
    a = attenuation(taps, half_width, rate)
    if a > 50:
        return 0.1102 * (a - 8.7)
    return 0.5842 * (a - 21) ** 0.4 + 0.07886 * (a - 21) if a > 21 else 0.0


def attenuation(taps: int, half_width: float, rate: float) -> float:
    """Return how far below 1 the stopband of a Kaiser design lies, in dB."""
    return 2.285 * (taps - 1) * math.pi * 4 * half_width / rate + 7.95


def low_pass(design: LowPass) -> npt.NDArray[np.float64]:
    """Return the taps of a filter: a sinc, or a jinc where it is radial, under a Kaiser window, with DC gain 1.

    Args:
        design: Length, cutoff and transition band.

    Returns:
        [taps] of one axis, or [taps, taps] where radial; symmetric.

    Source: Karras et al. 2021, arXiv 2106.12423, appendix C.
    Differs from the paper: the sum of the taps is made 1 exactly.
    """
    place = (np.arange(design.taps) - (design.taps - 1) / 2) / design.rate
    window = np.kaiser(design.taps, kaiser_beta(design.taps, design.half_width, design.rate))
    if design.radial:
        turns = 2 * design.cutoff * np.hypot(place[:, None], place[None, :])
        safe = np.where(turns == 0, 1.0, turns)
        kernel = np.where(turns == 0, 1.0, 2 * j1(math.pi * safe) / (math.pi * safe)) * np.outer(window, window)
    else:
        kernel = np.sinc(2 * design.cutoff * place) * window
    return np.asarray(kernel / kernel.sum(), dtype=np.float64)


def filtered_lrelu(
    x_BCHW: Tensor,
    plan: Resampling,
    slope: float = 0.2,
    gain: float = math.sqrt(2),
    clamp: float | None = None,
    form: Form = "auto",
) -> Tensor:
    """Apply leaky ReLU to the continuous signal that the samples stand for, and sample the band-limited result.

    Args:
        x_BCHW: Signal; it is 0 outside.
        plan: Filters, rates and size of the output.
        slope: Of the negative side, in [0, 1].
        gain: Factor after the nonlinearity, above 0.
        clamp: Largest magnitude after the gain, above 0; None = no limit.
        form: `banded` or `convolution`; `auto` = banded on a CPU, for radial filters too, and convolution elsewhere.

    Returns:
        [B, C, plan.height, plan.width].

    Raises:
        ConfigError: The grids do not fit.

    Source: Karras et al. 2021, arXiv 2106.12423, section 3.2 and appendix D.
    Differs from the paper: no fused GPU kernel. The banded form multiplies by matrices that hold filter, padding and
        cropping; a radial filter becomes a sum of separable ones, exact to rounding.
    """
    if form == "auto":
        # One core, grids of 84x84 (64 pixels with margins), forward and backward: the banded form is 2.4 times as fast
        # as convolutions for separable filters, and 1.5 times for radial ones.
        form = "banded" if x_BCHW.device.type == "cpu" else "convolution"
    if form == "convolution":
        return _convolved(x_BCHW, plan, slope, gain, clamp)
    rows, channels, height, width = x_BCHW.shape
    pair = _pair(plan, height, width, gain, x_BCHW.dtype, x_BCHW.device)
    y_NHW = lrelu_between(x_BCHW.reshape(rows * channels, height, width), pair, slope, clamp)
    return y_NHW.view(rows, channels, plan.height, plan.width)


def _convolved(x_BCHW: Tensor, plan: Resampling, slope: float, gain: float, clamp: float | None) -> Tensor:
    channels = x_BCHW.shape[1]
    sizes = [(x_BCHW.shape[2], plan.height), (x_BCHW.shape[3], plan.width)]
    lead = [plan.start(*size) + (plan.up.taps - plan.up_factor) // 2 for size in sizes]
    long = [plan.enlarged(after) for _, after in sizes]
    for kernel, stride in _kernels(plan.up, plan.up_factor, plan.up_factor, x_BCHW.dtype, x_BCHW.device):
        weight = kernel.expand(channels, 1, -1, -1)
        x_BCHW = F.conv_transpose2d(x_BCHW, weight, stride=stride, groups=channels)
    (top, left), (tall, wide) = lead, long
    tail = (wide - x_BCHW.shape[3] + left, tall - x_BCHW.shape[2] + top)
    x_BCHW = F.leaky_relu(F.pad(x_BCHW, (-left, tail[0], -top, tail[1])), slope) * gain
    if clamp is not None:
        x_BCHW = x_BCHW.clamp(-clamp, clamp)
    for kernel, stride in _kernels(plan.down, plan.down_factor, 1, x_BCHW.dtype, x_BCHW.device):
        x_BCHW = F.conv2d(x_BCHW, kernel.expand(channels, 1, -1, -1), stride=stride, groups=channels)
    return x_BCHW


@lru_cache(maxsize=256)
def _kernels(
    design: LowPass, factor: int, gain: int, dtype: torch.dtype, device: torch.device
) -> list[tuple[Tensor, tuple[int, int]]]:
    """Return the convolutions that make up a filter, with their strides; each axis has `gain` as its DC gain."""
    # A tensor made in inference mode could not be saved for a later backward pass.
    with torch.inference_mode(False):
        taps = torch.from_numpy(low_pass(design) * (gain**2 if design.radial else gain)).to(device, dtype)
        if design.radial:
            return [(taps, (factor, factor))]
        return [(taps[None, :], (1, factor)), (taps[:, None], (factor, 1))]


@lru_cache(maxsize=256)
def _pair(plan: Resampling, height: int, width: int, gain: float, dtype: torch.dtype, device: torch.device) -> MapPair:
    axes = [(height, plan.height), (width, plan.width)]
    up = [_up_matrix(plan, terms, *axis) for axis, terms in zip(axes, _separable(plan.up, dtype), strict=True)]
    down = [
        _down_matrix(plan, terms, after) for (_, after), terms in zip(axes, _separable(plan.down, dtype), strict=True)
    ]
    # Leaky ReLU commutes with a positive gain, which therefore costs nothing here.
    first = AxisMaps.of_terms(up[0] * gain, up[1], dtype, device)
    return MapPair(first, AxisMaps.of_terms(down[0], down[1], dtype, device))


def _separable(design: LowPass, dtype: torch.dtype) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return filters [terms, taps] of both axes, the sum of whose products is the filter to rounding."""
    taps = low_pass(design)
    if not design.radial:
        return taps[None], taps[None]
    values, vectors = np.linalg.eigh(taps)
    kept = np.abs(values) > min(torch.finfo(dtype).eps, 1e-7) * np.abs(values).max()
    return (vectors[:, kept] * values[kept]).T, vectors[:, kept].T


def _up_matrix(plan: Resampling, terms: npt.NDArray[np.float64], before: int, after: int) -> npt.NDArray[np.float64]:
    """Return [terms, enlarged, before]: insert zeros, filter, and pad or crop."""
    count, taps = terms.shape
    grid = np.arange(plan.enlarged(after))[:, None] + plan.start(before, after)
    tap = grid - plan.up_factor * np.arange(before)[None, :] + (taps - plan.up_factor) // 2
    inside = (tap >= 0) & (tap < taps)
    matrix = np.where(inside, terms[:, np.clip(tap, 0, taps - 1)], 0.0)
    return np.asarray(matrix * plan.up_factor, dtype=np.float64).reshape(count, *tap.shape)


def _down_matrix(plan: Resampling, terms: npt.NDArray[np.float64], after: int) -> npt.NDArray[np.float64]:
    """Return [terms, after, enlarged]: filter, and keep one of `down_factor` samples."""
    tap = np.arange(plan.enlarged(after))[None, :] - plan.down_factor * np.arange(after)[:, None]
    inside = (tap >= 0) & (tap < terms.shape[1])
    return np.asarray(np.where(inside, terms[:, np.clip(tap, 0, terms.shape[1] - 1)], 0.0), dtype=np.float64)
