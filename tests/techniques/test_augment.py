"""Every augmentation against the operation it stands for, and the controller against its closed form."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from lookalike.core.rng import Rng
from lookalike.techniques import augment
from lookalike.techniques.training import torch_generator

_ALL = get_args(augment.Transform)


def _images(*size: int, step: int = 0) -> Tensor:
    return torch.rand(size, generator=torch_generator(Rng(0).child("images", step))) * 2 - 1


def _apply(x: Tensor, p: float, *transforms: augment.Transform, seed: int = 1) -> Tensor:
    return augment.augment(x, p, torch_generator(Rng(seed)), transforms)


def _ramps(rows: int, height: int, width: int) -> Tensor:
    """Two channels that hold each pixel's x and y, counted from the centre."""
    y, x = torch.meshgrid(torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2, indexing="ij")
    return torch.stack([x, y]).expand(rows, 2, height, width).clone()


def _jacobian_and_offset(moved: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the middle of an output image came from: d(input x, y) / d(output x, y), and the input place."""
    h, w = moved.shape[-2] // 2, moved.shape[-1] // 2
    middle = moved[:, :, h, w]
    columns = [moved[:, :, h, w + 1] - middle, moved[:, :, h + 1, w] - middle]
    return torch.stack(columns, -1), middle


@pytest.mark.parametrize("size", [(5, 1, 8, 8), (3, 3, 28, 20), (2, 5, 7, 9)])
def test_probability_zero_is_the_exact_identity(size: tuple[int, ...]) -> None:
    x = _images(*size)
    assert torch.equal(augment.augment(x, 0.0, torch_generator(Rng(0))), x)
    assert torch.equal(augment.augment(x, torch.tensor(0.0), torch_generator(Rng(0))), x)


def test_a_row_that_draws_nothing_stays_bitwise() -> None:
    x = _images(400, 1, 8, 8)
    same = (augment.augment(x, 0.05, torch_generator(Rng(0))) == x).flatten(1).all(1)
    # Six transforms always show, two show half of the time, and turns and shifts by -1, 0 or 1 three quarters.
    expected = 0.95**6 * 0.975**2 * (1 - 0.05 * 3 / 4) ** 2
    assert float(same.float().mean()) == pytest.approx(expected, abs=0.06)


def test_flip_shows_both_images_equally_often() -> None:
    x = _images(400, 2, 5, 8)
    moved = _apply(x, 1.0, "flip")
    flipped = (moved - x.flip(-1)).flatten(1).abs().amax(1) < 1e-5
    assert ((moved == x).flatten(1).all(1) ^ flipped).all()
    assert float(flipped.float().mean()) == pytest.approx(0.5, abs=0.08)


def test_quarter_turns_are_exact_and_do_not_leak() -> None:
    x, p = _images(3000, 1, 6, 6), 0.8
    moved = _apply(x, p, "quarter_turns")
    is_turn = torch.stack(
        [(moved - torch.rot90(x, k, (-2, -1))).flatten(1).abs().amax(1) < 1e-5 for k in range(4)], dim=1
    )
    assert (is_turn.sum(1) == 1).all()
    shares = is_turn.float().mean(0)
    assert shares == pytest.approx(torch.tensor([1 - 3 * p / 4, p / 4, p / 4, p / 4]), abs=0.03)
    # The mixture of rotations is a circulant operator: invertible, as no eigenvalue is near 0.
    assert float(torch.fft.fft(shares).abs().min()) == pytest.approx(1 - p, abs=0.04)


def test_images_that_are_not_square_turn_by_half_only() -> None:
    x = _images(300, 1, 6, 10)
    moved = _apply(x, 1.0, "quarter_turns")
    turned = (moved - torch.rot90(x, 2, (-2, -1))).flatten(1).abs().amax(1) < 1e-5
    assert (turned | (moved == x).flatten(1).all(1)).all()
    assert float(turned.float().mean()) == pytest.approx(0.5, abs=0.1)


def test_whole_shifts_move_by_pixels_and_mirror_the_edge() -> None:
    x = _images(60, 1, 16, 24)
    moved = _apply(x, 1.0, "whole_shift").numpy()
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (3, 3)), mode="symmetric")
    found = set()
    for row in range(60):
        fits = [
            (dy, dx)
            for dy in range(5)
            for dx in range(7)
            if np.abs(padded[row, 0, dy : dy + 16, dx : dx + 24] - moved[row, 0]).max() < 1e-4
        ]
        assert len(fits) == 1
        found.add(fits[0])
    assert len(found) > 15


def test_scale_is_equal_on_both_axes() -> None:
    jacobian, middle = _jacobian_and_offset(_apply(_ramps(2000, 9, 9), 1.0, "scale"))
    assert torch.allclose(jacobian, jacobian[:, :1, :1] * torch.eye(2), atol=1e-4)
    assert middle.abs().max() < 1e-4
    assert float(jacobian[:, 0, 0].log().std()) == pytest.approx(0.2 * math.log(2), rel=0.06)


def test_stretch_keeps_the_area() -> None:
    jacobian, _ = _jacobian_and_offset(_apply(_ramps(2000, 9, 9), 1.0, "stretch"))
    assert jacobian[:, 0, 1].abs().max() < 1e-4
    assert torch.allclose(torch.linalg.det(jacobian), torch.ones(2000), atol=1e-3)
    assert float(jacobian[:, 0, 0].log().std()) == pytest.approx(0.2 * math.log(2), rel=0.06)


@pytest.mark.parametrize(("height", "width"), [(13, 13), (13, 21)])
def test_rotation_is_rigid_in_pixels(height: int, width: int) -> None:
    jacobian, _ = _jacobian_and_offset(_apply(_ramps(500, height, width), 1.0, "rotation"))
    assert torch.allclose(jacobian @ jacobian.mT, torch.eye(2).expand(500, 2, 2), atol=1e-3)
    assert torch.allclose(torch.linalg.det(jacobian), torch.ones(500), atol=1e-3)
    assert jacobian.mean(0).abs().max() < 0.12


def test_rotations_before_and_after_the_stretch_make_p_together() -> None:
    x, p = _images(3000, 1, 5, 5), 0.5
    turned = (_apply(x, p, "rotation") != x).flatten(1).any(1)
    assert float(turned.float().mean()) == pytest.approx(p, abs=0.03)


def test_shift_spreads_by_an_eighth_of_each_side() -> None:
    x = _ramps(2000, 41, 81)
    jacobian, middle = _jacobian_and_offset(_apply(x, 1.0, "shift"))
    inside = (middle.abs() < torch.tensor([38.0, 18.0])).all(1)
    assert torch.allclose(jacobian[inside], torch.eye(2), atol=1e-3)
    assert middle.std(0) == pytest.approx(torch.tensor([81 / 8, 41 / 8]), rel=0.07)


def test_brightness_adds_and_contrast_multiplies() -> None:
    x = _images(2000, 1, 3, 3)
    added = (_apply(x, 1.0, "brightness") - x).flatten(1)
    assert torch.allclose(added, added[:, :1], atol=1e-5)
    assert float(added[:, 0].std()) == pytest.approx(0.2, rel=0.06)
    scaled = _apply(x, 1.0, "contrast")
    factor = scaled.abs().sum((1, 2, 3)) / x.abs().sum((1, 2, 3))
    assert torch.allclose(scaled, factor[:, None, None, None] * x, atol=1e-5)
    assert float(factor.log().std()) == pytest.approx(0.5 * math.log(2), rel=0.06)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_luma_flip_mirrors_the_mean_over_channels(channels: int) -> None:
    x = _images(200, channels, 3, 3)
    moved = _apply(x, 1.0, "luma_flip")
    mean, after = x.mean(1), moved.mean(1)
    flipped = (after + mean).flatten(1).abs().amax(1) < 1e-5
    assert (flipped | (moved == x).flatten(1).all(1)).all()
    assert float(flipped.float().mean()) == pytest.approx(0.5, abs=0.12)
    assert torch.allclose(moved - after[:, None], x - mean[:, None], atol=1e-5)


def test_hue_and_saturation_keep_luma() -> None:
    x = _images(800, 3, 3, 3)
    chroma = x - x.mean(1, keepdim=True)
    for name in ("hue", "saturation"):
        assert torch.allclose(_apply(x, 1.0, name).mean(1), x.mean(1), atol=1e-5)
    hue = _apply(x, 1.0, "hue")
    turned = hue - hue.mean(1, keepdim=True)
    assert torch.allclose(turned.square().sum(1), chroma.square().sum(1), atol=1e-4)
    cosine = (turned * chroma).sum((1, 2, 3)) / chroma.square().sum((1, 2, 3))
    assert float(cosine.mean()) == pytest.approx(0, abs=0.1)
    saturated = _apply(x, 1.0, "saturation")
    factor = ((saturated - saturated.mean(1, keepdim=True)) * chroma).sum((1, 2, 3)) / chroma.square().sum((1, 2, 3))
    assert float(factor.log().std()) == pytest.approx(math.log(2), rel=0.1)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_hue_and_saturation_need_three_channels(channels: int) -> None:
    x = _images(20, channels, 4, 4)
    assert torch.equal(_apply(x, 1.0, "hue", "saturation"), x)


@pytest.mark.parametrize("name", _ALL)
def test_every_transform_is_drawn_with_probability_p(name: augment.Transform) -> None:
    x, p = _images(3000, 3, 5, 5), 0.4
    changed = float((_apply(x, p, name) != x).flatten(1).any(1).float().mean())
    # An even draw over two or four states includes the state that shows nothing; 5 pixels shift by -1, 0 or 1.
    seen = {"flip": 0.5, "luma_flip": 0.5, "quarter_turns": 0.75, "whole_shift": 1 - 0.8**2}.get(name, 1.0)
    assert changed == pytest.approx(p * seen, abs=0.035)


def test_a_larger_p_moves_the_same_rows_and_more() -> None:
    x = _images(300, 1, 6, 6)
    few, many = (_apply(x, p, "contrast") for p in (0.2, 0.7))
    touched = (few != x).flatten(1).any(1)
    assert torch.equal(few[touched], many[touched])
    assert (many != x).flatten(1).any(1).sum() > touched.sum()


def test_the_key_decides_and_global_randomness_is_left_alone(global_state: None) -> None:
    x = _images(8, 3, 12, 10)
    one, same, other = (augment.augment(x, 0.6, torch_generator(Rng(seed))) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_p_does_not_change_what_is_drawn_later() -> None:
    after = []
    for p in (0.0, 0.9):
        generator = torch_generator(Rng(0))
        augment.augment(_images(4, 3, 6, 6), p, generator)
        after.append(torch.rand(3, generator=generator))
    assert torch.equal(after[0], after[1])


def test_the_gradient_is_that_of_the_map() -> None:
    x = _images(6, 3, 12, 10).requires_grad_()
    y = _images(6, 3, 12, 10, step=1)
    linear = [name for name in _ALL if name != "brightness"]
    (gradient,) = torch.autograd.grad((_apply(x, 0.7, *linear) * y).sum(), x)
    moved = _apply(x.detach(), 0.7, *linear)
    assert float((gradient * x.detach()).sum()) == pytest.approx(float((moved * y).sum()), rel=1e-4)
    assert not torch.equal(gradient, y)


def test_sign_one_drives_p_by_one_per_500k_images() -> None:
    controller, batch = augment.Controller(), 50
    for step in range(1, 500_000 // batch + 1):
        controller.update(torch.ones(batch))
        if step == 2500:
            assert float(controller.p) == pytest.approx(0.25, rel=1e-9)
    assert float(controller.p) == pytest.approx(1.0, rel=1e-9)
    controller.update(torch.ones(4 * batch))
    assert float(controller.p) <= 1


def test_p_moves_every_four_steps_only_and_stays_in_range() -> None:
    controller, seen = augment.Controller(), []
    for _ in range(9):
        controller.update(torch.full((10,), 3.0))
        seen.append(float(controller.p))
    assert seen == pytest.approx([0, 0, 0, 8e-5, 8e-5, 8e-5, 8e-5, 16e-5, 16e-5])
    for _ in range(20):
        controller.update(torch.full((10,), -3.0))
    assert float(controller.p) == 0
    assert float(controller.r_t) == -1


def test_r_t_is_the_mean_sign_over_the_window() -> None:
    controller = augment.Controller(every=2)
    controller.update(torch.tensor([2.0, 0.1, 5.0, -1.0]))
    controller.update(torch.tensor([1.0, 1.0, -2.0, 1.0]))
    assert float(controller.r_t) == pytest.approx((2 + 2) / 8)
    assert float(controller.p) == 0
    for values in ([1.0] * 9 + [-1.0],) * 2:
        controller.update(torch.tensor(values))
    assert float(controller.r_t) == pytest.approx(0.8)
    assert float(controller.p) == pytest.approx(20 / 500_000)


def test_p_and_its_window_survive_a_checkpoint() -> None:
    def logits(step: int) -> Tensor:
        return torch.randn(6, generator=torch_generator(Rng(0).child("logits", step))) + 1.2

    whole, first = augment.Controller(images=1000), augment.Controller(images=1000)
    for step in range(30):
        whole.update(logits(step))
    for step in range(18):
        first.update(logits(step))
    second = augment.Controller(images=1000)
    with torch.no_grad():
        for name, value in second.tensors().items():
            value.copy_(first.tensors()[name].clone())
    for step in range(18, 30):
        second.update(logits(step))
    assert 0 < float(whole.p) < 1
    assert all(torch.equal(value, whole.tensors()[name]) for name, value in second.tensors().items())
