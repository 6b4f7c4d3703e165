"""Bad input gives one line with what was found and how to fix it, exit code 2, no traceback, and nothing is lost."""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.cli.calling import call, refused

RECIPE: dict[str, Any] = {
    "name": "bad",
    "data": {"read": "folder", "path": "photos"},
    "generator": {"use": "image.ddpm", "steps": 2, "batch_size": 4, "channels": [16]},
    "sample": {"rows": 4, "steps": 2},
    "measure": ["image.class_balance"],
}


def photo(path: Path, size: tuple[int, int] = (8, 8), value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(value)
    Image.fromarray(draw.integers(0, 255, size[::-1], dtype=np.uint8)).save(path)


def photos(folder: Path, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        for number in range(count):
            photo(folder / name / f"{number}.png", value=hash((name, number)) % 1000)


def write(folder: Path, **changes: Any) -> str:
    tree = {**RECIPE, **changes}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(tree))
    return str(path)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lookalike"])


def test_missing_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "photos" in refused(capsys, "run", write(tmp_path))
    assert "nothing is at" in refused(capsys, "init", "nowhere", "--out", "new.yaml")


def test_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    assert "photos" in refused(capsys, "run", write(tmp_path))


def test_one_class_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 5})
    assert "class" in refused(capsys, "run", write(tmp_path))


def test_a_class_with_one_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 5, "shoe": 1})
    assert "shoe" in refused(capsys, "run", write(tmp_path))


def test_corrupt_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 5, "shoe": 5})
    (tmp_path / "photos" / "boot" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    line = refused(capsys, "run", write(tmp_path))
    assert "3.png" in line
    assert "skip" in line


def test_mixed_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 5, "shoe": 5})
    photo(tmp_path / "photos" / "boot" / "large.png", (9, 12))
    line = refused(capsys, "run", write(tmp_path))
    assert "12" in line
    assert "size: [" in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"generater": {}}, "did you mean 'generator'"),
        ({"generator": {"use": "image.ddpm", "step": 3}}, "ddpm.step: unknown key; did you mean 'steps'"),
        ({"generator": {"use": "image.ddmp"}}, "did you mean 'image.ddpm'"),
        ({"sample": {"rows": 4, "guidence": 2}}, "unknown key; did you mean 'guidance'"),
        ({"sample": {"rows": 4, "guidance": -2}}, "guidance"),
        ({"sample": {"rows": 4, "balance": {"cat": 4}}}, "unknown cat"),
        ({"filters": [{"use": "image.confidence", "keeep": 1}]}, "did you mean 'keep'"),
        ({"measure": ["image.fretchet"]}, "did you mean 'image.frechet'"),
        ({"data": {"read": "foldr", "path": "photos"}}, "did you mean 'folder'"),
        ({"data": {"read": "folder", "path": "photos", "siez": [8, 8]}}, "did you mean 'size'"),
        ({"data": {"read": "folder", "path": "photos", "holdout": 2}}, "between 0 and 0.9"),
    ],
)
def test_a_wrong_key_in_the_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], words: str
) -> None:
    photos(tmp_path / "photos", {"boot": 4, "shoe": 4})
    assert words in refused(capsys, "run", write(tmp_path, **changes))


def test_an_impossible_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 5, "shoe": 5})
    data = {"read": "folder", "path": "photos", "limit": 2}
    assert "impossible split" in refused(capsys, "run", write(tmp_path, data=data))


def test_a_holdout_of_other_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 5, "shoe": 5})
    photos(tmp_path / "test", {"boot": 5, "hat": 5})
    data = {"read": "folder", "path": "photos", "holdout": {"read": "folder", "path": "test"}}
    assert "same class names" in refused(capsys, "run", write(tmp_path, data=data))


