"""Prompts hold what they should; answers are read whatever surrounds them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lookalike.techniques.prompting import (
    END,
    Task,
    chat_prompt,
    continued_prompt,
    continued_text,
    json_object,
    told_text,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)


@given(st.dictionaries(st.text(), VALUES), st.text(alphabet='ab \n`[]:,"}'), st.text())
def test_an_object_is_found_whatever_stands_around_it(value: dict[str, Any], before: str, after: str) -> None:
    assert json_object(before + json.dumps(value, ensure_ascii=False) + after) == value


@given(st.text())
def test_any_text_is_read_without_a_crash(text: str) -> None:
    found, problem = told_text(text)
    assert bool(found) != bool(problem)
    assert json_object(text) is None or isinstance(json_object(text), dict)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('```json\n{"text": "a {b} c"}\n```', ("a {b} c", "")),
        ('{"text": "cut of', ("", "no JSON object")),
        ('{"text": 3}', ("", "no key text with a string")),
        ('{"text": "  "}', ("", "an empty text")),
        ('{bad} {"text": "line\nbreak"}', ("line\nbreak", "")),
    ],
)
def test_answers(answer: str, found: tuple[str, str]) -> None:
    assert told_text(answer) == found


def test_prompts_hold_label_definition_wishes_and_examples() -> None:
    examples = [("good", "I like it"), ("bad", "two\nlines")]
    system, user = chat_prompt("reviews", "good", "likes it", {"tone": "calm"}, examples)
    assert system.role == "system"
    for part in ("reviews", "good (likes it)", "tone: calm", '{"label": "bad", "text": "two\\nlines"}'):
        assert part in user.content
    prompt = continued_prompt("reviews", "good", "likes it", {"tone": "calm"}, examples)
    assert prompt.endswith(f"bad: two lines{END}\ngood:")
    assert "likes it" in prompt
    assert "tone: calm" in prompt


def test_a_continuation_ends_at_the_end_of_the_example() -> None:
    assert continued_text(f" fine {END}\nbad: x") == ("fine", "")
    assert continued_text(f"{END}") == ("", "an empty text")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"describe": ""}, "at least 1 character"),
        ({"describe": "x", "labels": {"a": " ", "b": "c"}}, "label 'a' has no definition"),
        ({"describe": "x", "labels": {"a": "b"}}, "at least two labels"),
        ({"describe": "x", "attributes": {"text": ["a"]}}, "another name than text"),
        ({"describe": "x", "attributes": {"tone": []}}, "attribute 'tone' needs values"),
    ],
)
def test_a_task_that_cannot_be_is_refused(task: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Task.model_validate(task)
