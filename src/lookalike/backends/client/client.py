"""Asks a server: kept answers first, then at the server's pace, again when the transport failed, within a budget."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self, TypeVar, final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookalike.backends.client.failures import Busy, Refused, Unreachable
from lookalike.backends.client.pace import Pace
from lookalike.backends.client.replies import Replies, request_key
from lookalike.core.dialogue import Backend, Reply, Request, Server
from lookalike.core.errors import BackendError, BudgetError
from lookalike.core.rng import Rng

T = TypeVar("T")
R = TypeVar("R")
Ask = Callable[[Request], Awaitable[Reply]]


class Limits(BaseModel):
    """What a run may ask of a server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_once: int = Field(default=64, ge=1, le=4096, description="Most requests in flight; fewer are found by trying.")
    attempts: int = Field(default=5, ge=1, le=20, description="Attempts of one request when the transport fails.")
    pause: float = Field(
        default=0.1,
        ge=0,
        description="Longest first pause between attempts, in seconds; each later one is three times as long.",
    )
    failures: int = Field(
        default=20, ge=1, description="Stop when so many requests in a row have failed at the transport."
    )
    error_rate: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Give a server up when this share of its last `window` attempts has failed.",
    )
    window: int = Field(default=50, ge=2, description="Attempts that error_rate is counted over.")
    tokens: int | None = Field(
        default=None,
        ge=1,
        description="Stop when the run has paid so many tokens, kept answers included; None = no limit.",
    )
    money: float | None = Field(
        default=None, gt=0, description="Stop when the run has cost so much, by the two prices; None = no limit."
    )
    price_in: float = Field(default=0.0, ge=0, description="Price of a million tokens of requests, in your currency.")
    price_out: float = Field(default=0.0, ge=0, description="Price of a million tokens of answers.")

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.money is not None and not self.price_in and not self.price_out:
            raise ValueError("money needs price_in or price_out, the prices of a million tokens")
        return self

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Return what so many tokens cost."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


@dataclass
class Usage:
    """What a client has done.

    Attributes:
        asked: Calls of `ask`.
        kept: Of them, answered from the kept answers.
        sent: Attempts made.
        refused: Attempts that the server had no room for.
        failed: Attempts that failed at the transport.
        tokens_in: Tokens of the requests that were paid.
        tokens_out: Tokens of the answers that were paid.
    """

    asked: int = 0
    kept: int = 0
    sent: int = 0
    refused: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


