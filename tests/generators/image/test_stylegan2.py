"""Path length and augmentation in StyleGAN2; what all adversarial generators promise stands in gan/test_duel.py."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.gan.duel import Duel
from lookalike.generators.image.stylegan2 import Stylegan2


def _duel(path_length: float, augment: bool = True) -> Duel:
    config = Stylegan2(batch_size=4, augment=augment, augment_images=100)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    data = Images(pixels, np.arange(8) % 2, image_schema(8, 8, 1, ["a", "b"]))
    shape = config.shape(8, 8, 1, 2, "cpu")
    rules = replace(config.rules(shape), path_length=path_length, target=-2.0)
    return Duel(*config.networks(shape, Rng(0)), shape.z_dim, data, rules, torch.device("cpu"))


def test_the_running_mean_of_path_lengths_moves_every_fourth_step() -> None:
    duel, means = _duel(2.0), []
    for step in range(6):
        duel.step(np.arange(4), step, 10, Rng(step))
        means.append(float(duel.path_mean))
    assert means[0] > 0
    assert means[0] == means[3] != means[4] == means[5]
    assert float(_duel(0.0).path_mean) == 0


def test_large_images_have_the_penalty_and_small_ones_not() -> None:
    config = Stylegan2()
    lengths = [config.rules(config.shape(side, side, 3, 0, "cpu")).path_length for side in (64, 128)]
    assert lengths == pytest.approx([0.0, math.log(2) / math.log(64)])


def test_the_probability_of_augmentation_adapts_and_can_be_off() -> None:
    on, off = _duel(0.0), _duel(0.0, augment=False)
    for step in range(8):
        figures = [duel.step(np.arange(4), step, 100, Rng(step)) for duel in (on, off)]
    assert "augment p" in figures[0]
    assert "augment p" not in figures[1]
    # Two windows of four steps: p has risen by 16 images of 100 each time.
    assert float(on.controller.p) == pytest.approx(0.32)
