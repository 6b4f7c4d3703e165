"""Rows in runs walk from one seed's image to the next one's, each in the class that it was asked to have."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.generators.image.gan.test_sheets import model_of

from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.generators.image.gan.drawing import CodedDrawing, StyledDrawing
from lookalike.generators.image.gan.fitted import FittedGan
from lookalike.generators.image.gan.walking import in_runs, stations
from lookalike.pipeline.shards import rows_together, shard_rows
from lookalike.techniques.interpolation import spherical

ALL = ["image.stylegan", "image.stylegan2", "image.stylegan3", "image.r3gan", "image.dcgan"]


def _model(name: str, classes: tuple[str, ...] = ("a", "b", "c"), batch: int = 5, **drawing: object) -> FittedGan:
    kind = type(find("generators", name)().sampling)
    model = model_of(find("generators", name)(), classes=classes)
    model.drawing = kind.model_validate({"batch": batch, **drawing})
    return model


def _rows(model: FittedGan, labels: list[str], seed: int = 0) -> np.ndarray:
    return model.sample(len(labels), Rng(seed), {"label": labels}).pixels.astype(int)


@pytest.mark.parametrize("name", ALL)
def test_a_run_begins_at_its_own_seed_and_goes_half_way_to_the_next(name: str) -> None:
    labels = list("aaaabbbbcccc")
    styled = "style" in name
    walk, own = (
        _rows(_model(name, **more), labels) for more in ({"interpolate": 4}, {"noise": False} if styled else {})
    )
    assert np.abs(walk[::4] - own[::4]).max() <= 1
    assert (np.abs(walk - own).reshape(12, -1).max(axis=1)[[1, 2, 3, 5, 6, 7]] > 1).all()
    # By the functions: the middle of a run, of the class of its row.
    model, keys = _model(name), [Rng(0).child("row", 4), Rng(0).child("row", 8)]
    z = model._codes(keys)
    if styled:
        w = model.network.mapping(z, torch.tensor([1, 1])).mean(0)[None, None].expand(-1, model.network.num_ws, -1)
        image = model.synthesis(w)
    else:
        image = model.network(spherical(z[:1], z[1:], torch.tensor([0.5])), torch.tensor([1]))
    expected = model.pictures(np.ones(1, np.int64), lambda _: image).pixels[0].astype(int)
    assert np.abs(walk[6] - expected).max() <= 1


@pytest.mark.parametrize("name", ["image.stylegan2", "image.r3gan"])
def test_a_row_depends_on_its_number_key_and_class_alone(name: str) -> None:
    whole = _rows(_model(name, interpolate=4), list("aabbaabbca"))
    assert (_rows(_model(name, interpolate=4, batch=3), list("aabbaab")) == whole[:7]).all()
    other = _rows(_model(name, interpolate=4), list("aaaaaaaaaa"))
    assert (other[[0, 1, 4, 5, 9]] == whole[[0, 1, 4, 5, 9]]).all()
    assert (other[2] != whole[2]).any()
    assert (_rows(_model(name, interpolate=4), list("aabbaabbca"), seed=1)[1] != whole[1]).any()
    assert len(_model(name, interpolate=4).sample(0, Rng(0))) == 0


def test_truncation_and_mixing_hold_at_both_ends() -> None:
    mean = _rows(_model("image.stylegan2", interpolate=4, truncation=0.0), list("aaaaa"))
    assert np.abs(mean - mean[0]).max() <= 1
    plain, mixed = (_rows(_model("image.stylegan2", interpolate=4, mixing=share), ["a"] * 12) for share in (0.0, 1.0))
    assert (plain != mixed).any()


def test_without_a_class_asked_classes_take_turns_run_by_run() -> None:
    assert _model("image.dcgan", interpolate=3).sample(10, Rng(0)).labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0]
    assert _model("image.dcgan").sample(4, Rng(0)).labels.tolist() == [0, 1, 2, 0]
    assert in_runs(3, 2, 1).tolist() == [0, 0, 0]
    assert set(_model("image.dcgan", ("all",), interpolate=3).sample(7, Rng(0)).labels.tolist()) == {0}


def test_shares_grow_evenly_and_never_reach_the_end() -> None:
    first, last, share = stations(slice(6, 12), 4)
    assert (first, last) == ([4, 4, 8, 8, 8, 8], [8, 8, 12, 12, 12, 12])
    assert share.tolist() == [0.5, 0.75, 0.0, 0.25, 0.5, 0.75]


def test_runs_stay_whole_in_shards() -> None:
    for steps, rows, size in ((None, 1, 256), (8, 8, 256), (10, 10, 250), (256, 256, 256)):
        generator = find("generators", "image.r3gan")(sampling={"interpolate": steps})
        assert (rows_together(generator), shard_rows(generator)) == (rows, size)


@pytest.mark.parametrize("wrong", [1, 0, 257, "x"])
def test_impossible_lengths_are_refused(wrong: object) -> None:
    for kind in (CodedDrawing, StyledDrawing):
        with pytest.raises(ValueError, match="interpolate"):
            kind.model_validate({"interpolate": wrong})


def test_a_given_image_has_no_next_seed() -> None:
    with pytest.raises(ValueError, match="interpolate: rows around a given image have no next seed"):
        StyledDrawing.model_validate({"interpolate": 4, "project": "one.png"})
