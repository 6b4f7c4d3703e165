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
    Form,
    Task,
    chat_prompt,
    check_template,
    continued_prompt,
    continued_text,
    json_object,
    told_values,
    values_schema,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)


@given(st.dictionaries(st.text(), VALUES), st.text(alphabet='ab \n`[]:,"}'), st.text())
def test_an_object_is_found_whatever_stands_around_it(value: dict[str, Any], before: str, after: str) -> None:
    assert json_object(before + json.dumps(value, ensure_ascii=False) + after) == value


@given(st.text())
def test_any_text_is_read_without_a_crash(text: str) -> None:
    found, problem = Form().read(text)
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
    told, problem = Form().read(answer)
    assert (told[0].text if told else "", problem) == found


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
        ({"describe": "x", "labels": {"a": None, "b": "c"}}, "label 'a' has no definition; say in a few words"),
        ({"describe": "x", "labels": ["a", "b"]}, "written as name: what it means; found a list"),
        ({"describe": "x", "labels": {True: "b", "no": "c"}}, "label True is no text; put its name in quotes"),
        ({"describe": "x", "labels": {"a": "b"}}, "at least two labels"),
        ({"describe": "x", "attributes": {"text": ["a"]}}, "another name than text"),
        ({"describe": "x", "attributes": {"tone": []}}, "attribute 'tone' needs values"),
        ({"describe": "x", "attributes": {"tone": 1}}, "proposes 2 to 50 values, found 1"),
        (
            {"describe": "x", "labels": {"a": "1", "b": "2"}, "confusable": {"a": ["c"]}},
            "labels of a, b; found c",
        ),
        (
            {"describe": "x", "labels": {"a": "1", "b": "2"}, "confusable": {"a": ["a"]}},
            "labels of a, b; found a",
        ),
    ],
)
def test_a_task_that_cannot_be_is_refused(task: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Task.model_validate(task)


def test_whole_numbers_are_names_of_labels() -> None:
    assert Task.model_validate({"describe": "x", "labels": {1: "low", 5: "high"}}).labels == {"1": "low", "5": "high"}


def test_a_template_takes_the_place_of_the_request_but_not_of_the_form() -> None:
    template = "{task}|{label}|{definition}|{attributes}|{examples}"
    examples = [("good", "I like it")]
    system, user = chat_prompt("reviews", "good", "likes", {"tone": "dry"}, examples, None, Form(several=2), template)
    assert user.content == 'reviews|good|likes|tone: dry|- {"label": "good", "text": "I like it"}'
    assert "exactly 2 texts" in system.content
    prompt = continued_prompt(
        "reviews", "good", "likes", {"tone": "dry"}, examples, "{task}{attributes}\n{examples}\nNew:\n"
    )
    assert prompt == f"reviewstone: dry.\ngood: I like it{END}\nNew:"


@pytest.mark.parametrize(
    ("template", "task", "message"),
    [
        ("{task}", {}, "every label in the same words; add {label}, or {definition}"),
        ("{label}", {"attributes": {"tone": ["a"]}}, r"leaves out the attributes \(tone\); add {attributes}"),
        ("{label}", {"confusable": {"a": ["b"]}}, "takes the place of what confusable says"),
        ("{labels}", {}, "template holds '{labels}', which is no field"),
    ],
)
def test_a_template_that_loses_something_is_refused(template: str, task: dict[str, Any], message: str) -> None:
    whole = Task.model_validate({"describe": "x", "labels": {"a": "1", "b": "2"}, **task})
    with pytest.raises(ValueError, match=message):
        check_template(template, whole)
    check_template("{definition} {attributes}", Task(describe="x", labels={"a": "1", "b": "2"}))


def test_several_texts_come_with_reason_and_probability() -> None:
    form = Form(reason=True, several=3)
    good = {"reason": " shows joy ", "text": " a ", "probability": 0.25}
    answer = json.dumps({"texts": [good, {"text": "b", "probability": 7}, {"text": ""}, "no object"]})
    told, problem = form.read(answer)
    assert problem == "2 texts instead of 3"
    assert (told[0].text, told[0].reason, told[0].probability) == ("a", "shows joy", 0.25)
    assert told[1].probability != told[1].probability
    more, problem = form.read(json.dumps({"texts": [good] * 5}))
    assert (len(more), problem) == (3, "")
    assert form.read('{"texts": 3}') == ([], "0 texts instead of 3")


def test_the_schema_asks_for_the_reason_first_and_the_exact_number() -> None:
    schema = Form(reason=True, several=3).schema()["properties"]["texts"]
    assert (schema["minItems"], schema["maxItems"]) == (3, 3)
    assert list(schema["items"]["properties"]) == ["reason", "text", "probability"]
    assert list(Form().schema()["properties"]) == ["text"]
    assert values_schema(4)["properties"]["values"]["maxItems"] == 4


def test_what_a_label_is_taken_for_stands_in_the_request() -> None:
    _, user = chat_prompt("reviews", "good", "likes it", {}, [], {"mild": "neither"}, Form(several=4))
    assert "Nobody may take it for: mild (neither)" in user.content
    assert "Write 4 new texts." in user.content


@given(st.text())
def test_any_answer_about_values_is_read(text: str) -> None:
    assert told_values(text, 3) == told_values(text, 9)[:3]


def test_values_are_told_apart_by_more_than_case() -> None:
    assert told_values(json.dumps({"values": ["a", " A", 3, "x" * 200, "b", "c"]}), 2) == ["a", "b"]
