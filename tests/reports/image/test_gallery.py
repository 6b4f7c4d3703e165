from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.reports.conftest import disturbed

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.reports import gallery_of
from lookalike.reports.image import gallery
from lookalike.reports.image.sprites import GUTTER, encode, shrunk


def _built(folder: Path, real: Reference[Images], accepted: Images, reasons: list[str] | None = None) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    rejected = real.train.take(np.arange(len(reasons or [])))
    gallery.build(folder, real, accepted, (rejected, reasons or []), [], Rng(3))
    content: dict[str, Any] = json.loads((folder / "gallery.json").read_text())
    return content


def _cell(folder: Path, facts: dict[str, Any], number: int) -> np.ndarray:
    sheet = np.asarray(Image.open(folder / facts["file"]))
    row, column = divmod(number, facts["columns"])
    top = row * (facts["height"] + 2 * GUTTER) + GUTTER
    left = column * (facts["width"] + 2 * GUTTER) + GUTTER
    return sheet[top : top + facts["height"], left : left + facts["width"]]


@pytest.fixture
def real(digits: Images) -> Reference[Images]:
    return Reference(digits.take(np.arange(1000)), digits.take(np.arange(1000, 1300)))


def test_pictures_and_neighbours_are_the_right_ones(tmp_path: Path, real: Reference[Images]) -> None:
    accepted = disturbed(real.train.take(np.arange(300)), np.random.default_rng(0))
    content = _built(tmp_path, real, accepted)
    train = real.train.pixels.reshape(len(real.train), -1) / 255.0
    held = real.holdout.pixels.reshape(len(real.holdout), -1) / 255.0
    apart = np.array([np.sqrt(((train - row) ** 2).sum(1)).min() for row in held])
    for item in content["items"][:40]:
        own = accepted.pixels[item["row"], ..., 0]
        assert (_cell(tmp_path, content["sprites"]["synthetic"], item["cell"]) == own).all()
        distance = np.sqrt(((train - own.ravel() / 255.0) ** 2).sum(1))
        nearest = [one["row"] for one in item["neighbours"]]
        assert nearest == np.argsort(distance, kind="stable")[:3].tolist()
        assert item["percentile"] == pytest.approx((apart <= distance.min() + 1e-9).mean(), abs=2e-4)
        for one in item["neighbours"]:
            assert one["distance"] == pytest.approx(distance[one["row"]] / 8, abs=1e-5)
            assert (
                _cell(tmp_path, content["sprites"]["train"], one["cell"]) == real.train.pixels[one["row"], ..., 0]
            ).all()


def test_orders_are_what_they_say(tmp_path: Path, real: Reference[Images]) -> None:
    accepted = disturbed(real.train.take(np.arange(400)), np.random.default_rng(0))
    content = _built(tmp_path, real, accepted)
    items = content["items"]
    assert [one["class"] for one in content["classes"]] == list(range(10))
    for one in content["classes"]:
        assert list(one["orders"]) == ["random", "typical", "unusual", "nearest"]
        own = {name: [items[number] for number in numbers] for name, numbers in one["orders"].items()}
        assert all(item["class"] == one["class"] for group in own.values() for item in group)
        distances = [item["neighbours"][0]["distance"] for item in own["nearest"]]
        assert distances == sorted(distances)
        centre = real.train.pixels[real.train.labels == one["class"]].mean(axis=0)
        off = {name: np.mean([np.linalg.norm(accepted.pixels[item["row"]] - centre) for item in group])
               for name, group in own.items()}  # fmt: skip
        assert off["typical"] < off["random"] < off["unusual"]


