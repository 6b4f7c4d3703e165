"""Oracles of the StyleGAN3 generator: its bands, its layers against brute force, and equivariance before training."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.stylegan3 import Stylegan3Config, Stylegan3Generator, bands, preset
from lookalike.techniques import equivariance
from lookalike.techniques.training import torch_generator

_SMALL = Stylegan3Config(8, 8, 1, z_dim=8, w_dim=8, layers=3, channel_base=32, channel_max=8, margin=4)
_EQUIVARIANT = Stylegan3Config(64, 64, 3, z_dim=16, w_dim=16, channel_base=512, channel_max=16)


def _normal(*size: int, step: int = 0) -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x", step)))


def _spread(generator: Stylegan3Generator, w_BD: Tensor) -> Tensor:
    return w_BD[:, None].expand(-1, generator.num_ws, -1)


@pytest.mark.parametrize("config", ["T", "R"])
@pytest.mark.parametrize(
    ("height", "width", "channels", "classes"), [(8, 8, 1, 0), (28, 28, 1, 10), (64, 64, 3, 0), (20, 33, 4, 2)]
)
def test_images_of_every_size_come_out(height: int, width: int, channels: int, classes: int, config: Any) -> None:
    generator = Stylegan3Generator(preset("tiny", height, width, channels, classes, config), Rng(0))
    label = torch.arange(2) if classes else None
    with torch.no_grad():
        x = generator(_normal(2, generator.config.z_dim), label)
    assert x.shape == (2, channels, height, width)
    assert 0.01 < float(x.std()) < 2


@pytest.mark.parametrize("side", [8, 28, 64, 256, 1024])
@pytest.mark.parametrize("name", ["tiny", "small", "paper"])
def test_cutoffs_and_stopbands_grow_geometrically_and_fit_the_rates(side: int, name: Any) -> None:
    config = preset(name, side, side, 3)
    plan = bands(config)
    assert (plan[0].cutoff, plan[-1].cutoff, plan[-1].rate) == pytest.approx((2, side / 2, side))
    growth = [b.cutoff / a.cutoff for a, b in pairwise(plan)]
    free = config.layers - config.critical_layers
    assert growth[:free] == pytest.approx([(side / 4) ** (1 / free)] * free)
    assert [band.critical for band in plan] == [layer >= free for layer in range(config.layers)]
    for layer, band in enumerate(plan):
        stop = 2**2.1 * (side / 2 * 2**0.3 / 2**2.1) ** min(layer / free, 1)
        assert band.cutoff + band.half_width == pytest.approx(max(stop, band.rate / 2))
        assert band.rate >= min(2 * stop, side) * (1 - 1e-9)
        assert band.rate / 2 < 2 * stop or band.rate == side
        assert math.log2(side / band.rate) % 1 == 0


def test_the_paper_s_sizes_at_1024_pixels() -> None:
    plan = bands(preset("paper", 1024, 1024, 3))
    assert [band.rate for band in plan] == [16, 16, 32, 32, 64, 128, 128, 256, 256, 512, 1024, 1024, 1024, 1024]
    assert [band.channels for band in plan] == [512] * 7 + [323, 203, 128, 81, 51, 32, 32]
    assert [band.height for band in plan] == [36, 36, 52, 52, 84, 148, 148, 276, 276, 532, 1044, 1044, 1044, 1024]
    rotating = bands(preset("paper", 1024, 1024, 3, config="R"))
    assert (rotating[0].channels, rotating[-1].channels) == (1024, 64)


def test_only_config_r_has_radial_filters_where_the_band_leaves_room() -> None:
    for config in (preset("tiny", 64, 64, 3, config="T"), preset("tiny", 64, 64, 3, config="R")):
        layers = Stylegan3Generator(config, Rng(0)).synthesis.layers
        assert not any(layer.plan.up.radial for layer in layers)
        assert [layer.plan.down.radial for layer in layers] == [config.config == "R"] * 5 + [False] * 2
        assert {layer.convolution.weight.shape[-1] for layer in layers} == {1 if config.config == "R" else 3}


def test_weights_follow_the_key_and_leave_global_randomness_alone(global_state: None) -> None:
    one, same, other = (Stylegan3Generator(_SMALL, Rng(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    for name, value in one.named_parameters():
        if float(value.detach().std(correction=0)) > 0 and "input.style" not in name:
            assert not torch.equal(value, other.get_parameter(name)), name


def test_a_forward_pass_changes_nothing_and_tracking_is_in_the_state() -> None:
    generator, z = Stylegan3Generator(_SMALL, Rng(0)), _normal(4, 8)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    magnitudes: list[Tensor] = []
    generator.synthesis(_spread(generator, generator.mapping(z, None)), None, magnitudes)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert len(magnitudes) == _SMALL.layers + 1
    generator.track(magnitudes, decay=0.75)
    expected = 0.75 + 0.25 * torch.stack(magnitudes)
    assert torch.allclose(generator.state_dict()["synthesis.magnitude"], expected)


def test_tracked_magnitudes_undo_the_scale_of_a_signal() -> None:
    generator, z = Stylegan3Generator(_SMALL, Rng(0)), _normal(4, 8)
    images = []
    for scale in (1.0, 5.0):
        with torch.no_grad():
            generator.synthesis.input.weight.mul_(scale)
            w = _spread(generator, generator.mapping(z, None))
            for _ in range(_SMALL.layers + 1):
                magnitudes: list[Tensor] = []
                generator.synthesis(w, None, magnitudes)
                generator.track(magnitudes, decay=0.0)
            images.append(generator.synthesis(w))
    assert torch.allclose(*images, atol=1e-4)
    # The last layer has no demodulation: its input has mean square 1, its weights about the same.
    assert 0.02 < float(images[0].std()) < 2.5


def test_labels_matter_and_are_asked_for() -> None:
    generator, z = Stylegan3Generator(replace(_SMALL, classes=3), Rng(0)), _normal(2, 8)
    one, other = (generator(z, torch.full((2,), k)) for k in (0, 2))
    assert not torch.allclose(one, other, atol=1e-3)
    with pytest.raises(ConfigError, match="no labels were given"):
        generator(z, None)


def test_path_length_can_be_differentiated() -> None:
    generator = Stylegan3Generator(_SMALL, Rng(0))
    w = _spread(generator, generator.mapping(_normal(2, 8), None))
    (slope,) = torch.autograd.grad(generator.synthesis(w).sum(), w, create_graph=True)
    slope.square().sum().backward()
    assert float(generator.synthesis.layers[0].convolution.weight.grad.abs().max()) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": 7, "width": 7}, "at least 8"),
        ({"layers": 2, "critical_layers": 1}, "at least 3 layers"),
        ({"critical_layers": 3}, "not all are critical"),
        ({"taps": 5}, "allowed: 2, 4, 6"),
    ],
)
def test_shapes_that_cannot_be_built_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(_SMALL, **change)


def _measured(config: Stylegan3Config, rows: int) -> dict[str, float]:
    generator = Stylegan3Generator(config, Rng(0))

    def generate(w: Tensor, transform: Tensor) -> Tensor:
        return generator.synthesis(_spread(generator, w), transform)

    with torch.no_grad():
        w = generator.mapping(_normal(rows, config.z_dim), None)
        return {
            "whole": equivariance.decibels(equivariance.translation(generate, w, Rng(1))),
            "fractional": equivariance.decibels(equivariance.translation(generate, w, Rng(2), fractional=True)),
            "rotation": equivariance.decibels(equivariance.rotation(generate, w, Rng(3))),
        }


def test_an_untrained_network_follows_translations() -> None:
    found = _measured(_EQUIVARIANT, rows=3)
    assert found["whole"] > 60
    assert found["fractional"] > 50
    assert found["rotation"] < 35


def test_an_untrained_network_of_config_r_follows_rotations_too() -> None:
    found = _measured(replace(_EQUIVARIANT, config="R", channel_base=256, channel_max=8), rows=3)
    assert found["whole"] > 60
    assert found["fractional"] > 50
    assert found["rotation"] > 60


@pytest.mark.parametrize("config", ["T", "R"])
def test_plain_leaky_relu_and_bilinear_resampling_fail(config: Any) -> None:
    found = _measured(replace(_EQUIVARIANT, config=config, alias_free=False), rows=3)
    assert found["whole"] < 50
    assert found["fractional"] < 50
    assert found["rotation"] < 50


@pytest.mark.slow
@pytest.mark.parametrize("config", ["T", "R"])
def test_a_wider_untrained_network_is_equivariant_over_many_images(config: Any) -> None:
    found = _measured(replace(_EQUIVARIANT, config=config, channel_base=2048, channel_max=64), rows=16)
    assert found["whole"] > 60
    assert found["fractional"] > 50
    assert (found["rotation"] > 45) == (config == "R")
