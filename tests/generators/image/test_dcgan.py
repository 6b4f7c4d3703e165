"""Batch normalisation of averaged weights; what all adversarial generators promise stands in gan/test_duel.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.dcgan import Dcgan

pytestmark = pytest.mark.usefixtures("brief_watching")


def test_drawing_uses_statistics_of_the_averaged_weights() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    data = Images(pixels, np.arange(24) % 2, image_schema(8, 8, 1, ["a", "b"]))
    # A fast rate: the last batch's statistics are far from those of the average.
    config = Dcgan(steps=20, batch_size=8, learning_rate=0.01, ema_half_life=0.5, augment=False)
    network = config.fit(data, Rng(0), SILENT).network
    z, labels = torch.randn(400, 100, generator=torch.Generator().manual_seed(0)), torch.arange(400) % 2
    drawn = network(z, labels)
    batch = network.train()(z, labels)
    assert float((drawn - batch).abs().mean()) < 0.1 * float(batch.std())


def test_the_paper_has_no_penalty() -> None:
    config = Dcgan()
    rules = config.rules(config.shape(64, 64, 3, 0, "cpu"))
    assert (rules.loss, rules.gamma, rules.learning_rate, rules.betas) == ("non_saturating", 0.0, 2e-4, (0.5, 0.999))