def test_a_copy_comes_first_and_at_no_distance(tmp_path: Path, real: Reference[Images]) -> None:
    accepted = disturbed(real.train.take(np.arange(100)), np.random.default_rng(0))
    pixels = accepted.pixels.copy()
    pixels[0] = real.train.pixels[500]
    content = _built(tmp_path, real, Images(pixels, accepted.labels, accepted.schema))
    label = int(accepted.labels[0])
    own = next(one for one in content["classes"] if one["class"] == label)
    first = content["items"][own["orders"]["nearest"][0]]
    assert (first["row"], first["neighbours"][0]["row"], first["neighbours"][0]["distance"]) == (0, 500, 0.0)


def test_equal_inputs_give_equal_files(tmp_path: Path, real: Reference[Images]) -> None:
    accepted = disturbed(real.train.take(np.arange(100)), np.random.default_rng(0))
    for name in ("a", "b"):
        _built(tmp_path / name, real, accepted, ["why"] * 5)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["gallery.json", "rejected.png", "synthetic.png", "train.png"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_rejected_rows_are_grouped_by_reason_three_each(tmp_path: Path, real: Reference[Images]) -> None:
    reasons = ["blurred", "copy"] * 2 + ["copy"] * 4
    content = _built(tmp_path, real, real.train.take(np.arange(50)), reasons)
    assert [(one["reason"], one["count"], len(one["examples"])) for one in content["rejected"]] == [
        ("copy", 6, 3),
        ("blurred", 2, 2),
    ]


def test_without_holdout_there_is_no_percentile(tmp_path: Path, real: Reference[Images]) -> None:
    nothing = Reference(real.train, real.holdout.take(np.arange(0)))
    content = _built(tmp_path, nothing, real.train.take(np.arange(20)))
    assert {item["percentile"] for item in content["items"]} == {None}


def test_two_training_rows_give_two_neighbours(tmp_path: Path, real: Reference[Images]) -> None:
    few = Reference(real.train.take(np.arange(2)), real.holdout)
    content = _built(tmp_path, few, real.train.take(np.arange(20)))
    assert {len(item["neighbours"]) for item in content["items"]} == {2}


@pytest.mark.parametrize(("side", "channels", "classes"), [(64, 3, 10), (28, 1, 50), (9, 1, 200)])
def test_pictures_stay_within_their_budget(
    side: int, channels: int, classes: int, tmp_path: Path, random_images: Callable[..., Images]
) -> None:
    data = random_images(500, side, channels, [str(number) for number in range(classes)])
    content = _built(tmp_path, Reference(data, data.take(np.arange(50))), data)
    files = sum(path.stat().st_size for path in tmp_path.iterdir() if path.name != "gallery.json")
    assert files * 4 / 3 < gallery.BUDGET
    assert len(content["classes"]) + content["classes_left_out"] == classes


def test_the_encoder_of_the_audit_is_used() -> None:
    audit = {"method": "image.nearest_neighbour", "detail": {"extractor": "task_cnn"}}
    assert gallery.near_encoder([audit]) == "image.task_cnn"
    assert gallery.near_encoder([]) == "image.pixels"


def test_modalities_find_their_gallery() -> None:
    assert gallery_of("image") is gallery.build
    assert gallery_of("sound")(1, 2, 3) is None


def test_sheets_repeat_the_edge_of_each_cell() -> None:
    cells = np.arange(2 * 3 * 2, dtype=np.uint8).reshape(2, 3, 2, 1)
    sprite = encode("x", cells)
    sheet = np.asarray(Image.open(io.BytesIO(sprite.content)))
    assert sheet.shape == (5, 8)
    assert (sheet[1:4, 1:3] == cells[0, ..., 0]).all()
    assert (sheet[0, 1:3] == cells[0, 0, :, 0]).all()
    assert (sheet[1:4, 4] == cells[1, :, 0, 0]).all()


def test_large_pictures_shrink_and_keep_their_shape(random_images: Callable[..., Images]) -> None:
    data = random_images(2, 100, 3, ["a"])
    assert shrunk(data, [1, 0], 50).shape == (2, 50, 50, 3)
    assert (shrunk(data, [1], 200)[0] == data.pixels[1]).all()
