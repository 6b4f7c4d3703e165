"""The running average against its closed form."""

from __future__ import annotations

import pytest
import torch

from lookalike.techniques.ema import Ema, decay


def test_constant_target_has_a_closed_form() -> None:
    value = torch.zeros(3)
    ema = Ema({"w": value}, half_life=100.0, ramp=1e9)
    value.fill_(1.0)
    for step in range(20):
        ema.update(batch=10, seen=10 * (step + 1))
    assert ema.average["w"] == pytest.approx(torch.full((3,), 1 - 0.5 ** (200 / 100)), abs=1e-6)


def test_half_life_is_counted_in_images_whatever_the_batch() -> None:
    assert decay(10, 10**6, 50, 1) ** 4 == pytest.approx(decay(40, 10**6, 50, 1))


def test_ramp_forgets_the_first_weights() -> None:
    value = torch.zeros(1)
    ema = Ema({"w": value}, half_life=1e6, ramp=0.1)
    value.fill_(1.0)
    for step in range(10):
        ema.update(batch=128, seen=128 * (step + 1))
    assert float(ema.average["w"]) > 0.999
