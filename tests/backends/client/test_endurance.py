"""A whole run against a real server: killed fifty times, and planned for a million rows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.backends.fake_server import FakeServer, serving

import lookalike

pytest.importorskip("aiohttp")
_CODE = "import json,sys; from lookalike import run; run(json.loads(sys.argv[1]), out=sys.argv[2], workers=1)"
_AT_ONCE = 4
_KILLS = 50


def _tree(server: FakeServer, rows: int, at_once: int) -> dict[str, Any]:
    return {
        "name": "t",
        "goal": "bootstrap",
        "generator": {
            "use": "text.prompted",
            "task": {"describe": "notes", "labels": {"up": "about rising", "down": "about falling"}},
            "backend": {"use": "openai_compatible", "url": server.url, "name": "m"},
            "limits": {"at_once": at_once, "pause": 0.01},
        },
        "sample": {"rows": rows, "attempts": 5},
        "filters": ["text.exact_duplicate"],
    }


def _start(tree: dict[str, Any], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _CODE, json.dumps(tree), str(folder)], stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_run_that_is_killed_fifty_times_gives_the_same_rows_and_pays_nothing_twice(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    paid: Counter[str] = Counter()

    def answer(number: int, body: dict[str, Any]) -> Any:
        if number % 20 == 0:
            return 500, {"error": {"message": "oops"}}
        paid[json.dumps(body, sort_keys=True)] += 1
        return "no object" if body["seed"] % 10 == 0 else json.dumps({"text": f"about {body['seed'] % 5000}"})

    with serving(FakeServer(answer=answer, latency=0.05)) as server:
        tree = _tree(server, 2000, _AT_ONCE)
        for _ in range(_KILLS):
            process, before = _start(tree, tmp_path / "killed"), server.received
            while server.received == before:
                time.sleep(0.005)
                assert process.poll() is None, "it ended before it was killed"
            time.sleep(draw.uniform(0, 0.6))
            assert process.poll() is None, "it ended before it was killed"
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        killed = lookalike.run(tree, out=tmp_path / "killed", workers=1)
        repeated = sum(count - 1 for count in paid.values())
        whole = lookalike.run(tree, out=tmp_path / "whole", workers=1)
    # Answers that were under way when the process died cannot be known to it; all others are.
    assert repeated <= _KILLS * _AT_ONCE
    assert len(killed.synthetic()) == 2000
    assert killed.synthetic().texts() == whole.synthetic().texts()
    assert killed.synthetic().fingerprint() == whole.synthetic().fingerprint()
    sys.stdout.write(f"{_KILLS} kills, {repeated} answers under way were paid again\n")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak memory this way")
def test_a_million_planned_rows_take_little_memory_before_the_first_request(tmp_path: Path) -> None:
    peaks: list[float] = []

    def answer(number: int, body: dict[str, Any]) -> str:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        told = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith(" kB")}
        # How much of the libraries' files counts as resident is up to the page cache, by tens of MB.
        peaks.append(told["VmHWM"] - told["RssFile"])
        return json.dumps({"text": f"about {body['seed']}"})

    with serving(FakeServer(answer=answer, latency=0.2)) as server:
        process = _start(_tree(server, 1_000_000, 8), tmp_path / "run")
        while not peaks and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        time.sleep(0.5)
    assert 0 < peaks[0] < 100
