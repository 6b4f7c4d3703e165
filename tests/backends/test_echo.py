"""The model that answers by rule."""

from __future__ import annotations

import asyncio

import numpy as np

from lookalike.backends.echo import Echo
from lookalike.core.dialogue import Request


def test_equal_requests_get_equal_answers() -> None:
    async def main() -> None:
        backend = Echo(answers=("a {key}", "b {key}"))
        async with backend.connect() as server:
            found = [(await server.send(Request(prompt="x", seed=seed))).text for seed in (1, 1, 2, 3, 4, 5)]
            assert found[0] == found[1]
            assert len(set(found)) == 5
            assert {text[0] for text in found} == {"a", "b"}
            rows = await server.embed(["a", "b", "a"])
            assert rows.shape == (3, 64)
            assert np.array_equal(rows[0], rows[2])
            assert not np.array_equal(rows[0], rows[1])

    asyncio.run(main())
    assert Echo().model != Echo(answers=("x",)).model
    assert asyncio.run(_first()) == '{"text": "sample'


async def _first() -> str:
    async with Echo().connect() as server:
        return (await server.send(Request(prompt="x"))).text.rsplit(" ", 1)[0]
