"""What generators share that ask a language model: its settings, its cost, and rows made many at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from lookalike.backends.client.client import Ask, Client, Limits, run_rows
from lookalike.backends.client.replies import Replies
from lookalike.core.contracts import Budget, Method
from lookalike.core.dialogue import Backend
from lookalike.core.registry import configured

T = TypeVar("T")
R = TypeVar("R")
_TOLD_SECONDS = 1.0


def backend_of(settings: Mapping[str, Any], place: str) -> Backend:
    """Return a configured backend.

    Raises:
        ValueError: There is no such backend, or it refuses a setting.
    """
    options = dict(settings)
    backend: Backend = configured("backends", str(options.pop("use", "")), options, place)
    return backend


class Asking(Method):
    """Settings of a generator that asks a language model."""

    rows_per_shard: ClassVar[int] = 2000
    waits: ClassVar[bool] = True

    backend: dict[str, Any] = Field(description="What answers: {use: openai_compatible, url: ..., name: ...}, or echo.")
    fallback: dict[str, Any] | None = Field(
        default=None, description="What answers when the backend is given up, for example {use: local}; None = stop."
    )
    temperature: float = Field(default=1.0, ge=0, le=2, description="Higher = more varied and more often wrong.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Share of probability that tokens are drawn from.")
    max_tokens: int = Field(default=200, ge=1, description="Most tokens of one text.")
    limits: Limits = Field(default_factory=Limits, description="Requests at once, attempts, budget of tokens.")

    def server(self) -> Backend:
        """Return the configured backend.

        Raises:
            ValueError: There is no such backend, or it refuses a setting.
        """
        return backend_of(self.backend, "backend")

    def second(self) -> Backend | None:
        """Return what takes over when the backend is given up."""
        return None if self.fallback is None else backend_of(self.fallback, "fallback")

    def client(self, replies: Replies) -> Client:
        """Return what asks the backend, and the fallback when that is given up."""
        return Client(self.server(), replies, self.limits, self.second())

    def cost_of(self, answers: Path) -> dict[str, float]:
        """Return what the answers in a folder have cost: requests, tokens and, with prices, money."""
        replies = Replies(answers)
        try:
            tokens_in, tokens_out = replies.tokens()
            money = self.limits.cost(tokens_in, tokens_out)
            return {"requests": len(replies), "tokens_in": tokens_in, "tokens_out": tokens_out, "money": money}
        finally:
            replies.close()

    def ask_all(
        self,
        items: Iterable[T],
        make: Callable[[T, Ask], Awaitable[R]],
        answers: Path | None,
        counted: Callable[[R], tuple[int, int]] | None = None,
        tell: Callable[[int, Mapping[str, float]], None] | None = None,
    ) -> list[R]:
        """Make items that ask the model, many at once, and return them in order.

        Args:
            items: What to make.
            make: Makes one with the function that asks.
            answers: Existing folder that keeps the answers; None keeps them in memory.
            counted: Rows and unusable rows of one; one row each unless told.
            tell: Receives about once a second how many rows are made, and figures: unusable rows, tokens, money.

        Raises:
            BackendError: The server refused, or could not be reached.
            BudgetError: The budget is used up.
        """
        if answers is not None:
            answers.mkdir(parents=True, exist_ok=True)
        client, made = self.client(Replies(answers)), []
        rows, unusable, last = 0, 0, time.monotonic()
        try:
            for one in run_rows(items, make, client):
                made.append(one)
                more, bad = counted(one) if counted else (1, 0)
                rows, unusable = rows + more, unusable + bad
                if tell is not None and time.monotonic() - last > _TOLD_SECONDS:
                    last = time.monotonic()
                    tell(rows, {"unusable": unusable, **self._paid(client)})
            if tell is not None:
                tell(rows, {"unusable": unusable, **self._paid(client)})
        finally:
            client.replies.close()
        return made

    def _paid(self, client: Client) -> dict[str, float]:
        tokens = client.paid()
        priced = {"cost": self.limits.cost(*tokens)} if self.limits.price_in or self.limits.price_out else {}
        return {"tokens": float(sum(tokens)), **priced}


class FittedAsking:
    """What fitted generators share that ask a language model; each gives the settings and makes the rows."""

    spent: Budget | None = None
    _answers: Path | None = None
    _tell: Callable[[int, Mapping[str, float]], None] | None = None

    def remember(self, folder: Path, tell: Callable[[int, Mapping[str, float]], None] | None = None) -> None:
        """Keep answers in an existing folder, so that equal requests are never paid twice.

        Args:
            folder: Where.
            tell: Receives how many rows are made while they are.
        """
        self._answers, self._tell = folder, tell
