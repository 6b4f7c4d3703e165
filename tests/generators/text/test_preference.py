"""The better answer is chosen whatever the order, and a judge that looks at places alone is not believed."""

from __future__ import annotations

import json
from typing import Any

from tests.backends.fake_server import FakeServer, serving

from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.generators.text.preference import Preference

PROMPTS = Corpus.of([f"Tell me about {n}." for n in range(6)], [0] * 6, text_schema([]))


def _made(judge: Any, **options: Any) -> Corpus:
    def answer(number: int, body: dict[str, Any]) -> str:
        asked = body["messages"][1]["content"]
        return judge(asked) if asked.startswith("Prompt:") else f"grade {body['seed'] % 1000}"

    with serving(FakeServer(answer=answer)) as server:
        backend = {"use": "openai_compatible", "url": server.url, "name": "m"}
        return Preference(backend=backend, **options).fit(PROMPTS, Rng(0), SILENT).sample(6, Rng(1))


def _by_grade(asked: str) -> str:
    grades = [int(line.split()[1]) for line in asked.splitlines() if line.startswith("grade ")]
    best, worst = (grades.index(pick(grades)) + 1 for pick in (max, min))
    return json.dumps({"reason": "the grade", "best": best, "worst": f"Answer {worst}"})


def _grade(text: str | None) -> int:
    assert text
    return int(text.split()[1])


def test_the_better_answer_is_chosen() -> None:
    made = _made(_by_grade, candidates=4)
    assert not made.problems()
    assert sorted(made.texts()) == sorted(PROMPTS.texts())
    for chosen, rejected in zip(made.column("chosen"), made.column("rejected"), strict=True):
        assert _grade(chosen) > _grade(rejected)
    assert set(made.column("rationale")) == {"the grade"}


def test_a_judge_that_prefers_the_first_place_is_not_believed() -> None:
    def first(asked: str) -> str:
        return json.dumps({"reason": "r", "best": 1, "worst": 2})

    assert set(_made(first).problems().values()) == {"answer: the judge changes its mind when the order changes"}
    assert not _made(first, swap=False).problems()


def test_a_judge_that_names_none_is_a_fault() -> None:
    made = _made(lambda asked: json.dumps({"reason": "r", "best": "9", "worst": "1"}))
    assert set(made.problems().values()) == {"answer: the judge names no best and worst answer"}
