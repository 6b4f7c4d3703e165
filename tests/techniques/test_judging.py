"""Certainties of a label: read from probabilities, votes and statements, and not made up when nothing can be read."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from lookalike.core.dialogue import Reply, Request, TokenProbability
from lookalike.techniques.judging import Judging, judge, label_question, named, probability_of

LABELS = {"Positive": "praise", "Negative": "blame"}


def _judge(judging: Judging, answer: Any, chat: bool = True) -> dict[str, Any]:
    async def ask(request: Request) -> Reply:
        made = answer(request)
        return made if isinstance(made, Reply) else Reply(made, "stop", "m")

    question = label_question("reviews", LABELS, [("Positive", "fine")], "poor", chat)
    return asyncio.run(judge(question, list(LABELS), judging, ask))


def test_questions_hold_what_is_needed() -> None:
    told = label_question("reviews", LABELS, [("Positive", "fine")], "poor", True).messages[1].content
    assert "- Negative: blame" in told
    assert told.endswith("Text: fine\nLabel: Positive\n\nText: poor\nLabel:")
    plain = label_question("reviews", LABELS, [("Positive", "fine")], "po\nor", False)
    assert plain.prompt == "reviews\n\nText: fine\nLabel: Positive\n\nText: po or\nLabel:"
    assert plain.stop == ("\n",)


def test_probabilities_of_tokens_become_those_of_labels() -> None:
    top = {" Pos": np.log(0.3), "positive": np.log(0.1), " N": np.log(0.2), " the": np.log(0.3), "": np.log(0.1)}
    assert probability_of(top, ["Positive", "Negative"]) == pytest.approx([2 / 3, 1 / 3])
    assert np.isnan(probability_of({" the": -1.0}, ["a", "b"])).all()
    assert np.isnan(probability_of({"very": -1.0}, ["very good", "very bad"])).all()
    reply = Reply(" Neg", "length", "m", logprobs=(TokenProbability(" Neg", -0.1, {" Neg": -0.1}),))
    assert _judge(Judging(label_probability=True), lambda _: reply)["label_probability"].tolist() == [0, 1]
    assert np.isnan(_judge(Judging(label_probability=True), lambda _: "x")["label_probability"]).all()


def test_votes_are_shares_of_what_could_be_read() -> None:
    answers = ["Positive", " negative.", "who knows", '"Positive"']
    found = _judge(Judging(votes=4), lambda request: answers[request.seed])
    assert found["votes"] == pytest.approx([2 / 3, 1 / 3])
    assert np.isnan(_judge(Judging(votes=2), lambda _: "?")["votes"]).all()
    assert named("not good at all", ["not", "not good"]) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"label": "Negative", "confidence": 90}', [0.1, 0.9]),
        ('Sure: {"label": "positive", "confidence": 100}.', [1.0, 0.0]),
        ('{"label": "Negative", "confidence": 900}', None),
        ('{"label": "Neutral", "confidence": 50}', None),
        ('{"label": "Negative", "confidence": true}', None),
        ("no", None),
    ],
)
def test_statements(answer: str, expected: list[float] | None) -> None:
    found = _judge(Judging(stated=True), lambda _: answer)["stated"]
    assert np.isnan(found).all() if expected is None else found == pytest.approx(expected)
