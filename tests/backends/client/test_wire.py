"""Requests and replies in OpenAI's wire format, both layouts of probabilities."""

from __future__ import annotations

import pytest

from lookalike.backends.client.wire import body_of, reply_of
from lookalike.core.dialogue import Message, Request


def test_bodies() -> None:
    plain = body_of("m", Request(prompt="p", stop=("\n",), logprobs=3))
    assert (plain["prompt"], plain["stop"], plain["logprobs"]) == ("p", ["\n"], 3)
    told = body_of("m", Request(messages=(Message("user", "hi"),), logprobs=3, json_schema={"type": "object"}))
    assert told["messages"] == [{"role": "user", "content": "hi"}]
    assert (told["logprobs"], told["top_logprobs"]) == (True, 3)
    assert told["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_both_layouts_of_probabilities_are_read() -> None:
    new = {"content": [{"token": "a", "logprob": -1.0, "top_logprobs": [{"token": "a", "logprob": -1.0}]}]}
    old = {"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": [{"a": -1.0}]}
    replies = [reply_of({"choices": [{"text": "a", "finish_reason": "stop", "logprobs": p}]}, "m") for p in (new, old)]
    assert replies[0] == replies[1]
    assert replies[0].logprobs[0].top == {"a": -1.0}
    with pytest.raises(IndexError):
        reply_of({"choices": []}, "m")
