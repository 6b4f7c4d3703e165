"""Pictures of controls in a run folder, and rows around a given image with the warning that belongs to them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

import lookalike
from lookalike.core.errors import ConfigError
from lookalike.data.images import Images

pytestmark = pytest.mark.usefixtures("brief_watching")

TREE: dict[str, Any] = {
    "name": "styles",
    "data": {"read": "builtin", "name": "digits", "limit": 60},
    "generator": {"use": "image.stylegan2", "preset": "tiny", "steps": 3, "batch_size": 4},
    "sample": {"rows": 20},
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, digits: Images, brief_watching: None) -> Path:
    """A folder with a finished run `run` and images `one.png` and `tall.png`."""
    folder = tmp_path_factory.mktemp("styles")
    Image.fromarray(digits.pixels[0, ..., 0]).save(folder / "one.png")
    Image.fromarray(np.zeros((9, 8), dtype=np.uint8)).save(folder / "tall.png")
    lookalike.run(TREE, folder / "run", workers=1)
    return folder


@pytest.fixture
def run(first: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be changed."""
    shutil.copytree(first / "run", tmp_path / "run")
    return tmp_path / "run"


def _first_rows(folder: Path) -> list[Any]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_run_keeps_the_pictures_and_the_report_shows_them(first: Path) -> None:
    folder = first / "run"
    content = json.loads((folder / "controls" / "controls.json").read_text())
    assert [sheet["name"] for sheet in content["sheets"]] == ["truncation", "mixing", "between"]
    page = (folder / "report.html").read_text()
    assert "What truncation costs" in page and "What each layer decides" in page
    assert 'aria-label="coarse styles 3, fine styles 7"' in page
    assert "was projected" not in page
    assert lookalike.verify(folder) == []
    before = (folder / "controls" / "controls.png").read_bytes()
    shutil.rmtree(next((folder / ".store").glob("controls-*")))
    lookalike.run(TREE, folder, workers=1)
    assert (folder / "controls" / "controls.png").read_bytes() == before


def test_pictures_go_when_the_generator_has_none(run: Path) -> None:
    other = {"use": "image.ddpm", "steps": 2, "batch_size": 4, "channels": [16, 32]}
    lookalike.run({**TREE, "generator": other, "sample": {"rows": 10, "steps": 2}}, run, workers=1)
    assert not (run / "controls").exists()
    assert "What truncation costs" not in (run / "report.html").read_text()


def test_rows_around_an_image_come_with_the_warning(
    first: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(first)
    more = {"project": "one.png", "project_steps": 3}
    target = lookalike.sample(run, 4, label="3", workers=1, out=tmp_path / "out", **more)
    rows = _first_rows(target)
    assert len(rows) == 4
    page = (run / "report.html").read_text()
    assert "A given image was projected" in page
    assert "inversion can bring training images to light" in page
    assert lookalike.verify(run) == []
    again = _first_rows(lookalike.sample(run, 4, label="3", workers=1, out=tmp_path / "again", **more))
    assert again == rows
    # Making the run again does not unsay it.
    lookalike.run(TREE, run, workers=1)
    assert "A given image was projected" in (run / "report.html").read_text()


def test_the_content_of_the_image_counts_and_not_its_name(run: Path, tmp_path: Path, digits: Images) -> None:
    path, found = tmp_path / "one.png", []
    for row in (0, 1):
        Image.fromarray(digits.pixels[row, ..., 0]).save(path)
        out = lookalike.sample(
            run, 2, label="3", workers=1, out=tmp_path / str(row), project=str(path), project_steps=9
        )
        found.append(_first_rows(out))
    assert found[0] != found[1]


def test_what_cannot_be_projected_is_refused_before_any_work(first: Path, run: Path, tmp_path: Path) -> None:
    for name, label, told in (
        ("none.png", "3", "no image file"),
        ("tall.png", "3", "9 x 8"),
        ("one.png", None, "10 classes were"),
    ):
        with pytest.raises(ConfigError, match=told):
            lookalike.sample(run, 20, label=label, workers=1, project=str(first / name))
    assert "was projected" not in (run / "report.html").read_text()
    for sample in ({"rows": 20}, {"rows": 20, "balance": {"3": 10, "4": 10}}):
        with pytest.raises(ConfigError, match="one class"):
            lookalike.run(
                {**TREE, "sample": {**sample, "project": str(first / "one.png")}}, tmp_path / "new", workers=1
            )
    assert not list((tmp_path / "new" / ".store").glob("fit-*"))
    with pytest.raises(ConfigError, match="no styles to project"):
        other = {"use": "image.r3gan", "steps": 2}
        lookalike.run(
            {**TREE, "generator": other, "sample": {"rows": 2, "project": "x.png"}}, tmp_path / "r3", workers=1
        )


def test_a_recipe_names_the_image_relative_to_itself(first: Path, tmp_path: Path) -> None:
    shutil.copytree(first / "run", tmp_path / "run")
    shutil.copy(first / "one.png", tmp_path / "one.png")
    sample = {"rows": 5, "balance": {"3": 5}, "project": "one.png", "project_steps": 3}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({**TREE, "sample": sample}), encoding="utf-8")
    done = lookalike.run(tmp_path / "recipe.yaml", tmp_path / "run", workers=1)
    assert done.manifest["projected"] is True
    assert done.manifest["sample"]["accepted"][3] == 5
    assert "A given image was projected" in done.report.read_text()
    assert yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())["sample"]["project"] == "../one.png"
    lookalike.report(tmp_path / "run")
    assert len(lookalike.load(tmp_path / "run").sample(2, lookalike.Rng(0), {"label": "3"})) == 2
