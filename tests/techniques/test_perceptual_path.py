"""Paths with closed forms: lines, great circles, and linear generators under linear features."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lookalike.core.rng import Rng
from lookalike.techniques.perceptual_path import between, squared_speeds, trimmed
from lookalike.techniques.training import torch_generator


def _draw(*size: int, key: str = "x") -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child(key)), dtype=torch.float64)


def test_both_kinds_of_path_go_from_end_to_end() -> None:
    first, second = _draw(3, 5), _draw(3, 5, key="y")
    for space in ("w", "z"):
        assert torch.allclose(between(first, second, torch.zeros(3), space), first)
        assert torch.allclose(between(first, second, torch.ones(3), space), second)


def test_a_line_is_a_line_for_every_layer() -> None:
    first, second = _draw(2, 4, 5), _draw(2, 4, 5, key="y")
    middle = between(first, second, torch.tensor([0.25, 0.5]), "w")
    assert torch.allclose(middle[0], 0.75 * first[0] + 0.25 * second[0])
    assert torch.allclose(middle[1], (first[1] + second[1]) / 2)


def test_a_circle_keeps_the_length_and_goes_at_one_speed() -> None:
    first, second = (torch.nn.functional.normalize(_draw(1, 6, key=key)) for key in ("x", "y"))
    angle = math.acos(float((first * second).sum()))
    for t in (0.1, 0.5, 0.8):
        here = between(first, second, torch.tensor([t], dtype=torch.float64), "z")
        assert float(here.norm()) == pytest.approx(1, abs=1e-9)
        assert math.acos(float((first * here).sum())) == pytest.approx(t * angle, abs=1e-9)


def test_codes_on_one_line_have_a_path_too() -> None:
    first = torch.ones(2, 3).double()
    second = torch.stack([2 * torch.ones(3), torch.tensor([1.0, -1.0, 1.0])]).double()
    found = between(first, second, torch.tensor([0.5, 0.5]), "z")
    assert torch.allclose(found[0], 1.5 * torch.ones(3).double())
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("epsilon", [1e-1, 1e-4, 1e-6])
def test_a_linear_generator_under_linear_features_has_a_closed_form(epsilon: float) -> None:
    made, seen = 0.01 * _draw(5, 12, key="made"), _draw(12, 7, key="seen")
    first, second = _draw(4, 5), _draw(4, 5, key="y")
    found = squared_speeds(
        lambda w: (w @ made).view(-1, 1, 3, 4),
        lambda x: x.flatten(1) @ seen,
        (first, second),
        torch.tensor([0.0, 0.3, 0.5, 0.9]),
        epsilon,
        "w",
    )
    assert torch.allclose(found, ((second - first) @ made @ seen).square().sum(1), rtol=1e-6)


def test_on_a_circle_a_linear_generator_has_the_speed_of_the_arc() -> None:
    first, second = torch.tensor([[3.0, 0.0]]).double(), torch.tensor([[0.0, 3.0]]).double()
    found = squared_speeds(
        lambda z: 0.1 * z.view(-1, 1, 1, 2),
        lambda x: x.flatten(1),
        (first, second),
        torch.tensor([0.4]).double(),
        1e-5,
        "z",
    )
    assert float(found) == pytest.approx((0.1 * 3 * math.pi / 2) ** 2, rel=1e-6)


def test_halving_the_step_changes_nothing_for_a_smooth_generator() -> None:
    made, ends = _draw(5, 12, key="made"), (_draw(6, 5), _draw(6, 5, key="y"))

    def speeds(epsilon: float, space: str) -> Tensor:
        show = lambda z: (z @ made).tanh().view(-1, 1, 3, 4)  # noqa: E731
        t_B = torch.linspace(0, 0.9, 6).double()
        return squared_speeds(show, lambda x: x.flatten(1).square(), ends, t_B, epsilon, space)  # type: ignore[arg-type]

    for space in ("w", "z"):
        assert torch.allclose(speeds(1e-5, space), speeds(5e-6, space), rtol=1e-3)


def test_what_lies_outside_an_image_is_clipped() -> None:
    found = squared_speeds(
        lambda w: 5 + w.view(-1, 1, 1, 2),
        lambda x: x.flatten(1),
        (_draw(2, 2), _draw(2, 2, key="y")),
        torch.zeros(2),
        0.01,
        "w",
    )
    assert found.tolist() == [0, 0]


def test_trimming_takes_one_per_cent_off_each_end() -> None:
    values = np.arange(1001.0)
    assert (trimmed(values) == np.arange(10, 991)).all()
    assert trimmed(np.full(5, 2.0)).tolist() == [2.0] * 5
