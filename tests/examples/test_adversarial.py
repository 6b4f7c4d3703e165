"""The page on adversarial generators: its recipes, commands and code work one after the other, on cut data."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.examples.test_docs import ROOT, Block, blocks
from typer.testing import CliRunner

import lookalike
from lookalike.cli.app import app

PAGE = ROOT / "docs" / "adversarial.md"
SMALL = {"minutes": None, "steps": 2, "batch_size": 8}


@pytest.fixture(scope="module")
def gans(tmp_path_factory: pytest.TempPathFactory, brief_watching: None) -> Path:
    """A folder with photos, one boot beside them, and a run of each recipe of the page that has a name."""
    folder = tmp_path_factory.mktemp("gans")
    draw = np.random.default_rng(0)
    for name, bright in (("boot", 40), ("sandal", 160)):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(draw.normal(bright, 30, (8, 8)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number:04d}.png")
    shutil.copy(folder / "photos" / "boot" / "0000.png", folder / "boot.png")
    for block in _blocks("yaml"):
        tree = yaml.safe_load(block.text)
        if "name" in tree:
            tree["generator"] |= SMALL
            tree["sample"]["rows"] = 8
            tree |= {"filters": [], "measure": [], "audits": [], "data": {**tree["data"], "holdout": 0}}
            (folder / f"{tree['name']}.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
            lookalike.run(folder / f"{tree['name']}.yaml", folder / "runs" / tree["name"], workers=1)
    return folder


def _blocks(language: str) -> list[Block]:
    return [block for block in blocks(language) if block.page == PAGE]


def test_every_command_of_the_page_works(gans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gans)
    lines = [line for block in _blocks("sh") for line in block.text.splitlines() if line.startswith("lookalike ")]
    assert sum("sample" in line for line in lines) >= 3
    for line in lines:
        quick = ["--set", "project_steps=2"] if "project" in line else []
        found = CliRunner().invoke(app, [*shlex.split(line)[1:], "--workers", "1", *quick])
        assert found.exit_code == 0, line + found.output + str(found.exception)


@pytest.mark.parametrize("block", _blocks("python"), ids=str)
def test_every_piece_of_code_runs_on_its_own(gans: Path, monkeypatch: pytest.MonkeyPatch, block: Block) -> None:
    monkeypatch.chdir(gans)
    recipe = re.fullmatch(r"run after (\S+)", block.mark)
    assert recipe is not None, f"{block}: say after which recipe it runs"
    assert (gans / recipe[1]).is_file()
    names: dict[str, Any] = {"__name__": "example"}
    # A search of 500 steps tells no more here than one of three.
    text = block.text.replace('model.project(pixels, "boot")', 'model.project(pixels, "boot", steps=3)')
    exec(compile("\n" * block.line + text, str(PAGE), "exec"), names)
    made = names.get("images", names.get("image"))
    assert made.shape[1:] == (1, 8, 8)


def test_a_recipe_takes_the_key_that_walks(gans: Path, tmp_path: Path) -> None:
    tree = yaml.safe_load((gans / "clothes-gan.yaml").read_text())
    tree["sample"] = {"rows": 16, "interpolate": 4}
    tree["data"]["path"] = str(gans / "photos")
    rows = lookalike.run(tree, tmp_path / "run", workers=1).synthetic()
    assert rows.labels.tolist() == [0] * 4 + [1] * 4 + [0] * 4 + [1] * 4
