"""A run resumes where it was, repeats nothing, and gives the same bytes however it was made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lookalike
from lookalike.core.contracts import Selection
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Event, Progress, StageDone
from lookalike.pipeline.folder import RunFolder
from lookalike.pipeline.recipe import dump, parse

TREE: dict[str, Any] = {
    "name": "tiny",
    "data": {"read": "builtin", "name": "digits", "limit": 300},
    "generator": {"use": "image.ddpm", "steps": 30, "batch_size": 16, "channels": [16, 32]},
    "sample": {"rows": 300, "steps": 3, "attempts": 2},
    "filters": [{"use": "image.near_copy", "quantile": 0.001}],
    "measure": ["image.class_balance", {"use": "image.frechet", "encoder": "image.pixels"}],
    "audits": [],
}


class Recorder:
    """Keeps every event; raises when a stage is reached if asked to."""

    folder = None

    def __init__(self, stop_at: str = "") -> None:
        self.events: list[Event] = []
        self.stop_at = stop_at

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Progress) and event.stage == self.stop_at:
            raise KeyboardInterrupt

    def reused(self) -> dict[str, bool]:
        return {event.stage: event.reused for event in self.events if isinstance(event, StageDone)}


def hashes(folder: Path) -> dict[str, str]:
    files = RunFolder(folder).files()
    return {f["path"]: f["sha256"] for f in files if f["path"].startswith(("model", "synthetic", "rejected"))}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "first"
    lookalike.run(TREE, folder, workers=1)
    return folder


def test_a_run_leaves_what_the_design_says(first: Path) -> None:
    names = {path.name for path in first.iterdir()}
    assert names >= {"recipe.yaml", "manifest.json", "events.jsonl", "model", "synthetic", "rejected", "scores.json"}
    assert (first / "report.html").stat().st_size < 2_000_000
    assert (first / "synthetic" / "part-00000.parquet").is_file()
    for row in json.loads((first / "scores.json").read_text()):
        assert set(row) == {
            *("kind", "method", "target", "value", "interval", "floor", "ceiling", "better"),
            *("n_real", "n_synthetic", "detail"),
        }
    manifest = json.loads((first / "manifest.json").read_text())
    assert "synthetic" in manifest["statement"]
    assert sum(manifest["sample"]["accepted"]) + sum(manifest["sample"]["short"]) == 300
    assert lookalike.verify(first) == []


def test_running_again_repeats_nothing(first: Path) -> None:
    before = hashes(first)
    watch = Recorder()
    lookalike.run(TREE, first, workers=1, watch=watch)
    reused = watch.reused()
    assert all(reused[stage] for stage in ("read", "split", "fit", "sample", "measure"))
    assert hashes(first) == before


def test_changing_a_filter_keeps_the_model_and_the_candidates(first: Path, tmp_path: Path) -> None:
    samples = {path.name for path in (first / ".store").glob("sample-*/shard-*")}
    watch = Recorder()
    lookalike.run({**TREE, "filters": []}, first, workers=1, watch=watch)
    assert watch.reused()["fit"]
    assert not watch.reused()["sample"]
    drawn = [event for event in watch.events if isinstance(event, Progress) and event.stage == "sample"]
    assert not drawn, "candidates were drawn again"
    assert {path.name for path in (first / ".store").glob("sample-*/shard-*")} == samples
    lookalike.run(TREE, first, workers=1)


def test_two_workers_write_the_same_bytes_as_one(first: Path, tmp_path: Path) -> None:
    lookalike.run(TREE, tmp_path / "two", workers=2)
    assert hashes(tmp_path / "two") == hashes(first)


@pytest.mark.parametrize("stage", ["fit", "sample", "filter", "measure"])
def test_an_interrupted_run_gives_the_same_bytes(first: Path, tmp_path: Path, stage: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        lookalike.run(TREE, tmp_path / "again", workers=1, watch=Recorder(stop_at=stage))
    lookalike.run(TREE, tmp_path / "again", workers=1)
    assert hashes(tmp_path / "again") == hashes(first)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


@pytest.mark.slow
def test_kill_9_at_five_random_moments_gives_the_same_bytes(first: Path, tmp_path: Path) -> None:
    recipe, folder = tmp_path / "tiny.yaml", tmp_path / "killed"
    recipe.write_text(dump(parse(TREE)))
    command = [sys.executable, "-m", "lookalike.cli.app", "run", str(recipe), "--out", str(folder), "--workers", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    draw, log = lookalike.Rng(0).numpy(), folder / "events.jsonl"
    for _ in range(5):
        wanted = _lines(log) + int(draw.integers(1, 12))
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while _lines(log) < wanted and process.poll() is None:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        assert process.poll() is None, "the run was over before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert hashes(folder) == hashes(first)


def test_verify_finds_a_tampered_shard_and_a_rerun_restores_it(first: Path) -> None:
    shard = first / "synthetic" / "part-00000.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    (first / "synthetic" / "extra.parquet").write_bytes(b"x")
    assert lookalike.verify(first) == [
        "synthetic/extra.parquet: not in the manifest",
        "synthetic/part-00000.parquet: changed, its SHA-256 is not the one in the manifest",
    ]
    lookalike.run(TREE, first, workers=1)
    assert lookalike.verify(first) == []


def test_a_folder_of_another_run_is_refused(first: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds the run 'tiny' of other data or another name than 'other'"):
        lookalike.run({**TREE, "name": "other"}, first)
    with pytest.raises(ConfigError, match="other data"):
        lookalike.run({**TREE, "data": {**TREE["data"], "limit": 200}}, first)
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ConfigError, match="is not empty and holds no run"):
        lookalike.run(TREE, tmp_path)


def test_a_folder_in_use_is_refused(first: Path) -> None:
    with RunFolder(first).lock(), pytest.raises(ConfigError, match="another run is using"):
        lookalike.run(TREE, first)


def test_when_no_row_passes_the_error_names_the_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Any, data: Any, real: Any, rng: Any) -> Selection:
        reasons = {row: "near_copy: all of them" for row in range(len(data))}
        return Selection(np.zeros(0, np.int64), np.zeros(0), {"near_copy: all of them": len(data)}, reasons)

    monkeypatch.setattr(lookalike.find("filters", "image.near_copy"), "select", nothing)
    tree = {**TREE, "sample": {"rows": 10, "steps": 2}}
    with pytest.raises(DataError, match=r"no row passed the filters; most frequent reasons: near_copy"):
        lookalike.run(tree, tmp_path / "none", settings=(), workers=1)
    assert (tmp_path / "none" / ".store").is_dir()


def test_stages_work_alone(first: Path, tmp_path: Path) -> None:
    model = lookalike.load(first, guidance=1.0)
    assert len(model.sample(3, lookalike.Rng(0))) == 3
    target = lookalike.sample(first, 7, label="3", out=tmp_path / "more", workers=1)
    assert [path.name for path in target.iterdir()] == ["part-00000.parquet"]
    with pytest.raises(ConfigError, match="no class is called 'cat'; allowed: 0, 1"):
        lookalike.sample(first, 7, label="cat")
    assert lookalike.report(first).is_file()
    assert {row["method"] for row in lookalike.measure(first, ["image.kernel"])} >= {"image.kernel", "image.frechet"}
    lookalike.run(TREE, first, workers=1)
