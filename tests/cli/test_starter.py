"""`lookalike init` on images: with classes, and on a folder of photos without any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from tests.cli.calling import refused
from typer.testing import CliRunner

from lookalike.cli import starter as module
from lookalike.cli.app import app
from lookalike.cli.starter import starter
from lookalike.data.images import Images
from lookalike.pipeline.folder import RunFolder


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Images) -> Path:
    """Sixty images in one folder, without a word about what they show."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for row in range(60):
        Image.fromarray(digits.pixels[row, ..., 0]).save(tmp_path / "photos" / f"{row:02}.png")
    return tmp_path / "photos"


def _said(*line: str) -> str:
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.output


@pytest.mark.usefixtures("brief_watching")
def test_photos_without_classes_from_the_folder_to_the_report(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert "no classes: all images are one, all 60" in _said("init", "photos")
    # The smallest generator: what is asked is whether all stages get through, not how good the images are.
    small = ["generator={use: image.dcgan, steps: 2, batch_size: 8}", "sample.rows=20", "filters=[]"]
    _said("run", "recipe.yaml", "--workers", "1", *(word for change in small for word in ("--set", change)))
    run = RunFolder(photos.parent / "runs" / "photos")
    assert {score["detail"].get("extractor", score["detail"].get("features")) for score in run.scores()} == {"pixels"}
    assert run.manifest()["sample"]["accepted"] == [20]
    page = (run.path / "report.html").read_text()
    assert "Closeness and variety are measured through pixels" in page
    assert "% sure" not in page
    assert len(list((run.path / "synthetic").glob("*.parquet"))) == 1
    assert len(list((run.path / "written" / "png").glob("*/*.png"))) == 20


def test_what_a_recipe_for_photos_without_classes_asks(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = starter("photos", None, photos.parent)
    tree = yaml.safe_load(text)
    assert tree["goal"] == "share"
    assert tree["sample"] == {"rows": 60}
    assert all(len(line) < 160 for line in text.splitlines())
    assert {use["encoder"] for use in (*tree["measure"], *tree["audits"])} == {"image.efficientnet_lite0"}
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    text, _ = starter("photos", "bootstrap", photos.parent)
    tree = yaml.safe_load(text)
    assert tree["goal"] == "bootstrap"
    assert {use["encoder"] for use in (*tree["measure"], *tree["audits"])} == {"image.pixels"}
    assert "lookalike[features]" in text


def test_images_come_back_in_folders_where_they_came_in_some(photos: Path) -> None:
    text, _ = starter("photos", None, photos.parent)
    assert text.splitlines()[-1] == "write: [png]             # the images as PNG files too"
    for row, path in enumerate(sorted(photos.iterdir())):
        (photos / "ab"[row % 2]).mkdir(exist_ok=True)
        path.rename(photos / "ab"[row % 2] / path.name)
    text, _ = starter("photos", None, photos.parent)
    assert text.splitlines()[-1].endswith("# the images as PNG files too, a folder for each class")
    assert "write:" not in starter("digits", None, photos.parent)[0]


def test_a_recipe_for_classes_asks_what_classes_allow(photos: Path) -> None:
    for row, path in enumerate(sorted(photos.iterdir())):
        (photos / "ab"[row % 2]).mkdir(exist_ok=True)
        path.rename(photos / "ab"[row % 2] / path.name)
    tree = yaml.safe_load(starter("photos", None, photos.parent)[0])
    assert tree["goal"] == "augment"
    assert tree["sample"]["balance"] == "uniform"
    assert "image.train_on_synthetic" in tree["measure"]


def test_what_needs_classes_is_refused_in_a_line_before_training(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree: dict[str, Any] = {"name": "x", "data": {"read": "folder", "path": "photos"}, "sample": {"rows": 9}}
    methods = {"generator": "image.dcgan", "filters": ["image.confidence"], "measure": ["image.frechet"]}
    Path("r.yaml").write_text(yaml.safe_dump({**tree, **methods}))
    told = refused(capsys, "run", "r.yaml", "--workers", "1")
    assert "remove image.confidence; give image.frechet another encoder" in told
    assert not list(Path("runs/x/.store").glob("fit-*"))


def test_a_table_of_images_without_a_label_has_no_classes(photos: Path) -> None:
    cells = [{"bytes": path.read_bytes(), "path": None} for path in sorted(photos.iterdir())]
    for name, further in (("alone", {}), ("beside", {"place": ["here", "there"] * 30})):
        pq.write_table(pa.table({"image": cells, **further}), f"{name}.parquet")
        text, lines = starter(f"{name}.parquet", None, photos.parent)
        assert yaml.safe_load(text)["data"]["label"] == ""
        assert lines[1] == "no classes: all images are one, all 60"
