"""Loss and penalties of R3GAN; what all adversarial generators promise stands in gan/test_duel.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.gan.duel import Duel
from lookalike.generators.image.r3gan import R3gan
from lookalike.techniques import penalties


def test_both_penalties_are_taken_in_every_fourth_step(monkeypatch: pytest.MonkeyPatch) -> None:
    config = R3gan(batch_size=4)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    data = Images(pixels, np.arange(8) % 2, image_schema(8, 8, 1, ["a", "b"]))
    shape = config.shape(8, 8, 1, 2, "cpu")
    duel = Duel(*config.networks(shape, Rng(0)), shape.z_dim, data, config.rules(shape), torch.device("cpu"))
    taken: list[float] = []

    def counted(logits: torch.Tensor, x: torch.Tensor, gamma: float) -> torch.Tensor:
        taken.append(gamma)
        return penalties.zero_centred(logits, x, gamma)

    monkeypatch.setattr("lookalike.generators.image.gan.duel.zero_centred", counted)
    for step in range(6):
        duel.step(np.arange(4), step, 10, Rng(step))
    # Two parts of the batch, real and generated images, steps 0 and 4.
    assert len(taken) == 8
    assert config.rules(shape).loss == "relativistic"


@pytest.mark.usefixtures("brief_watching")
def test_codes_are_drawn_as_far_out_as_asked() -> None:
    data = Images(np.zeros((8, 8, 8, 1), dtype=np.uint8), np.arange(8) % 2, image_schema(8, 8, 1, ["a", "b"]))
    usual = R3gan(steps=1, batch_size=4).fit(data, Rng(0), SILENT)
    wide = R3gan(steps=1, batch_size=4, sampling={"spread": 1.5}).fit(data, Rng(0), SILENT)  # type: ignore[arg-type]
    labels = ["a", "b", "b"]
    assert torch.equal(wide.latents(labels, Rng(1)), 1.5 * usual.latents(labels, Rng(1)))
    assert wide.about["config"] == usual.about["config"]
