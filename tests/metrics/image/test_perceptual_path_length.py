"""Models whose path length is known, and the two ways in which a short one deceives."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.encoders.image.efficientnet_lite0 import _ImagenetFeatures
from lookalike.encoders.image.pixels import Pixels
from lookalike.encoders.image.task_cnn import TaskCnn
from lookalike.generators.image.dcgan import Dcgan
from lookalike.generators.image.ddpm import Ddpm
from lookalike.generators.image.stylegan2 import Stylegan2
from lookalike.metrics.image.perceptual_path_length import PerceptualPathLength
from lookalike.networks.convnet import initialise
from lookalike.networks.efficientnet_lite import EfficientNetLite0
from lookalike.techniques.perceptual_path import Walkable
from lookalike.techniques.training import torch_generator


class Shows:
    """A model of given images: the latent of a row is the place of its image, or the image itself."""

    spent = None
    space = "w"

    def __init__(self, data: Images, jumps: bool = False, width: float = 1.0) -> None:
        x = torch.from_numpy(np.array(data.pixels)).permute(0, 3, 1, 2).double() / 127.5 - 1
        self.x_NCHW, self.data = x.mean(0) + width * (x - x.mean(0)), data
        self.jumps = jumps

    def latents(self, labels: Sequence[str], rng: Rng) -> Tensor:
        rows = [np.flatnonzero(self.data.labels == self.data.classes.index(label)) for label in labels]
        draw = [rng.child("row", i).numpy().choice(found) for i, found in enumerate(rows)]
        return self.x_NCHW[draw]

    def shown(self, latent: Tensor, labels: Sequence[str]) -> Tensor:
        if not self.jumps:
            return latent
        near = torch.cdist(latent.flatten(1), self.x_NCHW.flatten(1)).argmin(1)
        return self.x_NCHW[near]

    def sample(self, n: int, rng: Rng, where: Any = None) -> Images:
        raise AssertionError("the metric asks for paths only")

    def save(self, folder: Path) -> None:
        raise AssertionError("a metric saves nothing")


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(digits.take(np.arange(800)), digits.take(np.arange(800, 1300)))


@pytest.fixture(scope="module")
def fresh(digits: Images) -> Images:
    return digits.take(np.arange(1300, 1797))


def measured(model: Any, real: Reference[Images], seed: int = 0, **settings: Any) -> Any:
    config = PerceptualPathLength.model_validate({"encoder": "image.pixels", "pairs": 600, **settings})
    return config.score(real, real.holdout, Rng(seed), model=model)


def test_a_straight_and_steady_path_between_real_images_is_the_floor(real: Reference[Images], fresh: Images) -> None:
    score = measured(Shows(fresh), real)
    assert score.value == pytest.approx(score.floor, rel=0.06)
    assert score.interval[0] < score.value < score.interval[1]
    assert score.detail["per_straight"] == pytest.approx(1, abs=0.02)
    assert score.ceiling == score.floor / 1e-4


def test_the_floor_is_twice_the_variance_within_a_class(real: Reference[Images]) -> None:
    # E |a - b|^2 = 2 tr Cov for independent rows; two different rows of n are n / (n - 1) times as far apart.
    x, y = real.holdout.pixels.reshape(500, -1) / 255, real.holdout.labels
    expected = np.mean([2 * x[y == k].var(axis=0, ddof=1).sum() for k in range(10)])
    assert measured(Shows(real.train), real, pairs=5000).floor == pytest.approx(expected, rel=0.02)


def test_jumps_are_found_when_a_step_meets_them(real: Reference[Images], fresh: Images) -> None:
    few = fresh.take(np.flatnonzero(fresh.labels < 10)[:100])
    straight, jumping = (measured(Shows(few, jumps), real, epsilon=0.1) for jumps in (False, True))
    assert jumping.value > 3 * straight.value
    # Steps this small meet none, and a path that is shorter than the way between its ends betrays it.
    blind = measured(Shows(few, jumps=True), real)
    assert blind.value < 0.01 * blind.floor
    assert blind.detail["per_straight"] < 0.01


def test_too_little_variety_lies_below_the_floor(real: Reference[Images], fresh: Images) -> None:
    score = measured(Shows(fresh, width=0.5), real)
    assert score.value == pytest.approx(score.floor / 4, rel=0.06)
    assert score.better == "target"


def test_noise_instead_of_images_is_far_from_the_floor(real: Reference[Images], fresh: Images) -> None:
    score = measured(Shows(shuffled_pixels(fresh, np.random.default_rng(0))), real)
    # Pixels permuted over all rows: the classes no longer hold them near each other.
    assert score.value > 1.3 * score.floor


def test_the_beginning_of_a_straight_path_is_like_the_rest(real: Reference[Images], fresh: Images) -> None:
    full, end = (measured(Shows(fresh), real, sampling=name) for name in ("full", "end"))
    assert full.value == pytest.approx(end.value, rel=1e-6)


@pytest.mark.usefixtures("brief_watching")
@pytest.mark.parametrize(("method", "space"), [(Stylegan2, "w"), (Dcgan, "z")])
def test_the_step_of_a_trained_model_may_be_halved(
    digits: Images, method: Any, space: str, global_state: None, real: Reference[Images]
) -> None:
    data = digits.take(np.arange(64))
    model = method(steps=3, batch_size=16).fit(data, Rng(0), SILENT)
    assert isinstance(model, Walkable)
    assert model.space == space
    one, half = (measured(model, real, pairs=100, epsilon=epsilon) for epsilon in (1e-4, 5e-5))
    assert half.value == pytest.approx(one.value, rel=0.01)
    assert one.detail["per_straight"] > 1
    assert one.detail["space"] == space


@pytest.mark.usefixtures("brief_watching")
def test_what_a_model_shows_of_its_latents_is_what_it_draws(digits: Images) -> None:
    model = Dcgan(steps=1, batch_size=16).fit(digits.take(np.arange(64)), Rng(0), SILENT)
    labels = ["3", "5", "3"]
    shown = model.shown(model.latents(labels, Rng(1)), labels)
    drawn = model.sample(3, Rng(1), {"label": labels}).pixels
    assert (((shown.clamp(-1, 1) + 1) * 127.5).round().permute(0, 2, 3, 1).numpy() == drawn).all()
    with pytest.raises(ConfigError, match="no class 'boot'"):
        model.latents(["boot"], Rng(0))


def test_features_of_unrounded_images_are_those_of_images(digits: Images) -> None:
    data = digits.take(np.arange(30))
    x_BCHW = torch.from_numpy(np.array(data.pixels)).permute(0, 3, 1, 2).double() / 127.5 - 1
    network = EfficientNetLite0().eval()
    initialise(network, torch_generator(Rng(0)))
    extractors: tuple[Any, ...] = (
        Pixels().prepare(data),
        Pixels(size=4).prepare(data),
        TaskCnn(steps=2, width=4).prepare(data),
        _ImagenetFeatures(network, 32),
    )
    for features in extractors:
        with torch.no_grad():
            assert np.allclose(features.see(x_BCHW).numpy(), features.embed(data), atol=1e-4)


def test_what_cannot_be_asked_is_refused_or_not_estimated(real: Reference[Images]) -> None:
    PerceptualPathLength().check("image.dcgan", Dcgan())
    with pytest.raises(ConfigError, match=r"which image\.ddpm cannot give; use .* image\.r3gan"):
        PerceptualPathLength().check("image.ddpm", Ddpm())
    for model, said in ((None, "no fitted model"), (object(), "no latents")):
        score = measured(model, real)
        assert math.isnan(score.value)
        assert said in score.detail["not_estimated"]


def test_single_images_of_a_class_give_no_floor(digits: Images) -> None:
    first = np.array([int(np.flatnonzero(digits.labels == k)[0]) for k in range(10)])
    lone = digits.take(first)
    score = measured(Shows(lone), Reference(lone, lone))
    assert score.floor is None and score.ceiling is None
    assert "two real images" in score.detail["not_estimated"]
    assert score.detail["per_straight"] is None


def test_the_key_decides_and_the_detail_is_json(real: Reference[Images], fresh: Images, global_state: None) -> None:
    one, same, other = (measured(Shows(fresh), real, seed, pairs=100) for seed in (0, 0, 1))
    assert one == same
    assert one.value != other.value
    assert (one.n_real, one.n_synthetic, one.detail["name"]) == (500, 100, "PPL[pixels]")
    json.dumps(dict(one.detail), allow_nan=False)