def test_a_wrong_idx_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    with gzip.open(folder / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">IIII", 2051, 10_000_000, 28, 28))
    with gzip.open(folder / "train-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">II", 2049, 10_000_000))
    assert "train-images" in refused(capsys, "run", write(tmp_path, data={"read": "idx", "path": "photos"}))


def test_out_of_budget_says_what_is_short_and_keeps_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos(tmp_path / "photos", {"boot": 12, "shoe": 12})
    filters = [{"use": "image.near_copy", "quantile": 0.9}]
    recipe = write(tmp_path, filters=filters, sample={"rows": 8, "steps": 2, "attempts": 1})
    code, error = call(capsys, "run", recipe, "--out", "run", "--workers", "1")
    if code == 0:
        assert "short of the 8 asked" in error
        assert (tmp_path / "run" / "report.html").is_file()
    else:
        assert code == 2
        assert "no row passed the filters" in error
    assert list((tmp_path / "run" / ".store").glob("fit-*"))


def test_a_run_folder_of_another_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 8, "shoe": 8})
    code, error = call(capsys, "run", write(tmp_path), "--out", "run", "--workers", "1")
    assert code == 0, error
    line = refused(capsys, "run", write(tmp_path, name="other"), "--out", "run")
    assert "--out" in line
    shard = next((tmp_path / "run" / "synthetic").iterdir())
    shard.write_bytes(shard.read_bytes() + b"x")
    line = refused(capsys, "verify", "run")
    assert "part-00000.parquet: changed" in line
    assert "bad" in (tmp_path / "run" / "recipe.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "none.yaml"), "lookalike init DATA"),
        (("run",), "Missing argument"),
        (("frob",), "No such command"),
        (("methods", "ghosts"), "allowed: generators"),
        (("verify", "."), "run the recipe to its end first"),
        (("report", "."), "run the recipe to its end first"),
        (("measure", "."), "run the recipe to its end first"),
        (("sample", ".", "--rows", "3"), "run the recipe to its end first"),
        (("sample", ".", "--rows", "0"), "--rows must be at least 1"),
        (("init", "digits", "--goal", "profit"), "allowed: augment, share, bootstrap, simulate"),
        (("cite", "none.yaml"), "no recipe at"),
    ],
)
def test_a_wrong_command(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(capsys, *arguments)


def test_workers_must_be_positive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "photos", {"boot": 4, "shoe": 4})
    assert "--workers must be at least 1" in refused(capsys, "run", write(tmp_path), "--workers", "0")


def test_an_interruption_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    photos(tmp_path / "photos", {"boot": 4, "shoe": 4})
    recipe = write(tmp_path)
    monkeypatch.setattr("lookalike.runners.local.execute", stop)
    code, error = call(capsys, "run", recipe, "--out", "run")
    assert code == 130
    assert f"Continue with: lookalike run {recipe} --out run" in error


def test_a_full_disk_keeps_what_is_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    photos(tmp_path / "photos", {"boot": 8, "shoe": 8})
    recipe = write(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("lookalike.pipeline.run.publish", full)
        assert "the disk is full" in refused(capsys, "run", recipe, "--out", "run", "--workers", "1")
    fitted = next((tmp_path / "run" / ".store").glob("fit-*"))
    stamp = fitted.stat().st_mtime_ns
    code, error = call(capsys, "run", recipe, "--out", "run", "--workers", "1")
    assert code == 0, error
    assert fitted.stat().st_mtime_ns == stamp


def test_init_writes_a_recipe_that_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lookalike.pipeline.plan import make_plan
    from lookalike.pipeline.recipe import load

    photos(tmp_path / "my photos", {"boot": 6, "shoe": 6})
    code, _ = call(capsys, "init", "my photos", "--goal", "share")
    assert code == 0
    recipe = load(tmp_path / "recipe.yaml")
    assert recipe.goal == "share"
    assert recipe.data.options["path"] == "my photos"
    assert make_plan(recipe, tmp_path).reader.name == "folder"
    assert "exists already" in refused(capsys, "init", "my photos")
