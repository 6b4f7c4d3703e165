"""The wire format: what is sent, what is read, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import ValidationError
from tests.backends.fake_server import FakeServer, serving

from lookalike.backends.client.wire import _logprobs, body_of
from lookalike.backends.openai_compatible import OpenaiCompatible, _wait
from lookalike.core.dialogue import Message, Request


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://x/v1", "needs the form"),
        ("https:///v1", "needs the form"),
        ("http://example.org/v1", "must start with https"),
        ("https://me:secret@example.org/v1", "must hold no password"),
    ],
)
def test_an_unsafe_url_is_refused(url: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OpenaiCompatible(url=url, name="x")


def test_plain_http_is_allowed_here_and_when_asked_for() -> None:
    assert OpenaiCompatible(url="http://localhost:1/v1", name="x").model == "http://localhost:1/v1 x"
    assert OpenaiCompatible(url="http://example.org/v1", name="x", insecure=True)


def test_what_is_sent() -> None:
    chat = body_of("m", Request(messages=(Message("user", "hi"),), json_schema={"type": "object"}, logprobs=2, seed=5))
    assert chat["messages"] == [{"role": "user", "content": "hi"}]
    assert chat["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert (chat["logprobs"], chat["top_logprobs"], chat["seed"]) == (True, 2, 5)
    plain = body_of("m", Request(prompt="once", stop=("###",), logprobs=1, echo=True))
    assert (plain["prompt"], plain["stop"], plain["logprobs"], plain["echo"]) == ("once", ["###"], 1, True)


def test_both_kinds_of_answer_are_read() -> None:
    seen: list[dict[str, Any]] = []

    def answer(number: int, body: dict[str, Any]) -> Any:
        seen.append(body)
        return ["cut", "length"] if "prompt" in body else "\ud83d half"

    async def main(url: str) -> None:
        async with OpenaiCompatible(url=url, name="m").connect() as server:
            first = await server.send(Request(messages=(Message("user", "x\ud800y"),)))
            assert (first.finish, first.tokens_in, first.tokens_out, first.model) == ("stop", 5, 3, "fake")
            assert (await server.send(Request(prompt="once"))).finish == "length"

    with serving(FakeServer(answer=answer)) as server:
        asyncio.run(main(server.url))
    assert seen[0]["messages"][0]["content"] == "x\ud800y"


def test_log_probabilities_of_both_kinds() -> None:
    chat = {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "a", "logprob": -0.5}]}]}
    plain = {"tokens": ["a"], "token_logprobs": [None], "top_logprobs": [{"b": -1.0}]}
    assert _logprobs(chat)[0].top == {"a": -0.5}
    assert _logprobs(plain)[0].logprob == 0.0
    assert _logprobs(plain)[0].top == {"b": -1.0}
    assert _logprobs(None) == ()


def test_retry_after_is_seconds_or_a_date() -> None:
    assert _wait("1.5") == 1.5
    assert _wait(None) == _wait("soon") == _wait("nan") == _wait("-3") == 0.0
    assert _wait("1e9") == 600.0
    assert 20 < _wait(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)) <= 30


def test_a_server_that_cannot_force_a_shape_is_asked_without() -> None:
    def answer(number: int, body: dict[str, object]) -> object:
        return (400, {"error": {"message": "response_format is not supported"}}) if "response_format" in body else "ok"

    async def ask(url: str) -> list[str]:
        async with OpenaiCompatible(url=url, name="m").connect() as connection:
            shaped = Request(messages=(Message("user", "x"),), json_schema={"type": "object"})
            return [(await connection.send(shaped)).text for _ in range(3)]

    with serving(FakeServer(answer=answer)) as server:
        assert asyncio.run(ask(server.url)) == ["ok"] * 3
        assert server.received == 4
