"""Oracles of the filter designs, and of the two forms of the filtered leaky ReLU against each other."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.techniques import filtering
from lookalike.techniques.filtering import LowPass, Resampling, filtered_lrelu, low_pass
from lookalike.techniques.training import torch_generator

_UP = LowPass(taps=12, cutoff=5.0, half_width=4.0, rate=32.0)
_DOWN = LowPass(taps=12, cutoff=5.5, half_width=3.5, rate=32.0)
_PLANS = {
    "same rate": Resampling(_UP, _DOWN, 2, 2, 12, 9),
    "cropped": Resampling(_UP, _DOWN, 2, 2, 7, 6),
    "beyond the input": Resampling(_UP, _DOWN, 2, 2, 22, 21),
    "double rate": Resampling(replace(_UP, taps=24), _DOWN, 4, 2, 20, 17),
    "half rate": Resampling(_UP, replace(_DOWN, taps=24), 2, 4, 6, 5),
    "radial down": Resampling(_UP, replace(_DOWN, radial=True), 2, 2, 12, 9),
    "radial both": Resampling(replace(_UP, radial=True), replace(_DOWN, radial=True), 2, 2, 10, 10),
    "long": Resampling(_UP, _DOWN, 2, 2, 70, 3),
}


def _signal(*size: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x")), dtype=torch.float64).to(dtype)


def _response(kernel: Any, frequency: Any, rate: float) -> Any:
    place = (np.arange(len(kernel)) - (len(kernel) - 1) / 2) / rate
    return np.cos(2 * math.pi * np.outer(frequency, place)) @ kernel


@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize("taps", [1, 7, 12, 24])
def test_dc_gain_is_one_and_taps_are_symmetric(taps: int, radial: bool) -> None:
    kernel = low_pass(LowPass(taps, 4.0, 3.0, 32.0, radial))
    assert kernel.shape == ((taps, taps) if radial else (taps,))
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    assert np.allclose(kernel, np.flip(kernel), atol=1e-15)


def test_stopband_lies_as_low_as_the_design_says() -> None:
    design = LowPass(taps=48, cutoff=4.0, half_width=1.5, rate=32.0)
    promised = filtering.attenuation(48, 1.5, 32.0)
    kernel = low_pass(design)
    stop = np.abs(_response(kernel, np.linspace(5.5, 16, 500), 32.0)).max()
    passed = np.abs(_response(kernel, np.linspace(0, 2.5, 500), 32.0) - 1).max()
    assert promised > 60
    assert -20 * math.log10(stop) > promised - 2
    assert -20 * math.log10(passed) > promised - 2
    # The response is a half in the middle of the transition band.
    assert float(_response(kernel, [4.0], 32.0)[0]) == pytest.approx(0.5, abs=0.01)


def test_radial_filter_stops_the_same_frequency_in_every_direction() -> None:
    kernel = low_pass(LowPass(taps=24, cutoff=6.0, half_width=3.0, rate=32.0, radial=True))
    separable = np.outer(*[low_pass(LowPass(taps=24, cutoff=6.0, half_width=3.0, rate=32.0))] * 2)
    place = (np.arange(24) - 11.5) / 32

    def gain(taps: Any, angle: float, frequency: float) -> float:
        x, y = (
            np.cos(2 * math.pi * frequency * math.cos(angle) * place),
            np.cos(2 * math.pi * frequency * math.sin(angle) * place),
        )
        return float(y @ taps @ x)

    for frequency in (3.0, 6.0, 9.0):
        around = [gain(kernel, angle, frequency) for angle in np.linspace(0, math.pi / 4, 7)]
        assert np.ptp(around) < 0.01
        assert np.mean(around) == pytest.approx({3.0: 1, 6.0: 0.5, 9.0: 0}[frequency], abs=0.06)
    assert np.ptp([gain(separable, angle, 6.0) for angle in (0.0, math.pi / 4)]) > 0.1


@pytest.mark.parametrize("name", _PLANS)
@pytest.mark.parametrize("clamp", [None, 0.8])
def test_banded_equals_convolution(name: str, clamp: float | None) -> None:
    x = _signal(2, 3, 12, 9).requires_grad_()
    plan = _PLANS[name]
    results = []
    for form in ("banded", "convolution"):
        y = filtered_lrelu(x, plan, clamp=clamp, form=form)
        assert y.shape == (2, 3, plan.height, plan.width)
        (first,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), x)
        results.append((y.detach(), first.detach(), second))
    for banded, convolved in zip(*results, strict=True):
        assert (banded - convolved).abs().max() < 1e-6 * max(1.0, float(convolved.abs().max()))


def test_banded_equals_convolution_in_single_precision() -> None:
    x = _signal(2, 3, 12, 9, dtype=torch.float32)
    for plan in _PLANS.values():
        one, two = (filtered_lrelu(x, plan, form=form) for form in ("banded", "convolution"))
        assert (one - two).abs().max() < 1e-5


def test_both_forms_equal_zero_insertion_and_plain_convolution() -> None:
    plan, x = _PLANS["double rate"], _signal(1, 1, 12, 9)
    sparse = torch.zeros(1, 1, 12 * 4, 9 * 4, dtype=torch.float64)
    sparse[..., ::4, ::4] = x
    up, down = (torch.from_numpy(np.outer(*[low_pass(f)] * 2))[None, None] for f in (plan.up, plan.down))
    # Sample i of the input lies at 4 i + 1.5 of the grid, the middle of 24 taps at 11.5: ten samples of lead.
    tall, wide = plan.enlarged(20), plan.enlarged(17)
    top, left = (12 * 4 - tall) // 2, (9 * 4 - wide) // 2
    full = F.conv2d(F.pad(sparse, (40, 40, 40, 40)), up * 16)
    z = full[..., 40 + top - 13 : 40 + top - 13 + tall, 40 + left - 13 : 40 + left - 13 + wide]
    expected = F.conv2d(F.leaky_relu(z, 0.2) * math.sqrt(2), down)[..., ::2, ::2]
    for form in ("banded", "convolution"):
        assert torch.allclose(filtered_lrelu(x, plan, form=form), expected, atol=1e-12)


def test_derivatives_are_right_to_second_order() -> None:
    plan = Resampling(replace(_UP, taps=6), replace(_DOWN, taps=6, radial=True), 2, 2, 4, 3)
    x = _signal(1, 2, 5, 4).requires_grad_()
    for clamp in (None, 0.7):
        assert torch.autograd.gradcheck(lambda v, c=clamp: filtered_lrelu(v, plan, clamp=c, form="banded"), (x,))
        assert torch.autograd.gradgradcheck(lambda v, c=clamp: filtered_lrelu(v, plan, clamp=c, form="banded"), (x,))


@pytest.mark.parametrize("form", ["banded", "convolution"])
def test_slope_one_leaves_a_band_limited_signal_as_it_was(form: Any) -> None:
    y, x = np.meshgrid(np.arange(64), np.arange(64), indexing="ij")
    wave = torch.from_numpy(np.sin(0.4 * x + 0.3 * y) + np.cos(0.5 * y))[None, None]
    for up_factor, down_factor in ((2, 2), (1, 1)):
        taps = 49 if up_factor == 1 else 48
        design = LowPass(taps, 0.25, 0.15, float(up_factor))
        plan = Resampling(design, design, up_factor, down_factor, 64, 64)
        found = filtered_lrelu(wave, plan, slope=1.0, gain=1.0, form=form)
        assert (found - wave)[..., 26:-26, 26:-26].abs().max() < 2e-3


def test_activation_of_a_constant_is_leaky_relu() -> None:
    for value in (1.5, -1.5):
        found = filtered_lrelu(
            torch.full((1, 1, 40, 40), value, dtype=torch.float64), Resampling(_UP, _DOWN, 2, 2, 8, 8)
        )
        expected = math.sqrt(2) * max(value, 0.2 * value)
        assert torch.allclose(found, torch.full_like(found, expected), rtol=2e-2)


@pytest.mark.parametrize("form", ["banded", "convolution"])
def test_what_is_kept_from_inference_serves_training_later(form: Any) -> None:
    plan, x = Resampling(_UP, _DOWN, 2, 2, 11, 11), _signal(1, 1, 11, 11)
    filtering._pair.cache_clear()
    filtering._kernels.cache_clear()
    with torch.inference_mode():
        before = filtered_lrelu(x, plan, form=form).clone()
    y = filtered_lrelu(x.requires_grad_(), plan, form=form)
    assert torch.equal(y, before)
    torch.autograd.grad(y.square().sum(), x)


def test_taps_between_samples_are_refused() -> None:
    with pytest.raises(ConfigError, match="even taps with even factors"):
        filtered_lrelu(_signal(1, 1, 8, 8), Resampling(replace(_UP, taps=11), _DOWN, 2, 2, 8, 8))
    with pytest.raises(ConfigError, match="one centre"):
        filtered_lrelu(_signal(1, 1, 8, 8), Resampling(_UP, replace(_DOWN, taps=11), 2, 2, 8, 8), form="convolution")
