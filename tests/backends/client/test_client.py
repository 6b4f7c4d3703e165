"""The client against a real server that refuses, breaks off, drips, and is killed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.backends.fake_server import FakeServer, serving

from lookalike.backends.client.client import Client, Limits, run_rows
from lookalike.backends.client.replies import Replies
from lookalike.backends.echo import Echo
from lookalike.backends.openai_compatible import OpenaiCompatible
from lookalike.core.dialogue import Message, Request
from lookalike.core.errors import BackendError, BudgetError

pytest.importorskip("aiohttp")
KEY = "sk-very-secret"


def _request(number: int) -> Request:
    return Request(messages=(Message("user", f"row {number}"),))


async def _make(number: int, ask: Any) -> str:
    return f"{number}: {(await ask(_request(number))).text}"


def _client(server: FakeServer, folder: Path | None = None, timeout: float = 5, **limits: Any) -> Client:
    backend = OpenaiCompatible(url=server.url, name="fake", timeout=timeout)
    return Client(backend, Replies(folder), Limits(**{"pause": 0.01, **limits}))


def test_rows_come_in_order_and_are_paid_once(tmp_path: Path) -> None:
    with serving(FakeServer(answer=lambda n, body: body["messages"][0]["content"])) as server:
        for _ in range(2):
            client = _client(server, tmp_path)
            assert list(run_rows(range(50), _make, client)) == [f"{n}: row {n}" for n in range(50)]
    assert server.received == 50
    assert client.usage.kept == 50
    assert client.usage.sent == 0


def test_equal_requests_at_once_are_one_call() -> None:
    with serving(FakeServer(latency=0.05)) as server:
        client = _client(server)
        assert len(set(run_rows([7] * 20, _make, client))) == 1
    assert server.received == 1


@pytest.mark.parametrize("capacity", [8, 24])
def test_a_storm_of_refusals_settles_near_the_hidden_capacity(capacity: int) -> None:
    with serving(FakeServer(capacity=capacity, latency=0.1)) as server:
        client = _client(server)
        rows = 25 * capacity
        assert len(list(run_rows(range(rows), _make, client))) == rows
    # Little's law: in flight = requests per second x seconds of one, as measured, for a busy machine sleeps longer.
    later, took = server.ended[rows // 2 : -capacity], server.took[rows // 2 : -capacity]
    flying = (len(later) - 1) / (later[-1] - later[0]) * sum(took) / len(took)
    assert 0.8 * capacity <= flying <= 1.2 * capacity
    assert server.busy < 0.25 * rows


def test_retry_after_is_honoured() -> None:
    with serving(FakeServer(capacity=1, latency=0.05, retry_after="0.4")) as server:
        started = time.monotonic()
        assert len(list(run_rows(range(2), _make, _client(server)))) == 2
        assert time.monotonic() - started >= 0.4
        assert server.received == 3


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"error": {"message": f"bad key {KEY}"}}, r"refused the key \(401: bad key \*\*\*\); put a valid key"),
        (403, {"error": "no"}, "refused the key"),
        (429, {"error": {"code": "insufficient_quota", "message": "pay"}}, "quota is used up"),
        (404, {"error": {"message": "no such model"}}, r"refused the request \(404: no such model\)"),
    ],
)
def test_refusals_stop_at_once_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int, body: Any, message: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(FakeServer(latency=0.01, answer=lambda n, _: (status, body))) as server:
        with pytest.raises(BackendError, match=message) as error:
            list(run_rows(range(10_000), _make, _client(server, tmp_path)))
        assert server.received < 100
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(error.value)


def test_the_key_is_written_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(FakeServer()) as server:
        client = _client(server, tmp_path)
        list(run_rows(range(3), _make, client))
        client.replies.close()
    assert KEY not in repr(client.backend)
    assert KEY not in client.backend.model
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["disconnect", "drip", (500, {"error": "oops"}), (200, ["no choices"])])
def test_broken_transport_is_tried_again(fault: Any) -> None:
    with serving(FakeServer(answer=lambda n, _: fault if n % 3 == 0 else "fine")) as server:
        client = _client(server, timeout=0.3)
        assert [row.split(": ")[1] for row in run_rows(range(12), _make, client)] == ["fine"] * 12
    assert client.usage.failed >= 3


def test_a_server_that_only_fails_is_given_up() -> None:
    with serving(FakeServer(answer=lambda n, _: "disconnect")) as server:
        with pytest.raises(BackendError, match=r"cannot be reached.*attempts failed, .*; check the server"):
            list(run_rows(range(100), _make, _client(server, attempts=3)))
    assert server.received < 300


def test_a_server_that_fails_often_is_given_up_over_a_window() -> None:
    with serving(FakeServer(answer=lambda n, _: "fine" if n % 5 in (0, 1) else (500, {}))) as server:
        client = _client(server, at_once=4, attempts=20, failures=1000, window=20, pause=0)
        with pytest.raises(BackendError, match=r"attempts failed, \d+ of the last 20 of all"):
            list(run_rows(range(500), _make, client))
        assert server.received < 40
        patient = _client(server, at_once=4, attempts=20, failures=1000, window=20, pause=0, error_rate=0.9)
        assert len(list(run_rows(range(30), _make, patient))) == 30


@pytest.mark.parametrize("fault", [(500, {}), (401, {}), (402, {})])
def test_a_fallback_takes_over_and_its_answers_are_kept_too(tmp_path: Path, fault: Any) -> None:
    with serving(FakeServer(answer=lambda n, _: "first" if n < 20 else fault)) as bad, serving(FakeServer()) as good:

        def client() -> Client:
            first = _client(bad, tmp_path, at_once=4, attempts=3)
            second = OpenaiCompatible(url=good.url, name="second")
            return Client(first.backend, first.replies, first.limits, second)

        made = list(run_rows(range(100), _make, client()))
        assert len(made) == 100
        assert sum(row.endswith("first") for row in made) == 20
        assert good.received == 80
        received = bad.received
        assert list(run_rows(range(100), _make, client())) == made
    assert (bad.received, good.received) == (received, 80)


def test_nothing_listens() -> None:
    backend = OpenaiCompatible(url="http://127.0.0.1:1/v1", name="x")
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:1/v1/chat/completions cannot be reached"):
        list(run_rows([1], _make, Client(backend, Replies(None), Limits(attempts=2, pause=0))))


def test_the_budget_stops_and_keeps_what_was_paid(tmp_path: Path) -> None:
    with serving(FakeServer()) as server:
        client = _client(server, tmp_path, tokens=80, at_once=1)
        with pytest.raises(BudgetError, match=r"limits.tokens=80 is used up .80 paid by this run.*raise it"):
            list(run_rows(range(100), _make, client))
        assert len(client.replies) == 10
        before = server.received
        list(run_rows(range(10), _make, _client(server, tmp_path)))
        assert server.received == before
        # The budget is that of the run: another client on the same answers has nothing left to spend.
        with pytest.raises(BudgetError, match=r"tokens=80 is used up .\d+ paid by this run"):
            list(run_rows(range(100), _make, _client(server, tmp_path, tokens=80)))
        with pytest.raises(BudgetError, match=r"limits.money=0.5 is used up .* paid"):
            list(run_rows(range(100), _make, _client(server, tmp_path, money=0.5, price_out=1e6)))
        assert server.received == before


def test_first_requests_share_one_connection() -> None:
    opened = 0

    class Counted(Echo):
        def connect(self) -> Any:
            nonlocal opened
            opened += 1
            return super().connect()

    list(run_rows(range(20), _make, Client(Counted(), Replies(None), Limits())))
    assert opened == 1


def test_a_million_planned_rows_take_no_memory() -> None:
    import itertools
    import tracemalloc

    with serving(FakeServer()) as server:
        tracemalloc.start()
        rows = run_rows(iter(range(1_000_000)), _make, _client(server))
        assert len(list(itertools.islice(rows, 20))) == 20
        rows.close()  # type: ignore[attr-defined]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20e6
    assert server.received < 1000
