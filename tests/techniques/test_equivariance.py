"""Oracles of the equivariance measure: generators whose error is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.techniques import equivariance
from lookalike.techniques.training import torch_generator

Generate = Callable[[Tensor, Tensor], Tensor]


def _waves(height: int, width: int, band: float, follows: float = 1.0, noise: float = 0.0) -> Generate:
    """Return a generator of sums of waves of at most `band` cycles per pixel, which moves them exactly.

    Args:
        height: In pixels.
        width: In pixels.
        band: Highest frequency, in cycles per pixel.
        follows: Share of a shift that it makes.
        noise: Standard deviation of what it adds to a moved image.
    """
    y, x = torch.meshgrid(*((torch.arange(n).double() - (n - 1) / 2) for n in (height, width)), indexing="ij")
    place_3HW = torch.stack([x, y, torch.full_like(x, max(height, width))])

    def generate(w: Tensor, transform: Tensor) -> Tensor:
        images = []
        for seed, matrix in zip(w, transform, strict=True):
            moved = matrix.clone()
            moved[:2, 2] *= follows
            generator = torch_generator(Rng(int(seed)))
            radius, angle, phase = torch.rand(3, 20, 3, generator=generator, dtype=torch.float64)
            back_2HW = torch.einsum("ij,jhw->ihw", torch.linalg.inv(moved), place_3HW)[:2]
            fx, fy = (
                band * radius.sqrt() * (2 * math.pi * angle).cos(),
                band * radius.sqrt() * (2 * math.pi * angle).sin(),
            )
            turns = fx[..., None, None] * back_2HW[0] + fy[..., None, None] * back_2HW[1] + phase[..., None, None]
            image = (2 * math.pi * turns).sin().sum(0) / 5
            grain = torch.randn(image.shape, generator=generator, dtype=torch.float64)
            images.append(image + noise * (not torch.equal(matrix, torch.eye(3).to(matrix))) * grain)
        return torch.stack(images)

    return generate


_W = torch.arange(4)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (28, 28), (20, 33)])
def test_exact_whole_shifts_have_no_error(height: int, width: int) -> None:
    error = equivariance.translation(_waves(height, width, 0.5), _W, Rng(0))
    assert error.shape == (4,)
    assert equivariance.decibels(error) > 200


def test_exact_fractional_shifts_are_as_good_as_the_filter() -> None:
    exact = _waves(64, 64, 0.2)
    small, large = (equivariance.translation(exact, _W, Rng(0), fractional=True, radius=r) for r in (3, 8))
    assert equivariance.decibels(small) > 50
    assert equivariance.decibels(large) > equivariance.decibels(small)


def test_exact_rotations_are_as_good_as_the_filter() -> None:
    for side in (28, 64):
        for band in (0.2, 0.5):
            error = equivariance.rotation(_waves(side, side, band), _W, Rng(0))
            assert equivariance.decibels(error) > 70
    short = equivariance.rotation(_waves(64, 64, 0.2), _W, Rng(0), radius=3)
    assert equivariance.decibels(short) < equivariance.decibels(error)


def test_a_generator_that_does_not_move_or_moves_wrongly_is_found_out() -> None:
    still, half, double = (_waves(64, 64, 0.2, follows=f) for f in (0.0, 0.5, 2.0))
    for generate in (still, half, double):
        for fractional in (False, True):
            assert equivariance.decibels(equivariance.translation(generate, _W, Rng(0), fractional)) < 15
    exact = _waves(64, 64, 0.2)
    for wrong in (
        lambda w, t: exact(w, torch.eye(3).double().expand_as(t)),
        lambda w, t: exact(w, torch.linalg.inv(t)),
    ):
        assert equivariance.decibels(equivariance.rotation(wrong, _W, Rng(0))) < 15


@pytest.mark.parametrize("sigma", [0.1, 0.01])
def test_noise_gives_its_own_ratio(sigma: float) -> None:
    error = equivariance.translation(_waves(64, 64, 0.5, noise=sigma), _W, Rng(0))
    assert equivariance.decibels(error) == pytest.approx(10 * math.log10(4 / sigma**2), abs=0.2)


def test_a_constant_image_moves_without_error() -> None:
    def constant(w: Tensor, transform: Tensor) -> Tensor:
        return torch.full((len(w), 3, 32, 32), -1.0)

    assert equivariance.decibels(equivariance.translation(constant, _W, Rng(0), fractional=True)) > 200
    assert equivariance.decibels(equivariance.rotation(constant, _W, Rng(0))) > 200


def test_the_key_decides() -> None:
    generate = _waves(32, 32, 0.4)
    one, same, other = (equivariance.rotation(generate, _W, Rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_images_without_a_middle_are_refused() -> None:
    with pytest.raises(ConfigError, match="larger images, or a smaller radius"):
        equivariance.rotation(_waves(8, 8, 0.2), _W, Rng(0), radius=6)


@pytest.mark.parametrize("side", [8, 9])
def test_a_move_from_pixels_to_pixels_only_changes_their_places(side: int) -> None:
    x_BCHW = torch.rand(2, 3, side, side, generator=torch_generator(Rng(0)), dtype=torch.float64)
    shift, turn = torch.eye(3).double().repeat(2, 1, 1), torch.eye(3).double().repeat(2, 1, 1)
    shift[:, 0, 2], shift[:, 1, 2] = 2 / side, -1 / side
    turn[:, :2, :2] = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert torch.allclose(equivariance.moved_exactly(x_BCHW, shift), x_BCHW.roll((-1, 2), (2, 3)))
    # Down is positive, so the x axis is turned onto the y axis clockwise.
    assert torch.allclose(equivariance.moved_exactly(x_BCHW, turn), x_BCHW.rot90(-1, (2, 3)))


def test_an_oblong_image_moves_in_units_of_its_longer_side() -> None:
    x_BCHW = torch.rand(1, 1, 6, 10, generator=torch_generator(Rng(1)), dtype=torch.float64)
    transform = torch.eye(3).double()[None].clone()
    transform[:, 1, 2] = 3 / 10
    assert torch.allclose(equivariance.moved_exactly(x_BCHW, transform), x_BCHW.roll(3, 2))


def test_a_wave_is_moved_by_parts_of_a_pixel_as_its_formula_says() -> None:
    place = torch.arange(16).double()
    shift = 0.37

    def wave(at: Tensor) -> Tensor:
        return (2 * math.pi * 3 / 16 * at + 0.4).cos()[None, None, None].expand(1, 1, 16, 16)

    transform = torch.eye(3).double()[None].clone()
    transform[:, 0, 2] = shift / 16
    assert torch.allclose(equivariance.moved_exactly(wave(place), transform), wave(place - shift))
