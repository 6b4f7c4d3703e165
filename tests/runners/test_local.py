"""Workers end with their parent, and a worker that fails says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lookalike.core.errors import BackendError, ConfigError
from lookalike.pipeline.shards import ROWS, Job
from lookalike.runners.local import Inline, Processes, workers_for


def job(tmp_path: Path, rows: int) -> Job:
    return Job(
        model=tmp_path / "model",
        generator="image.ddpm",
        options={},
        seed=0,
        start=0,
        count=rows,
        where={"label": ("a",) * rows},
        folder=tmp_path / "shards",
    )


def test_the_number_of_workers_decides_how() -> None:
    assert isinstance(workers_for(1), Inline)
    assert isinstance(workers_for(2), Processes)
    with pytest.raises(ConfigError, match="at least 1, found 0"):
        workers_for(0)


def test_a_failing_worker_says_why(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="does not hold a complete") as caught:
        Processes(2)(job(tmp_path, 2 * ROWS), lambda rows, figures: None)
    assert "finished shards are kept" in str(caught.value)


def test_rows_are_cut_into_shards_by_range(tmp_path: Path) -> None:
    assert job(tmp_path, 0).shards() == []
    assert job(tmp_path, 1).shards() == [0]
    assert job(tmp_path, 2 * ROWS + 1).missing() == [0, 1, 2]
    job(tmp_path, 2 * ROWS + 1).path(1).mkdir(parents=True)
    assert job(tmp_path, 2 * ROWS + 1).missing() == [0, 2]


def test_a_worker_does_not_outlive_a_killed_run() -> None:
    child = "import lookalike.runners.worker as w, threading, time; w._end_with_parent()"
    parent = (
        "import subprocess, sys, time;"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for _ in range(600):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().split()[2]
        except (ProcessLookupError, FileNotFoundError):
            return
        if state == "Z":
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the worker went on without its parent")
