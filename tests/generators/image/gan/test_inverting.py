"""An image is projected into the styles of a generator, and rows are drawn around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.generators.image.gan.test_sheets import STYLED, model_of

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.generators.image.gan.drawing import StyledDrawing
from lookalike.generators.image.gan.fitted import FittedGan
from lookalike.generators.image.r3gan import R3gan
from lookalike.generators.image.stylegan2 import Stylegan2
from lookalike.pipeline.recipe import configure


def _drawn(model: FittedGan, label: str) -> np.ndarray:
    """Return an image that the model can make: that of one code, with the fixed noise."""
    w = model.styles([label], Rng(9))
    return np.asarray(model.pictures(np.zeros(1, np.int64), lambda _: model.synthesis(w)).pixels[0])


def _written(folder: Path, pixels: np.ndarray, name: str = "one.png") -> Path:
    Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]).save(folder / name)
    return folder / name


@pytest.mark.parametrize("name", STYLED)
def test_an_image_that_the_model_made_is_found_again(name: str) -> None:
    model = model_of(find("generators", name)())
    found = model.project(_drawn(model, "b"), "b", Rng(0), steps=40 if name == "image.stylegan3" else 150)
    assert found.w.shape == (1, 64)
    assert found.distances[-1] < 0.3 * found.distances[0]
    assert all(weight.grad is None for weight in model.network.parameters())
    again = model.project(_drawn(model, "b"), "b", Rng(0), steps=2)
    assert again.distances[:2] == model.project(_drawn(model, "b"), "b", Rng(0), steps=2).distances[:2]


@pytest.mark.parametrize(("size", "classes"), [((8, 8, 1), ("a", "b", "c")), ((16, 24, 3), ("all",))])
def test_row_0_is_the_projection_and_the_others_lie_around_it(
    tmp_path: Path, size: tuple[int, int, int], classes: tuple[str, ...]
) -> None:
    label = classes[-1]
    path = _written(tmp_path, _drawn(model_of(Stylegan2(), size, classes), label))

    def rows(n: int, seed: int = 0, **drawing: Any) -> np.ndarray:
        model = model_of(Stylegan2(), size, classes, project=path, project_steps=20, batch=2, **drawing)
        return model.sample(n, Rng(seed), {"label": label}).pixels.astype(int)

    found, target = rows(5), np.asarray(Image.open(path)).reshape(size)
    model = model_of(Stylegan2(), size, classes)
    w = model.project(target, label, Rng(0).child("project"), 20).w
    itself = model.pictures(
        np.zeros(1, np.int64), lambda _: model.synthesis(w[:, None].expand(-1, model.network.num_ws, -1))
    )
    assert (found[0] == itself.pixels[0]).all()
    assert len(np.unique(found.reshape(5, -1), axis=0)) == 5
    assert (rows(3) == found[:3]).all()
    assert (rows(3, seed=1)[0] == found[0]).all() and (rows(3, seed=1)[1] != found[1]).any()
    assert (rows(4, project_variation=0.0) == found[0]).all()
    near, far = (np.abs(rows(8, project_variation=v)[1:] - found[0]).mean() for v in (0.1, 0.8))
    assert 0 < near < far
    assert len(rows(0)) == 0


def test_what_does_not_fit_is_refused_in_a_line(tmp_path: Path) -> None:
    model, image = model_of(Stylegan2()), np.zeros((8, 8, 1), dtype=np.uint8)
    with pytest.raises(ConfigError, match=r"the image is 9 x 8 x 1 .* the model makes images of 8 x 8 x 1"):
        model.project(np.zeros((9, 8, 1), dtype=np.uint8), "a")
    with pytest.raises(ConfigError, match="rows of 3 classes were asked for"):
        model.project(image)
    with pytest.raises(ConfigError, match="no class 'z'"):
        model.project(image, "z")
    with pytest.raises(ConfigError, match=r"image.r3gan has no styles.*image.stylegan2"):
        model_of(R3gan()).project(image, "a")
    with pytest.raises(ConfigError, match="no styles to project an image into; use image"):
        configure(R3gan, {"sampling": {"project": "one.png"}}, "generator")
    path = _written(tmp_path, image)
    with pytest.raises(ConfigError, match="one class"):
        model_of(Stylegan2(), project=path).sample(3, Rng(0))


def test_files_are_read_with_limits_and_checked_before_work(tmp_path: Path) -> None:
    schema = model_of(Stylegan2()).schema

    def check(path: Path, *classes: str) -> None:
        Stylegan2(sampling=StyledDrawing(project=path)).check_projection(schema, classes or ("a",))

    path = _written(tmp_path, np.full((8, 8, 3), 7, dtype=np.uint8))
    check(path)  # colour becomes the grey that the model draws
    with pytest.raises(ConfigError, match="rows of 2 classes were asked for"):
        check(path, "a", "b")
    with pytest.raises(ConfigError, match="9 x 8 x 1"):
        check(_written(tmp_path, np.zeros((9, 8, 1), dtype=np.uint8), "tall.png"))
    with pytest.raises(ConfigError, match="no image file at"):
        check(tmp_path / "none.png")
    with pytest.raises(ConfigError, match="no image file at"):
        check(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(DataError, match=r"sample.project: cannot read bad.png.*; give another image") as found:
        check(tmp_path / "bad.png")
    assert "on_error" not in str(found.value)
    Image.new("1", (9000, 9000)).save(tmp_path / "large.png")
    with pytest.raises(DataError, match="more than the limit"):
        check(tmp_path / "large.png")
    Stylegan2().check_projection(schema, ("a", "b"))


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    path = _written(tmp_path, np.zeros((8, 8, 1), dtype=np.uint8))
    config = Stylegan2(sampling=StyledDrawing(project=path))
    before = config.projected()
    assert before and len(before) == 64
    _written(tmp_path, np.ones((8, 8, 1), dtype=np.uint8))
    assert config.projected() not in (before, None)
    assert Stylegan2().projected() is None
    assert R3gan().projected() is None


def test_no_gradient_is_left_and_no_global_state_moves(global_state: None) -> None:
    model = model_of(Stylegan2())
    model.project(_drawn(model, "a"), "a", steps=3)
    assert torch.is_grad_enabled()
    assert not any(weight.requires_grad for weight in model.network.parameters())
