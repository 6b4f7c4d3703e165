"""How many requests a server gets at once: found by trying, lowered by refusals, per server."""

from __future__ import annotations

import asyncio
from typing import final

_CUT = 0.9
_START = 8
_PROBE = 0.05


@final
class Pace:
    """A limit on the requests in flight that grows with success and is cut by refusals.

    Until the first refusal the limit grows by one per answer, so that it doubles every round trip. A refusal cuts it by
    a tenth, once: those of requests that were sent before the cut do not cut it again, since they speak of the old
    level. Then it grows by one per round trip up to just below the level that was refused, and by one per twenty from
    there on.

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
        self._free = asyncio.Condition()
        self._open_at = 0.0

    async def enter(self) -> int:
        """Wait for a place, and return the number of this request."""
        loop = asyncio.get_running_loop()
        async with self._free:
            while True:
                pause = self._open_at - loop.time()
                if pause > 0:
                    self._free.release()
                    try:
                        await asyncio.sleep(pause)
                    finally:
                        await self._free.acquire()
                    continue
                if self.flying < int(self.limit):
                    break
                await self._free.wait()
            self.flying += 1
            self._sent += 1
            return self._sent

    async def leave(self, number: int, refused: bool = False, wait: float = 0.0) -> None:
        """Give the place back.

        Args:
            number: What `enter` returned.
            refused: The server had too much to do.
            wait: Seconds during which nothing shall be sent.
        """
        async with self._free:
            if refused:
                if number > self._cut_at:
                    self._known, self._refused = True, self.limit
                    self.limit = max(1.0, self.limit * _CUT)
                    self._cut_at = self._sent
                self._open_at = max(self._open_at, asyncio.get_running_loop().time() + wait)
            # Of answers that come together only the first finds every place taken.
            elif 2 * self.flying > int(self.limit):
                below = self.limit < self._refused - 1
                step = 1.0 if not self._known else (1.0 if below else _PROBE) / self.limit
                self.limit = min(float(self.most), self.limit + step)
            self.flying -= 1
            self._free.notify_all()
