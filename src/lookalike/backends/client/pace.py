"""How many requests a server gets at once: found by trying, lowered by refusals, per server."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple, final

_CUT = 0.9
_START = 16
_PROBE = 0.05


class Place(NamedTuple):
    """A request's place: how many were sent up to it, and how many were in flight with it."""

    number: int
    level: int


@final
class Pace:
    """A limit on the requests in flight that grows with success and is cut by refusals.

    Until the first refusal the limit grows by one per answer, so that it doubles every round trip. A refusal cuts it to
    a tenth below the level that was refused, once: those of requests that were sent before a cut do not cut again,
    since they speak of the old level. Then it grows by one per round trip up to just below the level that was refused,
    and by one per twenty from there on.

    Args:
        most: Upper bound of the limit, at least 1.

    Source: Chiu and Jain 1989, doi:10.1016/0169-7552(89)90019-6 (additive increase, multiplicative decrease); Allman et
        al. 2009, RFC 5681 (slow start up to a threshold).
    """

    def __init__(self, most: int) -> None:
        """Start low."""
        self.most = most
        self.limit = float(min(_START, most))
        self.flying = 0
        self._refused = float(most)
        self._known = False
        self._sent = 0
        self._cut_at = -1
        self._queue: deque[asyncio.Future[Place]] = deque()
        self._open_at = 0.0

    async def enter(self, again: bool = False) -> Place:
        """Wait for a place, first come, first served.

        Args:
            again: The request was sent before: it goes first, since rows behind it wait for it.
        """
        place: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        if again:
            self._queue.appendleft(place)
        else:
            self._queue.append(place)
        self._admit()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.flying -= 1
                self._admit()
            raise

    def leave(self, place: Place, refused: bool = False, wait: float = 0.0) -> None:
        """Give the place back.

        Args:
            place: What `enter` returned.
            refused: The server had too much to do.
            wait: Seconds during which nothing shall be sent.
        """
        if refused:
            if place.number > self._cut_at:
                # The level, not the limit: while the limit doubles, much of it has not been tried.
                self._known, self._refused = True, float(place.level)
                self.limit = max(1.0, place.level * _CUT)
                self._cut_at = self._sent
            self._pause(wait)
        # A limit that is not reached has not been tried: it does not grow.
        elif self.flying >= int(self.limit):
            below = self.limit < self._refused - 1
            step = 1.0 if not self._known else (1.0 if below else _PROBE) / self.limit
            self.limit = min(float(self.most), self.limit + step)
        self.flying -= 1
        self._admit()

    def _pause(self, wait: float) -> None:
        loop = asyncio.get_running_loop()
        if wait > 0 and loop.time() + wait > self._open_at:
            self._open_at = loop.time() + wait
            loop.call_at(self._open_at, self._admit)

    def _admit(self) -> None:
        """Give free places to those who have waited longest: each is woken once, when its turn has come."""
        if self._open_at > asyncio.get_running_loop().time():
            return
        while self._queue and self.flying < int(self.limit):
            place = self._queue.popleft()
            if not place.done():
                self.flying += 1
                self._sent += 1
                place.set_result(Place(self._sent, self.flying))
