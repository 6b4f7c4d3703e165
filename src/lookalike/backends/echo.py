"""A model that answers by rule: for tests, and for trying a recipe without a server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.dialogue import Capabilities, Reply, Request
from lookalike.core.rng import Rng
from lookalike.core.store import digest

_DIMENSION = 64


@final
class Echo(Method):
    """Gives one of some answers, chosen by a hash of the request; nothing is sent anywhere.

    `{key}` in an answer becomes eight hexadecimal digits of that hash, so that answers differ.
    """

    answers: tuple[str, ...] = Field(
        default=('{"text": "sample {key}"}',), min_length=1, description="What it can say; {key} makes it differ."
    )

    @property
    def model(self) -> str:
        """Name of the model with a hash of its answers."""
        return f"echo-{digest(list(self.answers))[:8]}"

    def capabilities(self) -> Capabilities:
        """Chat, plain completion and embeddings."""
        return Capabilities(chat=True, complete=True, embeddings=True)

    def connect(self) -> AbstractAsyncContextManager[_Rule]:
        """Open nothing."""
        return _connected(self)


@asynccontextmanager
async def _connected(config: Echo) -> AsyncIterator[_Rule]:
    yield _Rule(config)


@final
class _Rule:
    def __init__(self, config: Echo) -> None:
        self.config = config

    async def send(self, request: Request) -> Reply:
        key = digest([str(request)])
        answers = self.config.answers
        text = answers[int(key[:8], 16) % len(answers)].replace("{key}", key[8:16])
        words = sum(len(message.content.split()) for message in request.messages) + len(request.prompt.split())
        return Reply(text, "stop", self.config.model, words, len(text.split()))

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = [
            Rng(int(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8], 16))
            .numpy()
            .standard_normal(_DIMENSION)
            for text in texts
        ]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), _DIMENSION)