@final
class Client:
    """Asks one server.

    Args:
        backend: What answers.
        replies: Where answers are kept.
        limits: What may be asked.
        fallback: What answers from the moment the first server is given up; None = the run stops.
    """

    def __init__(self, backend: Backend, replies: Replies, limits: Limits, fallback: Backend | None = None) -> None:
        """Open nothing yet."""
        self.backend, self.replies, self.limits, self._fallback = backend, replies, limits, fallback
        self._names = [one.model for one in (backend, fallback) if one is not None]
        self.usage = Usage()
        self._pace = Pace(limits.at_once)
        self._recent: deque[bool] = deque(maxlen=limits.window)
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._in_a_row = 0
        self._ended: BackendError | None = None
        self._stack = AsyncExitStack()
        self._server: Server | None = None
        self._opening = asyncio.Lock()
        self._before = replies.tokens()

    async def __aenter__(self) -> Client:
        """Connect when the first request that is not kept is asked."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self._stack.aclose()

    async def ask(self, request: Request) -> Reply:
        """Return the answer of a request; equal requests are sent once.

        Raises:
            BackendError: The server refused, or could not be reached.
            BudgetError: The budget of tokens is used up, or the disk is full.
        """
        self.usage.asked += 1
        keys = {name: request_key(name, request) for name in self._names}
        for key in keys.values():
            kept = self.replies.get(key)
            if kept is not None:
                self.usage.kept += 1
                return kept
        key = keys[self._names[0]]
        if key in self._waiting:
            self.usage.kept += 1
            return await asyncio.shield(self._waiting[key])
        future = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            name, reply = await self._send(key, request)
            self.replies.put(keys[name], reply)
            future.set_result(reply)
            return reply
        except BaseException as error:
            future.set_exception(error)
            future.exception()
            raise
        finally:
            del self._waiting[key]

    async def _send(self, key: str, request: Request) -> tuple[str, Reply]:
        """Return the name of the model that answered, and its answer."""
        draw, attempt, again = Rng(0).child(f"pause {key}").numpy(), 0, False
        while True:
            # The connection first: while it waits, the backend may change.
            server = await self._connected()
            backend, pace = self.backend, self._pace
            place, refused, wait = await pace.enter(again), False, 0.0
            again = True
            try:
                # Only now: others may have spent the rest while this one waited for its place.
                self._within_budget()
                if self._ended is not None:
                    raise self._ended
                self.usage.sent += 1
                reply = await server.send(request)
                self._in_a_row = 0
                self._recent.append(False)
                self.usage.tokens_in += reply.tokens_in
                self.usage.tokens_out += reply.tokens_out
                return backend.model, reply
            except Busy as error:
                self.usage.refused += 1
                refused, wait = True, error.wait
            except Refused:
                if not self._give_up(backend):
                    raise
                attempt = 0
                continue
            except Unreachable as error:
                attempt += 1
                if self._failed(attempt):
                    if not self._give_up(backend):
                        raise self._end(error, attempt) from None
                    attempt = 0
                    continue
            finally:
                pace.leave(place, refused, wait)
            await asyncio.sleep(self.limits.pause * 3 ** max(0, attempt - 1) * draw.random())

    def _failed(self, attempt: int) -> bool:
        """Count a failed attempt, and say whether the server is to be given up."""
        limits = self.limits
        self.usage.failed += 1
        self._in_a_row += 1
        self._recent.append(True)
        often = len(self._recent) == limits.window and sum(self._recent) >= limits.error_rate * limits.window
        return attempt >= limits.attempts or self._in_a_row >= limits.failures or often

    def _give_up(self, backend: Backend) -> bool:
        """Go over to the fallback, if there is one; requests that were under way at the first server follow."""
        if self._fallback is None:
            # Somebody else has gone over already: this request was sent before.
            return backend is not self.backend
        self.backend, self._fallback, self._server = self._fallback, None, None
        self._pace, self._in_a_row = Pace(self.limits.at_once), 0
        self._recent.clear()
        return True

    def _end(self, error: BackendError, attempt: int) -> BackendError:
        # The rows that wait learn of it before they send anything more.
        share = f", {sum(self._recent)} of the last {len(self._recent)} of all" if len(self._recent) > 1 else ""
        self._ended = BackendError(
            f"{error}; {attempt} attempts failed{share}; check the server, then run the same command again: "
            "answers that came are kept"
        )
        return self._ended

    async def _connected(self) -> Server:
        """Return the connection, opened by whoever comes first."""
        async with self._opening:
            if self._server is None:
                self._server = await self._stack.enter_async_context(self.backend.connect())
            return self._server

    def at_once(self) -> int:
        """Return how many requests may be in flight now."""
        return int(self._pace.limit)

    def paid(self) -> tuple[int, int]:
        """Return the tokens of requests and of answers that were paid, by earlier attempts at this run too."""
        return self._before[0] + self.usage.tokens_in, self._before[1] + self.usage.tokens_out

    def _within_budget(self) -> None:
        limits, kept = self.limits, "answers are kept: raise it and run the same command again"
        paid = self.paid()
        if limits.tokens is not None and sum(paid) >= limits.tokens:
            raise BudgetError(f"limits.tokens={limits.tokens:,} is used up ({sum(paid):,} paid by this run); {kept}")
        cost = limits.cost(*paid)
        if limits.money is not None and cost >= limits.money:
            raise BudgetError(f"limits.money={limits.money:g} is used up ({cost:.4g} paid by this run); {kept}")


def run_rows(
    rows: Iterable[T], make: Callable[[T, Ask], Awaitable[R]], client: Client, window: int | None = None
) -> Iterator[R]:
    """Make rows that ask a server, many at once, and yield them in order.

    Args:
        rows: What to make; read as it is needed, so that a million planned rows take no memory.
        make: Makes one row with the function that asks.
        client: Asks.
        window: Rows begun and not yet yielded at most; None = sixteen times the requests that may be in flight, so
            that a row that is tried again does not hold up the others.

    Raises:
        BackendError, BudgetError: What the first failing row raised; rows before it were yielded.
    """
    runner = asyncio.Runner()
    waiting: deque[asyncio.Task[Any]] = deque()
    try:
        loop, source = runner.get_loop(), iter(rows)
        while True:
            # As many as the pace can use: a thousand rows begun at once would delay the first requests.
            most = window or _AHEAD * client.at_once()
            for row in islice(source, max(0, most - len(waiting))):
                waiting.append(loop.create_task(_made(make, row, client)))
            if not waiting:
                break
            runner.run(_until_done(waiting[0]))
            while waiting and waiting[0].done():
                yield waiting.popleft().result()
    finally:
        runner.run(_ended(waiting, client))
        runner.close()


_AHEAD = 16


async def _made(make: Callable[[T, Ask], Awaitable[R]], row: T, client: Client) -> R:
    return await make(row, client.ask)


async def _ended(waiting: Iterable[asyncio.Task[Any]], client: Client) -> None:
    tasks = list(waiting)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.__aexit__()


async def _until_done(task: asyncio.Task[R]) -> None:
    await asyncio.wait([task])
