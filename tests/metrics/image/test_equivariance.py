"""The equivariance metric: models whose answer is known, and an untrained StyleGAN3."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.gan.fitted import FittedGan
from lookalike.generators.image.stylegan2 import Stylegan2
from lookalike.generators.image.stylegan3 import Stylegan3
from lookalike.metrics.image.equivariance import Equivariance
from lookalike.networks.stylegan3 import Stylegan3Generator
from lookalike.techniques.equivariance import moved_exactly

NAMES = ("fractional_shifts", "rotations")


class Waves:
    """A model of two waves per image, which moves them exactly, or by a share of what was asked."""

    spent = None
    movable = True

    def __init__(self, side: int = 20, follows: float = 1.0, noise: float = 0.0) -> None:
        self.side, self.follows, self.noise = side, follows, noise

    def styles(self, labels: Sequence[str], rng: Rng) -> Tensor:
        draw = [rng.child("row", i).numpy().uniform(-0.15, 0.15, 4) for i in range(len(labels))]
        return torch.tensor(np.array(draw))

    def moved(self, w: Tensor, transform_B33: Tensor) -> Tensor:
        still = bool((transform_B33 == torch.eye(3)).all())
        whole = torch.eye(3).double() + self.follows * (transform_B33.double() - torch.eye(3))
        axis = (torch.arange(self.side).double() - (self.side - 1) / 2) / self.side
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        back = torch.einsum("bij,jhw->bihw", torch.linalg.inv(whole), torch.stack([x, y, torch.ones_like(x)]))
        rate = 2 * math.pi * self.side * w[:, :, None, None]
        image = (rate[:, 0] * back[:, 0]).cos() * (rate[:, 1] * back[:, 1] + w[:, 2, None, None]).cos()
        grain = torch.from_numpy(Rng(3).numpy().standard_normal(image.shape))
        return (image + (0 if still else self.noise) * grain)[:, None]

    def sample(self, n: int, rng: Rng, where: Any = None) -> Images:
        raise AssertionError("the metric asks for movements only")

    def save(self, folder: Path) -> None:
        raise AssertionError("a metric saves nothing")


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(digits.take(np.arange(40)), digits.take(np.arange(40, 60)))


def untrained(side: int, config: str, alias_free: bool = True) -> FittedGan:
    method = Stylegan3.model_validate({"steps": 1, "config": config})
    shape = replace(method.shape(side, side, 1, 0, "cpu"), alias_free=alias_free)
    about = {"schema": image_schema(side, side, 1, ["a"]).model_dump(), "z_dim": shape.z_dim, "method": method.name}
    return FittedGan(Stylegan3Generator(shape, Rng(0)), about, method.sampling, torch.device("cpu"))


def squares(side: int, n: int = 8) -> Reference[Images]:
    pixels = np.zeros((n, side, side, 1), dtype=np.uint8)
    pixels[:, side // 4 : side // 2, side // 4 : side // 2] = 200
    data = Images(pixels, np.zeros(n, dtype=np.int64), image_schema(side, side, 1, ["a"]))
    return Reference(data, data)


def measured(model: Any, real: Reference[Images], images: int = 16, seed: int = 0) -> Any:
    return Equivariance(images=images).score(real, real.holdout, Rng(seed), model=model)


def test_a_model_that_moves_exactly_has_no_error_but_that_of_the_filter(real: Reference[Images]) -> None:
    score = measured(Waves(), real)
    assert score.value > 200
    assert score.detail["fractional_shifts"]["value"] > 45
    assert score.detail["rotations"]["value"] > 45


def test_a_model_that_does_not_follow_scores_its_ceiling(real: Reference[Images]) -> None:
    score = measured(Waves(follows=0.0), real)
    assert score.value == pytest.approx(score.ceiling, abs=1e-9)
    for name in NAMES:
        assert score.detail[name]["value"] == pytest.approx(score.detail[name]["ceiling"], abs=1e-9)
    assert score.value < 20
    assert measured(Waves(follows=0.5), real).value < 25


@pytest.mark.parametrize("sigma", [0.1, 0.01])
def test_noise_gives_its_own_ratio_within_the_interval(real: Reference[Images], sigma: float) -> None:
    score = measured(Waves(side=16, noise=sigma), real, images=32)
    expected = 10 * math.log10(4 / sigma**2)
    assert score.value == pytest.approx(expected, abs=0.3)
    assert score.interval[0] <= score.value <= score.interval[1]
    assert score.interval[1] - score.interval[0] < 1


def test_the_floor_is_what_eight_bits_allow_for_whole_shifts(real: Reference[Images]) -> None:
    score = measured(Waves(), real)
    assert score.floor == pytest.approx(10 * math.log10(12 * 255**2), abs=1e-6)
    # The filter's own error comes on top of it.
    assert all(score.detail[name]["floor"] < score.floor for name in NAMES)


def test_real_images_moved_exactly_are_their_own_floor(real: Reference[Images]) -> None:
    class Real(Waves):
        def styles(self, labels: Sequence[str], rng: Rng) -> Tensor:
            return torch.from_numpy(real.train.pixels[:32]).permute(0, 3, 1, 2).double() / 127.5 - 1

        def moved(self, w: Tensor, transform_B33: Tensor) -> Tensor:
            return moved_exactly(w, transform_B33)

    score = measured(Real(), real, images=32)
    for name in NAMES:
        assert score.detail[name]["value"] == pytest.approx(score.detail[name]["floor"], abs=1.5)


@pytest.mark.parametrize("config", ["T", "R"])
def test_an_untrained_network_keeps_its_promise(config: str) -> None:
    score = measured(untrained(28, config), squares(28))
    assert score.value > 60
    assert score.detail["fractional_shifts"]["value"] > 50
    turned = score.detail["rotations"]
    assert (turned["value"] > 45) == (config == "R")
    assert turned["value"] - turned["ceiling"] < 5 or config == "R"


def test_a_plain_variant_does_not() -> None:
    score = measured(untrained(28, "T", alias_free=False), squares(28))
    assert score.value < 55
    assert score.detail["fractional_shifts"]["value"] < 50


def test_images_too_small_for_a_filter_leave_that_figure_out() -> None:
    small = squares(6)
    score = measured(Waves(side=6), small)
    assert math.isfinite(score.value)
    assert "rotations" not in score.detail
    assert "too small for this filter" in score.detail["not_estimated"]


def test_what_cannot_be_asked_is_refused_or_not_estimated(real: Reference[Images]) -> None:
    Equivariance().check("image.stylegan3", Stylegan3())
    with pytest.raises(ConfigError, match=r"image\.stylegan2 cannot do; use image\.stylegan3"):
        Equivariance().check("image.stylegan2", Stylegan2())
    network = Stylegan2().networks(Stylegan2().shape(8, 8, 1, 0, "cpu"), Rng(0))[0]
    about = {"schema": image_schema(8, 8, 1, ["a"]).model_dump(), "z_dim": 64, "method": "image.stylegan2"}
    fixed = FittedGan(network, about, Stylegan2().sampling, torch.device("cpu"))
    for model, said in ((None, "no fitted model"), (object(), "cannot move"), (fixed, "cannot move")):
        score = measured(model, real)
        assert math.isnan(score.value)
        assert score.floor is None and score.interval is None
        assert said in score.detail["not_estimated"]
    with pytest.raises(ConfigError, match=r"image\.stylegan2 cannot move what its images show"):
        fixed.moved(fixed.styles(["a"], Rng(0)), torch.eye(3)[None])


def test_the_key_decides_and_the_detail_is_json(real: Reference[Images], global_state: None) -> None:
    one, same, other = (measured(Waves(noise=0.1), real, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one.value != other.value
    assert (one.better, one.n_synthetic, one.n_real) == ("higher", 16, 16)
    json.dumps(dict(one.detail), allow_nan=False)
