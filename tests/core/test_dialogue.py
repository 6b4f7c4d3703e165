"""Requests and replies are values: equal when their parts are, and never changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from lookalike.core.dialogue import Message, Request


def test_requests_are_values() -> None:
    one = Request(messages=(Message("user", "hello"),), seed=3)
    assert one == Request(messages=(Message("user", "hello"),), seed=3)
    assert one != Request(messages=(Message("user", "hello"),), seed=4)
    with pytest.raises(FrozenInstanceError):
        one.seed = 4  # type: ignore[misc]
