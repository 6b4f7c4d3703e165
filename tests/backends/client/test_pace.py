"""The number in flight: cut once per burst, found again gently."""

from __future__ import annotations

import asyncio

import pytest

from lookalike.backends.client.pace import Pace


async def round_trip(pace: Pace) -> None:
    """Answer as many requests as there are places, while others wait."""
    tasks = [asyncio.create_task(pace.enter()) for _ in range(5 * int(pace.limit))]
    while not tasks[0].done():
        await asyncio.sleep(0)
    for place in [task.result() for task in tasks if task.done()]:
        pace.leave(place)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_only_the_first_refusal_of_a_burst_cuts() -> None:
    async def main() -> None:
        pace = Pace(64)
        pace.limit = 40.0
        places = [await pace.enter() for _ in range(40)]
        for place in places[20:]:
            pace.leave(place, refused=True)
        assert pace.limit == pytest.approx(18.9)
        for place in places[:20]:
            pace.leave(place, refused=True)
        assert pace.limit == pytest.approx(18.9)
        places = [await pace.enter() for _ in range(10)]
        pace.leave(places[-1], refused=True)
        assert pace.limit == pytest.approx(9.0)

    asyncio.run(main())


def test_it_doubles_until_the_first_refusal_and_then_probes() -> None:
    async def main() -> None:
        pace = Pace(1000)
        await round_trip(pace)
        assert pace.limit == 32.0
        pace.limit = 20.0
        for place in [await pace.enter() for _ in range(20)]:
            pace.leave(place, refused=place.level == 20)
        assert pace.limit == 18.0
        before = pace.limit
        for _ in range(3):
            await round_trip(pace)
        assert before < pace.limit < 20.0

    asyncio.run(main())


def test_places_go_to_those_who_wait_longest_and_first_to_those_who_come_again() -> None:
    async def main() -> None:
        pace, order = Pace(1), list[str]()

        async def one(name: str, again: bool) -> None:
            place = await pace.enter(again)
            order.append(name)
            pace.leave(place)

        held = await pace.enter()
        tasks = [asyncio.create_task(one(name, name == "again")) for name in ("first", "second", "again", "gone")]
        await asyncio.sleep(0)
        tasks[3].cancel()
        pace.leave(held)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == ["again", "first", "second"]
        assert pace.flying == 0

    asyncio.run(main())


def test_nobody_is_sent_while_the_server_asks_to_wait() -> None:
    async def main() -> None:
        pace, loop = Pace(4), asyncio.get_running_loop()
        begun = loop.time()
        pace.leave(await pace.enter(), refused=True, wait=0.2)
        await pace.enter()
        assert loop.time() - begun >= 0.19

    asyncio.run(main())


def test_a_request_that_is_cancelled_with_its_place_gives_it_back() -> None:
    async def main() -> None:
        pace = Pace(1)
        held = await pace.enter()
        task = asyncio.create_task(pace.enter())
        await asyncio.sleep(0)
        pace.leave(held)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert pace.flying == 0

    asyncio.run(main())
