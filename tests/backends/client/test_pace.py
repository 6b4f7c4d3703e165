"""The number in flight: cut once per burst, found again gently."""

from __future__ import annotations

import asyncio

import pytest

from lookalike.backends.client.pace import Pace


def test_only_the_first_refusal_of_a_burst_cuts() -> None:
    async def main() -> None:
        pace = Pace(64)
        pace.limit = 40.0
        numbers = [await pace.enter() for _ in range(40)]
        for number in numbers:
            await pace.leave(number, refused=True)
        assert pace.limit == 36.0
        await pace.leave(await pace.enter(), refused=True)
        assert pace.limit == pytest.approx(32.4)

    asyncio.run(main())


def test_it_doubles_until_the_first_refusal_and_then_probes() -> None:
    async def round_trip(pace: Pace) -> None:
        for number in [await pace.enter() for _ in range(int(pace.limit))]:
            await pace.leave(number)

    async def main() -> None:
        pace = Pace(1000)
        await round_trip(pace)
        assert pace.limit >= 11.0
        pace.limit = 20.0
        await pace.leave(await pace.enter(), refused=True)
        assert pace.limit == 18.0
        before = pace.limit
        for _ in range(3):
            await round_trip(pace)
        assert before < pace.limit < 20.0

    asyncio.run(main())
