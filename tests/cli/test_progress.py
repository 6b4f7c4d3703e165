"""Events become plain lines, JSON lines or bars; the help comes at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from lookalike.cli import progress
from lookalike.cli.progress import JsonLines, Lines, shown
from lookalike.core.events import Note, Progress, StageDone, StageStarted

EVENTS = [
    StageStarted("fit"),
    Progress("fit", 5, 10, "steps", {"loss": 0.25}),
    Note("fit", "going on after step 5", "warning"),
    StageDone("fit", 1.25),
    StageDone("sample", 0.0, reused=True),
]


def test_plain_lines_say_stage_figures_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PLAIN_SECONDS", -1.0)
    watch = Lines()
    for event in EVENTS:
        watch(event)
    text = capsys.readouterr().err
    assert "fit: 5 of 10 steps, loss 0.25" in text
    assert "warning: going on after step 5" in text
    assert "fit done in 1.2 s" in text
    assert "sample done before, reused" in text


def test_the_time_left_counts_from_the_first_step_of_this_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 200.0, 230.0])  # 100 s of preparation; a resumed run begins at step 40
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    watch = Lines()
    for event in (StageStarted("fit"), Progress("fit", 40, 100, "steps"), Progress("fit", 50, 100, "steps")):
        watch(event)
    text = capsys.readouterr().err
    assert "40 of 100 steps\n" in text
    assert "50 of 100 steps, about 150 s left" in text


def test_json_lines_hold_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    watch = JsonLines()
    for event in EVENTS:
        watch(event)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["event"] for row in rows] == ["StageStarted", "Progress", "Note", "StageDone", "StageDone"]
    assert rows[1]["values"] == {"loss": 0.25}


def test_bars_take_every_event() -> None:
    with progress._bars() as watch:
        for event in EVENTS:
            watch(event)


def test_without_a_terminal_lines_are_plain() -> None:
    with shown(False) as watch:
        assert isinstance(watch, Lines)
    with shown(True) as watch:
        assert isinstance(watch, JsonLines)


def test_the_help_comes_at_once() -> None:
    command = [sys.executable, "-m", "lookalike.cli.app", "--help"]
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.4
