"""Sheets of controls: the right picture in the right place, small enough, and readable without seeing it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookalike.core.contracts import Sheet
from lookalike.data.images import Images, image_schema
from lookalike.reports import controls_of, page
from lookalike.reports.image import controls
from lookalike.reports.image.look import controls_block
from lookalike.reports.image.sprites import GUTTER
from lookalike.reports.record import read_record


def _sheet(
    height: int, width: int, channels: int, name: str = "truncation", seed: int = 0, **more: Any
) -> Sheet[Images]:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, height, width, channels), dtype=np.uint8)
    data = Images(pixels, np.zeros(5, dtype=np.int64), image_schema(height, width, channels, ["a"]))
    grid = ((None, 0, 1), (2, 4, 3))
    return Sheet(name, "A <b>title</b>", "A caption.", data, grid, ("one", "two"), ("x", "y", "z"), **more)


def _content(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "controls.json").read_text())
    return found


@pytest.mark.parametrize("size", [(8, 8, 1), (12, 20, 3)])
def test_every_place_shows_its_picture(tmp_path: Path, size: tuple[int, int, int]) -> None:
    sheets = [_sheet(*size), _sheet(*size, name="mixing", seed=1, sources=True)]
    controls.build(tmp_path, sheets)
    content = _content(tmp_path)
    facts = content["sprites"]["controls"]
    picture = np.asarray(Image.open(tmp_path / facts["file"])).reshape(facts["height"] + 2 * GUTTER, -1, size[2])
    for sheet, told in zip(sheets, content["sheets"], strict=True):
        assert told["lines"] == ["one", "two"] and told["sources"] is sheet.sources
        for line, cells in zip(sheet.grid, told["grid"], strict=True):
            for place, cell in zip(line, cells, strict=True):
                assert (place is None) == (cell is None)
                if place is not None:
                    left = cell * (facts["width"] + 2 * GUTTER) + GUTTER
                    shown = picture[GUTTER : GUTTER + size[0], left : left + size[1]]
                    assert (shown == sheet.data.pixels[place]).all()


def test_equal_sheets_give_equal_bytes_and_none_give_no_file(tmp_path: Path) -> None:
    for name in ("a", "b", "none"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        controls.build(tmp_path / name, [_sheet(8, 8, 1)])
    assert all((tmp_path / "b" / path.name).read_bytes() == path.read_bytes() for path in (tmp_path / "a").iterdir())
    controls.build(tmp_path / "none", [])
    assert not list((tmp_path / "none").iterdir())
    assert controls_of("image") is controls.build
    assert controls_of("text")(tmp_path, []) is None


def test_large_colour_pictures_are_made_to_fit(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 128, 96, 3), dtype=np.uint8)
    data = Images(pixels, np.zeros(90, dtype=np.int64), image_schema(128, 96, 3, ["a"]))
    grid = tuple(tuple(range(10 * line, 10 * line + 10)) for line in range(9))
    controls.build(tmp_path, [Sheet("s", "t", "c", data, grid, ("",) * 9, ("",) * 10)])
    content = _content(tmp_path)
    file = tmp_path / content["sprites"]["controls"]["file"]
    assert content["compressed"] and file.suffix == ".webp"
    assert file.stat().st_size <= controls.BUDGET


def test_the_page_names_every_picture(tmp_path: Path) -> None:
    (tmp_path / "controls").mkdir()
    controls.build(tmp_path / "controls", [_sheet(12, 20, 3)])
    html = page.render(tmp_path)
    for told in ("one, y", "one, z", "two, x", "two, y", "two, z"):
        assert f'aria-label="{told}"' in html
    assert 'aria-label="one, x"' not in html
    assert "A &lt;b&gt;title" in html and "<b>title" not in html
    assert 'scope="col"' in html and 'scope="row"' in html


def test_small_pixels_stay_whole_on_wide_and_narrow_pages(tmp_path: Path) -> None:
    (tmp_path / "controls").mkdir()
    controls.build(tmp_path / "controls", [_sheet(8, 8, 1)])
    block = controls_block(read_record(tmp_path))
    assert block is not None
    assert [block["sheets"][0][key] for key in ("small", "large")] == [7, 7]
    assert block["sprite"]["pixelated"]


def test_damaged_or_missing_files_leave_the_pictures_out(tmp_path: Path) -> None:
    assert controls_block(read_record(tmp_path)) is None
    (tmp_path / "controls").mkdir()
    controls.build(tmp_path / "controls", [_sheet(8, 8, 1)])
    (tmp_path / "controls" / "controls.png").unlink()
    assert controls_block(read_record(tmp_path)) is None
    shutil.rmtree(tmp_path / "controls")
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "controls.json").write_text("{")
    assert "Look at it" in page.render(tmp_path)
