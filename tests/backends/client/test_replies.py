"""Answers are kept by request, survive a kill, and are shared by processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.backends.client.replies import Replies, request_key
from lookalike.core.dialogue import Reply, Request, TokenProbability
from lookalike.core.errors import DataError

KILLED = """
import sys
from pathlib import Path
from lookalike.backends.client.replies import Replies
from lookalike.core.dialogue import Reply
replies = Replies(Path(sys.argv[1]))
for number in range(10**6):
    replies.put(str(number), Reply(str(number), "stop", "m"))
    print(number, flush=True)
"""


def test_answers_come_back_equal(tmp_path: Path) -> None:
    replies = Replies(tmp_path)
    reply = Reply("half \ud83d, \0 and 🙂", "length", "m", 3, 4, (TokenProbability("a", -0.5, {"a": -0.5, "b": -1.0}),))
    replies.put("key", reply)
    replies.put("key", Reply("another", "stop", "m"))
    assert replies.get("key") == reply
    assert replies.get("other") is None
    assert len(replies) == 1
    assert Replies(tmp_path).get("key") == reply


def test_equal_requests_have_equal_keys() -> None:
    assert request_key("m", Request(prompt="x")) == request_key("m", Request(prompt="x"))
    others = {request_key("m", Request(prompt="x", seed=seed)) for seed in range(5)}
    assert len(others | {request_key("n", Request(prompt="x"))}) == 6


def test_nothing_that_was_kept_is_lost_by_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    process.wait()
    process.stdout.close()
    told = [int(line) for line in lines if line.endswith("\n")]
    replies = Replies(tmp_path)
    for number in told:
        found = replies.get(str(number))
        assert found is not None
        assert found.text == str(number)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(DataError, match=r"answers.sqlite is damaged"):
        Replies(tmp_path)
