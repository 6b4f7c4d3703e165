"""Rows from seeds: a bad answer is asked for once more, faults become reasons, seeds take turns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.backends.fake_server import FakeServer, serving

from lookalike.backends.client.client import Ask
from lookalike.backends.client.seeded import Fault, Row, Seeded
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema

DATA = Corpus.of(["a", "b", "c", "d"], [0, 0, 0, 1], text_schema(["x", "y"]))


class Upper(Seeded):
    """Asks for a word about a seed."""

    strings: ClassVar[tuple[str, ...]] = ("seed",)

    async def row(self, seed: str, others: Sequence[str], rng: Rng, ask: Ask) -> Row:
        """Make one row."""
        if seed == "c":
            raise Fault(f"c is one of {len(others)}")
        found = await self.told("system", seed, ("word",), rng, ask)
        return Row(found["word"], {"seed": seed})


def test_a_bad_answer_is_asked_for_once_more_and_faults_are_reasons() -> None:
    def answer(number: int, body: dict[str, Any]) -> Any:
        messages = body["messages"]
        if messages[1]["content"] == "b":
            return '{"other": 1}'
        return "nothing" if len(messages) == 2 else json.dumps({"word": messages[1]["content"] * 3})

    with serving(FakeServer(answer=answer)) as server:
        backend = {"use": "openai_compatible", "url": server.url, "name": "m"}
        fitted = Upper(backend=backend).fit(DATA, Rng(0), SILENT)
        made = fitted.sample(8, Rng(1), {"label": ["x"] * 6 + ["y"] * 2})
    assert Counter(made.column("seed")) == {"a": 2, "d": 2, "": 4}
    assert Counter(made.problems().values()) == {"answer: no key word": 2, "answer: c is one of 3": 2}
    assert set(made.texts()) == {"aaa", "ddd", ""}


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    config = Upper(backend={"use": "echo"})
    with pytest.raises(DataError, match="no text to make rows from"):
        config.fit(Corpus.empty(text_schema([])), Rng(0), SILENT)
    lone = config.fit(DATA.take([3]), Rng(0), SILENT)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="class 'x' has no training text"):
        lone.sample(1, Rng(0), {"label": "x"})
    with pytest.raises(DataError, match="holds no seeds"):
        config.load(tmp_path)
    with pytest.raises(ValueError, match="follows instructions"):
        Upper(backend={"use": "openai_compatible", "url": "http://localhost:1/v1", "name": "m", "chat": False})
