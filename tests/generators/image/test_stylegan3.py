"""Magnitudes and configurations of StyleGAN3; what all adversarial generators promise stands in gan/test_duel.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.stylegan3 import Stylegan3

pytestmark = pytest.mark.usefixtures("brief_watching")


@pytest.mark.parametrize("config", ["T", "R"])
def test_magnitudes_are_tracked_saved_and_used(config: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype=np.uint8)
    data = Images(pixels, np.arange(12) % 2, image_schema(8, 8, 1, ["a", "b"]))
    fitted = Stylegan3(steps=3, batch_size=4, config=config).fit(data, Rng(0), SILENT)
    magnitude = fitted.network.synthesis.magnitude
    assert fitted.network.config.config == config
    assert (magnitude != 1).all()
    before = fitted.sample(2, Rng(0)).pixels
    with torch.no_grad():
        magnitude.mul_(4)
    assert (fitted.sample(2, Rng(0)).pixels != before).any()


pytestmark = pytest.mark.usefixtures("brief_watching")


def test_generator_and_discriminator_have_one_preset() -> None:
    config = Stylegan3(preset="small")
    generator, discriminator = config.networks(config.shape(16, 16, 1, 0, "cpu"), Rng(0))
    sizes = [sum(p.numel() for p in network.parameters()) for network in (generator, discriminator)]
    tiny = Stylegan3(preset="tiny")
    small = [
        sum(p.numel() for p in network.parameters())
        for network in tiny.networks(tiny.shape(16, 16, 1, 0, "cpu"), Rng(0))
    ]
    assert all(one > 4 * other for one, other in zip(sizes, small, strict=True))
