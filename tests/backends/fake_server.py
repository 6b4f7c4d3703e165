"""A real server on a real socket that behaves as badly as it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web


class FakeServer:
    """Answers chat and plain completions.

    Args:
        capacity: Requests in flight beyond this get 429.
        latency: Seconds of one answer.
        answer: (number of the request, its body) -> text, or (status, body) for a refusal, or "disconnect", "drip".
        retry_after: Sent with 429.
    """

    def __init__(
        self,
        capacity: int = 10_000,
        latency: float = 0.0,
        answer: Callable[[int, dict[str, Any]], Any] = lambda number, body: f"answer {number}",
        retry_after: str = "",
    ) -> None:
        self.capacity, self.latency, self.answer, self.retry_after = capacity, latency, answer, retry_after
        self.flying = self.most = self.received = self.busy = 0
        self.ended: list[float] = []
        self.took: list[float] = []
        self.seen: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number, self.received = self.received, self.received + 1
        self.headers.append(dict(request.headers))
        if self.flying >= self.capacity:
            self.busy += 1
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers=headers)
        self.flying += 1
        self.most = max(self.most, self.flying)
        started = asyncio.get_running_loop().time()
        try:
            await asyncio.sleep(self.latency)
            made = self.answer(number, body)
        finally:
            self.flying -= 1
            self.ended.append(asyncio.get_running_loop().time())
            self.took.append(self.ended[-1] - started)
        self.seen[json.dumps(body, sort_keys=True)] += 1
        if made == "disconnect":
            response = web.StreamResponse(headers={"Content-Length": "500"})
            await response.prepare(request)
            await response.write(b'{"choices": [')
            assert request.transport is not None
            request.transport.close()
            return response
        if made == "drip":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(1000):
                await response.write(b" ")
                await asyncio.sleep(0.05)
            return response
        if isinstance(made, tuple):
            return web.json_response(made[1], status=made[0])
        text, finish = made if isinstance(made, list) else (made, "stop")
        said = {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 5, "completion_tokens": 3}
        return web.json_response({"model": "fake", "choices": [{**said, "finish_reason": finish}], "usage": usage})


@contextmanager
def serving(server: FakeServer) -> Iterator[FakeServer]:
    """Run a server in a thread of its own."""
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/{path:.*}", server.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    def main() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
