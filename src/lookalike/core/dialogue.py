"""What is said to a language model and what comes back: requests, replies, and the protocol of whatever answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "other"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Request:
    """One call of a language model; equal requests have equal keys and are paid once.

    Attributes:
        messages: The conversation, for a chat call; empty for a plain completion.
        prompt: The text to continue, for a plain completion; empty for a chat call.
        max_tokens: Most tokens of the answer, at least 1.
        temperature: 0 = most probable token.
        top_p: Nucleus, above 0 and at most 1.
        stop: Texts that end the answer; they are not part of it.
        seed: Seed for the server's sampling, where it takes one; two calls that differ in it alone are two draws.
        json_schema: JSON schema that the answer must meet, for servers that can enforce one.
        logprobs: Number of alternatives per token to return, 0 = none.
        echo: Also return the log-probabilities of the prompt's tokens (plain completions only).
    """

    messages: tuple[Message, ...] = ()
    prompt: str = ""
    max_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 0
    json_schema: Mapping[str, Any] | None = None
    logprobs: int = 0
    echo: bool = False


@dataclass(frozen=True)
class TokenProbability:
    """A token, its natural log-probability, and those of the most probable alternatives at its place."""

    token: str
    logprob: float
    top: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        text: The answer.
        finish: Why it ended: "length" means cut off, and is a failure for whoever wants a whole answer.
        model: Name of the model that answered.
        tokens_in: Tokens of the request, as the server counts them.
        tokens_out: Tokens of the answer.
        logprobs: One entry per token of the answer, when asked for.
    """

    text: str
    finish: Finish
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    logprobs: tuple[TokenProbability, ...] = ()


@dataclass(frozen=True)
class Capabilities:
    """What a server can do."""

    chat: bool = False
    complete: bool = False
    json_schema: bool = False
    logprobs: bool = False
    embeddings: bool = False


class Server(Protocol):
    """An open connection to whatever answers."""

    async def send(self, request: Request) -> Reply:
        """Make one attempt.

        Raises:
            BackendError: The attempt failed; its class says whether another attempt can help.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one vector per text, [N, D]."""
        ...


class Backend(Protocol):
    """A frozen config of something that answers."""

    @property
    def model(self) -> str:
        """Name of the model, part of the key of every request."""
        ...

    def capabilities(self) -> Capabilities:
        """Say what can be asked."""
        ...

    def connect(self) -> AbstractAsyncContextManager[Server]:
        """Open a connection; secrets are read from the environment here and kept nowhere."""
        ...
