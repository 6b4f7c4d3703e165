"""Any server of OpenAI's wire format: OpenAI, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

import json
import math
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, final
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.backends.client.failures import Busy, Refused, Unreachable
from lookalike.backends.client.wire import body_of, reply_of
from lookalike.core.contracts import Method
from lookalike.core.dialogue import Capabilities, Reply, Request
from lookalike.core.errors import BackendError

_MOST_BYTES = 16 << 20
_SHOWN = 200
_SHAPE_WORDS = ("response_format", "json_schema", "schema", "grammar", "structured", "guided")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_LONGEST_WAIT = 600.0


@final
class OpenaiCompatible(Method):
    """Asks `chat/completions`, `completions` and `embeddings`; the key comes from the environment and is kept nowhere.

    Source: OpenAI API reference, as vLLM, Ollama and llama.cpp follow it.
    """

    url: str = Field(description="Where the server is, up to /v1, for example http://localhost:8080/v1.")
    name: str = Field(description="Name of the model, as the server knows it.")
    key_env: str = Field(default="OPENAI_API_KEY", description="Environment variable with the key; unset = no key.")
    timeout: float = Field(default=120, gt=0, description="Longest wait for one whole answer, in seconds.")
    insecure: bool = Field(
        default=False, description="Allow http to another machine: texts and key can be read by all."
    )
    chat: bool = Field(default=True, description="The model follows a conversation; false = it continues a text.")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url needs the form https://host/v1")
        if parts.username or parts.password:
            raise ValueError("url must hold no password; put the key into the environment variable key_env names")
        if parts.scheme == "http" and parts.hostname not in _LOCAL and not self.insecure:
            raise ValueError("url must start with https:// for another machine; or set insecure: true")
        return self

    @property
    def model(self) -> str:
        """Name of the model and where it answers."""
        return f"{self.url.rstrip('/')} {self.name}"

    def capabilities(self) -> Capabilities:
        """What this wire format can do; a server may refuse parts of it."""
        return Capabilities(chat=self.chat, complete=True, json_schema=True, logprobs=True, embeddings=True)

    def connect(self) -> AbstractAsyncContextManager[_Connection]:
        """Open a pool of connections.

        Raises:
            BackendError: The package aiohttp is not installed.
        """
        return _connected(self)


@asynccontextmanager
async def _connected(config: OpenaiCompatible) -> AsyncIterator[_Connection]:
    try:
        import aiohttp
    except ImportError:
        raise BackendError(
            "openai_compatible needs the package aiohttp, which is not installed; pip install 'lookalike[llm]'"
        ) from None
    key = os.environ.get(config.key_env, "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=config.timeout)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as session:
        yield _Connection(config, session, key)


@final
class _Connection:
    def __init__(self, config: OpenaiCompatible, session: Any, key: str) -> None:  # noqa: ANN401  an optional module
        self.config, self._session, self._key, self._shapes = config, session, key, True

    async def send(self, request: Request) -> Reply:
        body = body_of(self.config.name, request)
        path = "completions" if request.prompt else "chat/completions"
        if not self._shapes:
            body.pop("response_format", None)
        try:
            answer = await self._post(path, body)
        except Refused as error:
            # A server that cannot force the shape of an answer is asked without; the text is parsed either way.
            if "response_format" not in body or not any(word in str(error).casefold() for word in _SHAPE_WORDS):
                raise
            self._shapes = False
            return await self.send(request)
        try:
            return reply_of(answer, self.config.name)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError):
            raise Unreachable(f"{self.config.url} sent an answer without choices") from None

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        answer = await self._post("embeddings", {"model": self.config.name, "input": list(texts)})
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            return np.asarray([row["embedding"] for row in rows], dtype=np.float32)
        except (KeyError, TypeError, ValueError):
            raise Unreachable(f"{self.config.url} sent an answer without embeddings") from None

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  JSON
        import aiohttp

        url = f"{self.config.url.rstrip('/')}/{path}"
        # A lone surrogate cannot be sent as UTF-8; escaped it can.
        data = json.dumps(body, ensure_ascii=True).encode()
        try:
            async with self._session.post(
                url, data=data, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as response:
                content = await response.content.read(_MOST_BYTES)
                while not response.content.at_eof() and len(content) < _MOST_BYTES:
                    content += await response.content.read(_MOST_BYTES - len(content))
                status, wait = response.status, _wait(response.headers.get("Retry-After"))
        except TimeoutError:
            raise Unreachable(f"{url} did not answer within {self.config.timeout:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{url} cannot be reached: {self._clean(str(error) or type(error).__name__)}") from None
        if status != 200:
            self._refuse(url, status, content, wait)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise Unreachable(f"{url} sent an answer that is no JSON") from None

    def _refuse(self, url: str, status: int, content: bytes, wait: float) -> None:
        said = self._clean(_message(content))
        if status in (401, 403):
            raise Refused(
                f"{url} refused the key ({status}: {said}); put a valid key into the environment variable "
                f"{self.config.key_env}"
            )
        if status == 402 or "insufficient_quota" in content.decode(errors="replace"):
            raise Refused(f"{url} says the quota is used up ({status}: {said}); add credit, then run again")
        if status == 429:
            raise Busy(f"{url} has too much to do ({said})", wait)
        if status >= 500 or status == 408:
            raise Unreachable(f"{url} failed ({status}: {said})")
        raise Refused(f"{url} refused the request ({status}: {said}); check url, name and settings")

    def _clean(self, text: str) -> str:
        """Return a text for a message: one line, short, without the key."""
        text = text.replace(self._key, "***") if self._key else text
        text = "".join(c if c.isprintable() else " " for c in text)
        return " ".join(text.split())[:_SHOWN] or "no reason given"


def _message(content: bytes) -> str:
    text = content.decode(errors="replace")
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return text


def _wait(header: str | None) -> float:
    """Return the seconds that a Retry-After header asks for: a number, or a date."""
    if not header:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(0.0, seconds), _LONGEST_WAIT) if math.isfinite(seconds) else 0.0
