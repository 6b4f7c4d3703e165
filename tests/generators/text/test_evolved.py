"""Operators are applied in turn, and every elimination rule eliminates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.backends.fake_server import FakeServer, serving

from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.generators.text.evolved import _OPERATORS, Evolved

SEEDS = [f"Explain how topic{n} works for people of age{n}" for n in range(8)]
DATA = Corpus.of(SEEDS, [0] * 8, text_schema([]))


def _made(instruction: Any, response: str = "It works well.", **options: Any) -> tuple[Corpus, list[str]]:
    asked: list[str] = []

    def answer(number: int, body: dict[str, Any]) -> str:
        user = body["messages"][1]["content"]
        if not user.startswith("Instruction:"):
            return response
        asked.append(user)
        return json.dumps({"instruction": instruction(number)})

    with serving(FakeServer(answer=answer)) as server:
        backend = {"use": "openai_compatible", "url": server.url, "name": "m"}
        fitted = Evolved(backend=backend, **options).fit(DATA, Rng(0), SILENT)
        return fitted.sample(8, Rng(1)), asked


def test_a_row_goes_through_its_operators_and_gets_a_response() -> None:
    made, asked = _made(lambda number: f"w{number} x{number} y{number}", depth=3)
    assert not made.problems()
    assert len(asked) == 24
    assert sorted(str(seed) for seed in made.column("seed")) == sorted(SEEDS)
    for used in made.column("operators"):
        assert len(str(used).split()) == 3
        assert set(str(used).split()) <= set(_OPERATORS)
    assert set(made.column("response")) == {"It works well."}
    assert all(any(text in user for user in asked) is False for text in made.texts())


def test_new_instructions_see_several_real_ones() -> None:
    _, asked = _made(lambda number: f"w{number} x{number}", depth=1, operators=["new"])
    assert all(user.count("Instruction:") >= 6 for user in asked)


@pytest.mark.parametrize(
    ("instruction", "response", "reason"),
    [
        ("...", "fine", "an empty instruction"),
        ("Do the rewritten prompt", "fine", "repeats words of the request"),
        ("Do this", "I'm sorry, as an AI I am not able to.", "the response is a refusal"),
        ("Do this", "?!", "the response says nothing"),
    ],
)
def test_elimination(instruction: str, response: str, reason: str) -> None:
    made, _ = _made(lambda number: instruction, response, depth=1)
    assert all(reason in problem for problem in made.problems().values())
    assert len(made.problems()) == 8


def test_an_instruction_that_did_not_change_is_eliminated() -> None:
    def same(number: int, body: dict[str, Any]) -> str:
        return json.dumps({"instruction": body["messages"][1]["content"].splitlines()[0][13:] + " please"})

    with serving(FakeServer(answer=same)) as server:
        backend = {"use": "openai_compatible", "url": server.url, "name": "m"}
        made = Evolved(backend=backend, operators=["deepen"]).fit(DATA, Rng(0), SILENT).sample(4, Rng(1))
    assert set(made.problems().values()) == {"answer: the instruction is the one it came from"}
