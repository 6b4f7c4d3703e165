"""What the sheets of controls show is what the controls do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from lookalike.core.contracts import Sheet, ShowsControls
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.generators.image.gan.drawing import StyledDrawing
from lookalike.generators.image.gan.fitted import FittedGan
from lookalike.generators.image.gan.sheets import PSI
from lookalike.generators.image.r3gan import R3gan
from lookalike.generators.image.stylegan2 import Stylegan2

STYLED = ["image.stylegan", "image.stylegan2", "image.stylegan3"]


def model_of(
    config: Any, size: tuple[int, int, int] = (8, 8, 1), classes: tuple[str, ...] = ("a", "b", "c"), **drawing: Any
) -> FittedGan:
    """Return a generator that nobody has trained, with a mean style that is not zero."""
    shape = config.shape(*size, len(classes) if len(classes) > 1 else 0, "cpu")
    network, _ = config.networks(shape, Rng(0))
    schema = image_schema(*size, classes).model_dump(mode="json")
    about = {"method": config.name, "z_dim": shape.z_dim, "network": asdict(shape), "schema": schema}
    styled = hasattr(network, "mapping")
    if styled:
        network.mapping.mean_KD.copy_(
            torch.linspace(-1, 1, network.mapping.mean_KD.numel()).view_as(network.mapping.mean_KD)
        )
    given = StyledDrawing(**drawing) if styled else config.sampling
    return FittedGan(network, about, given, torch.device("cpu"))


def _sheets(config: Any, **more: Any) -> dict[str, Sheet[Images]]:
    return {sheet.name: sheet for sheet in config.controls(model_of(config, **more), Rng(1))}


def _at(sheet: Sheet[Images], line: int, column: int) -> np.ndarray:
    place = sheet.grid[line][column]
    assert place is not None
    return np.asarray(sheet.data.pixels[place])


@pytest.mark.parametrize("name", [*STYLED, "image.r3gan", "image.dcgan"])
@pytest.mark.parametrize(
    ("size", "classes"), [((8, 8, 1), ("a", "b", "c")), ((16, 24, 3), ("all",)), ((24, 16, 1), tuple("abcdefghi"))]
)
def test_every_generator_shows_what_it_has(name: str, size: tuple[int, int, int], classes: tuple[str, ...]) -> None:
    config = find("generators", name)()
    assert isinstance(config, ShowsControls)
    model = model_of(config, size=size, classes=classes)
    sheets = config.controls(model, Rng(1))
    assert [sheet.name for sheet in sheets] == (["truncation", "mixing", "between"] if name in STYLED else ["between"])
    for sheet in sheets:
        assert sheet.data.pixels.shape[1:] == size
        assert len(sheet.lines) == len(sheet.grid)
        assert all(len(sheet.columns) == len(line) for line in sheet.grid)
        places = [place for line in sheet.grid for place in line if place is not None]
        assert sorted(places) == list(range(len(sheet.data)))
        assert "all" not in "".join(sheet.lines)
    assert sum(len(sheet.data) for sheet in sheets) < 100
    again = config.controls(model, Rng(1))
    assert all((a.data.pixels == b.data.pixels).all() for a, b in zip(sheets, again, strict=True))
    other = config.controls(model, Rng(2))
    assert all((a.data.pixels != b.data.pixels).any() for a, b in zip(sheets, other, strict=True))


@pytest.mark.parametrize("name", STYLED)
def test_truncation_runs_from_the_mean_of_the_class_to_the_code_itself(name: str) -> None:
    config = find("generators", name)()
    model, sheet = model_of(config), _sheets(config)["truncation"]
    assert PSI[0] == 0 and PSI[-1] == 1
    mean_KLD = model.network.mapping.mean_KD[:, None].expand(-1, model.network.num_ws, -1)
    means = model.pictures(np.arange(3), lambda part: model.synthesis(mean_KLD[part])).pixels
    lines = sheet.data.labels.reshape(5, 5)
    assert (lines == lines[:, :1]).all()
    assert set(lines[:, 0]) == {0, 1, 2}
    off = [
        np.abs(sheet.data.pixels[sheet.grid[line][-1]].astype(int) - means[lines[line, 0]]).mean() for line in range(5)
    ]
    for line in range(5):
        assert (_at(sheet, line, 0) == means[lines[line, 0]]).all()
    assert min(off) > 1
    assert (_at(sheet, 0, 4) != _at(sheet, 3, 4)).any()


def test_mixing_joins_the_layers_of_its_sources() -> None:
    config = Stylegan2()
    model, sheet = model_of(config), _sheets(config)["mixing"]
    assert sheet.sources and sheet.grid[0][0] is None
    key, layers = Rng(1).child("mixing"), model.network.num_ws
    mapping = model.network.mapping

    def styles(name: str, rows: int, numbers: list[int]) -> torch.Tensor:
        from lookalike.generators.image.gan.duel import codes

        return mapping(codes(rows, 64, key.child(name), model.device), torch.tensor(numbers))

    coarse = styles("coarse", 4, sheet.data.labels[[line[0] for line in sheet.grid[1:]]].tolist())
    fine = styles("fine", 5, sheet.data.labels[list(sheet.grid[0][1:])].tolist())
    w = torch.stack([coarse[2]] + [fine[3]] * (layers - 1))[None]
    assert (_at(sheet, 3, 4) == model.pictures(np.zeros(1, int), lambda _: model.synthesis(w)).pixels[0]).all()
    for source, w in ((_at(sheet, 3, 0), coarse[2]), (_at(sheet, 0, 4), fine[3])):
        whole = w.expand(1, layers, -1)
        assert (source == model.pictures(np.zeros(1, int), lambda _, w=whole: model.synthesis(w)).pixels[0]).all()


def test_ways_begin_and_end_where_they_say() -> None:
    sheet = _sheets(Stylegan2(), classes=tuple("abcdefghi"))["between"]
    assert sheet.lines == ("a", "d", "f to d", "i to f")
    assert sheet.columns[0] == "0 %" and sheet.columns[-1] == "100 %"
    for line in range(4):
        steps = [np.abs(_at(sheet, line, k + 1).astype(int) - _at(sheet, line, k)).mean() for k in range(5)]
        whole = np.abs(_at(sheet, line, 5).astype(int) - _at(sheet, line, 0)).mean()
        assert whole > 0
        assert max(steps) < whole


def test_codes_in_between_keep_the_length_of_a_code() -> None:
    config, seen = R3gan(), []
    model = model_of(config)
    network = model.network
    model.network = lambda z, label: (seen.append(z), network(z, label))[1]
    config.controls(model, Rng(1))
    lengths = torch.cat(seen).norm(dim=1).reshape(4, 6)
    low = torch.minimum(lengths[:, 0], lengths[:, 5]) - 1e-3
    high = torch.maximum(lengths[:, 0], lengths[:, 5]) + 1e-3
    assert ((lengths >= low[:, None]) & (lengths <= high[:, None])).all()


def test_settings_for_drawing_and_global_state_do_not_matter(global_state: None) -> None:
    config = Stylegan2()
    plain, other = _sheets(config), _sheets(config, truncation=0.1, mixing=1.0, noise=False)
    assert all((plain[name].data.pixels == other[name].data.pixels).all() for name in plain)
    torch.set_num_threads(2)
    try:
        threads = _sheets(config)
    finally:
        torch.set_num_threads(1)
    assert all((plain[name].data.pixels == threads[name].data.pixels).all() for name in plain)
