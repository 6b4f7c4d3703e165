"""A real process, killed during training and during drawing, ends with the bytes of one that was left alone."""

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
from lookalike.pipeline.folder import RunFolder
from lookalike.pipeline.recipe import dump, parse

_LEARN, _DRAWN = 4000, 20_000
_SETTINGS: dict[str, dict[str, Any]] = {
    "trees": {},
    "autoregressive": {"steps": 24, "hidden": 16, "batch_size": 64},
    "diffusion": {"steps": 24, "hidden": 16, "batch_size": 64, "sampling": {"steps": 3}},
    "tvae": {"steps": 24, "hidden": 16, "batch_size": 64},
}
_RUN = """
import sys
from pathlib import Path
import lookalike
from lookalike.core.registry import find
from lookalike.techniques import training
method = sys.modules[find("generators", sys.argv[3]).__module__]
if hasattr(method, "Plan"):
    # Every step is a checkpoint.
    method.Plan = lambda **given: training.Plan(**given, checkpoint_seconds=0.0)
lookalike.run(Path(sys.argv[1]), Path(sys.argv[2]), workers=1)
"""


def _recipe(folder: Path, name: str) -> Path:
    draw = np.random.default_rng(0)
    x = np.round(draw.normal(size=(_LEARN, 8)).cumsum(axis=1), 2)
    lines = ["label,town," + ",".join(f"x{k}" for k in range(8))]
    for row in x:
        cells = ["" if abs(value) > 4 else str(value) for value in row.tolist()]
        lines.append(f"{'ab'[int(row[0] > 0)]},t{int(row[1]) % 5},{','.join(cells)}")
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    tree: dict[str, Any] = {
        "name": "killed",
        "data": {"read": "csv", "path": str(folder / "data.csv"), "label": "label"},
        "generator": {"use": f"tabular.{name}", **_SETTINGS[name]},
        "sample": {"rows": _DRAWN},
        "filters": [],
        "measure": ["tabular.constraints"],
        "audits": [],
    }
    path = folder / "killed.yaml"
    path.write_text(dump(parse(tree)))
    return path


def _start(recipe: Path, out: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _RUN, str(recipe), str(out), f"tabular.{name}"]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)


def _events(out: Path) -> list[dict[str, Any]]:
    log = out / "events.jsonl"
    # The last line may be half written.
    lines = log.read_bytes().split(b"\n")[:-1] if log.is_file() else []
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


def _files(out: Path) -> dict[str, str]:
    files = RunFolder(out).files()
    return {f["path"]: f["sha256"] for f in files if f["path"].startswith(("model", "synthetic"))}


@pytest.mark.slow
@pytest.mark.parametrize("name", _SETTINGS)
def test_kill_9_while_fitting_and_drawing_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Trees are grown in one go and begin again; what is trained goes on after its last step; whole shards stay."""
    recipe, whole, killed = _recipe(tmp_path, name), tmp_path / "whole", tmp_path / "out"
    assert _start(recipe, whole, name).wait() == 0
    trained = [("CheckpointSaved", "fit")] * 2 if name != "trees" else [("Progress", "fit")]
    draw = lookalike.Rng(0).child(name).numpy()
    for kind, stage in (("StageStarted", "fit"), *trained, ("Progress", "sample"), ("Progress", "sample")):

        def count(kind: str = kind, stage: str = stage) -> int:
            return sum(event["event"] == kind and event["stage"] == stage for event in _events(killed))

        wanted = count() + (int(draw.integers(1, 6)) if kind == "CheckpointSaved" else 1)
        process = _start(recipe, killed, name)
        while count() < wanted and process.poll() is None:
            time.sleep(0.002)
        assert process.poll() is None, f"the run was over before it could be killed: {kind}, {stage}"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert _start(recipe, killed, name).wait() == 0
    resumed = [event["message"] for event in _events(killed) if "going on after step" in event.get("message", "")]
    assert len(resumed) >= len(trained) - 1
    assert _files(killed) == _files(whole)
    assert {path.split("/")[0] for path in _files(whole)} == {"model", "synthetic"}
    assert lookalike.verify(killed) == []
