"""A real process, killed at five moments of training and drawing, ends with the bytes of one that was left alone."""

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
from tests.generators.image.gan.test_duel import EVERY

import lookalike
from lookalike.pipeline.folder import RunFolder
from lookalike.pipeline.recipe import dump, parse

_STEPS, _ROWS, _SIDE = 24, 1200, 16
# Kills come after so many new events of a kind: the first before any checkpoint, three in training, one in drawing.
_KILLS = (("StageStarted", "fit"), *[("CheckpointSaved", "fit")] * 3, ("Progress", "sample"))
_RUN = """
import sys
from pathlib import Path
import lookalike
from lookalike.encoders.image.task_cnn import TaskCnn
from lookalike.generators.image.gan import settings, watching
from lookalike.learners.image.cnn import Cnn
from lookalike.techniques import training
# Every step is a checkpoint; classifiers that watch or report hardly learn.
settings.Plan = lambda **given: training.Plan(**given, checkpoint_seconds=0.0)
watching._TRAINING = watching._TRAINING.model_copy(update={"steps": 2})
watching.PROBES = 4
for network in (Cnn, TaskCnn):
    network.model_fields["steps"].default = 4
    network.model_rebuild(force=True)
lookalike.run(Path(sys.argv[1]), Path(sys.argv[2]), workers=1)
"""


def _recipe(folder: Path, name: str) -> Path:
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 3
    # Three classes of bright bars in noise.
    pixels = rng.integers(0, 120, (150, _SIDE, _SIDE), dtype=np.uint8)
    for row, label in enumerate(labels):
        pixels[row, 4 * label : 4 * label + 4] += 120
    np.savez(folder / "train.npz", train_images=pixels, train_labels=labels[:, None])
    tree: dict[str, Any] = {
        "name": "killed",
        "data": {"read": "npz", "path": str(folder / "train.npz"), "split": "train"},
        "generator": {"use": name, "steps": _STEPS, "batch_size": 8, "preset": "tiny", "device": "cpu"},
        "sample": {"rows": _ROWS},
        "filters": [],
        "measure": ["image.class_balance"],
        "audits": [],
    }
    path = folder / "killed.yaml"
    path.write_text(dump(parse(tree)))
    return path


def _start(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _RUN, str(recipe), str(out)]
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
@pytest.mark.parametrize("name", EVERY)
def test_kill_9_at_five_moments_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    recipe, whole, killed = _recipe(tmp_path, name), tmp_path / "whole", tmp_path / "out"
    assert _start(recipe, whole).wait() == 0
    draw = lookalike.Rng(0).child(name).numpy()
    for kind, stage in _KILLS:

        def count(kind: str = kind, stage: str = stage) -> int:
            return sum(event["event"] == kind and event["stage"] == stage for event in _events(killed))

        wanted = count() + (int(draw.integers(1, 6)) if kind == "CheckpointSaved" else 1)
        process = _start(recipe, killed)
        while count() < wanted and process.poll() is None:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.05))
        assert process.poll() is None, "the run was over before it could be killed"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert _start(recipe, killed).wait() == 0
    resumed = [event["message"] for event in _events(killed) if "going on after step" in event.get("message", "")]
    assert len(resumed) >= 3
    assert _files(killed) == _files(whole)
    assert {path.split("/")[0] for path in _files(whole)} == {"model", "synthetic"}
    assert lookalike.verify(killed) == []
