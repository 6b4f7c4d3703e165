"""What is said to a language model to get labelled texts, and what is read from its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookalike.core.dialogue import Message

END = "\n###"
"""What ends one example of a few-shot text."""
_MOST_OBJECTS = 50
_TAKEN = ("text", "label", "problem", "stated", "votes", "label_probability", "confidence", "weight", "reason")
_WRITES = (
    'You write realistic examples for a data set. Answer with one JSON object with the single key "text" and nothing '
    "else. Never mention the label, the task or these instructions in the text."
)


class Task(BaseModel):
    """What is wanted, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    describe: str = Field(min_length=1, description="What the texts are, for example: short reviews of films.")
    labels: dict[str, str] = Field(default_factory=dict, description="What each label means, by name.")
    attributes: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Values of further wishes, for example tone: [calm, angry]; each mix in turn."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, means in self.labels.items():
            if not means.strip():
                raise ValueError(f"label '{name}' has no definition; say in a few words what it means")
        for name, values in self.attributes.items():
            if not values or name in _TAKEN:
                raise ValueError(f"attribute '{name}' needs values, and another name than {', '.join(_TAKEN)}")
        if len(self.labels) == 1:
            raise ValueError("labels needs at least two labels, or none at all")
        return self


def chat_prompt(
    task: str, label: str, definition: str, attributes: Mapping[str, str], examples: Sequence[tuple[str, str]]
) -> tuple[Message, ...]:
    """Return the conversation that asks an instruct model for one text.

    Args:
        task: What the texts are.
        label: The label that the text must deserve; empty when there are none.
        definition: What the label means.
        attributes: Further wishes by name.
        examples: (label, text) of examples of the style.
    """
    lines = [f"Task: {task}"]
    if examples:
        lines += ["", "Examples of the style, not to be copied:"]
        shown = [{"label": of, "text": text} if of else {"text": text} for of, text in examples]
        lines += [f"- {json.dumps(one, ensure_ascii=False)}" for one in shown]
    lines += ["", "Write one new text."]
    if label:
        lines.append(f"Its label must be: {label}" + (f" ({definition})" if definition else ""))
    lines += [f"{name}: {value}" for name, value in attributes.items()]
    return (Message("system", _WRITES), Message("user", "\n".join(lines)))


def continued_prompt(
    task: str, label: str, definition: str, attributes: Mapping[str, str], examples: Sequence[tuple[str, str]]
) -> str:
    """Return a text that a base model continues with one new example; it ends where the example begins.

    Arguments as in `chat_prompt`.
    """

    def head(name: str) -> str:
        return f"{name}:" if name else "Text:"

    wishes = "".join(f" {name}: {value}." for name, value in attributes.items())
    means = f" ({definition})" if definition else ""
    shown = "".join(f"{head(of)} {' '.join(text.split())}{END}\n" for of, text in examples)
    return f"{task}{wishes}{f' {label}{means}.' if label else ''}\n\n{shown}{head(label)}"


def json_object(text: str) -> dict[str, Any] | None:
    """Return the first JSON object in a text, or None; braces inside strings and text around it do no harm.

    Example:
        >>> json_object('Sure! {"text": "a } b"} Done.')
        {'text': 'a } b'}
    """
    decoder, start = json.JSONDecoder(strict=False), text.find("{")
    for _ in range(_MOST_OBJECTS):
        if start < 0:
            return None
        try:
            found, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        start = text.find("{", start + 1)
    return None


def told_text(answer: str) -> tuple[str, str]:
    """Return the text of a JSON answer and an empty string, or an empty text and what is wrong.

    Example:
        >>> told_text('{"text": "fine"}'), told_text("no")
        (('fine', ''), ('', 'no JSON object'))
    """
    found = json_object(answer)
    if found is None:
        return "", "no JSON object"
    if not isinstance(found.get("text"), str):
        return "", "no key text with a string"
    text = found["text"].strip()
    return (text, "") if text else ("", "an empty text")


def continued_text(answer: str) -> tuple[str, str]:
    """Return the text that a base model wrote up to the end of the example, and what is wrong with it, if anything.

    Example:
        >>> continued_text(' A fine film.' + END + ' Bad: x')
        ('A fine film.', '')
    """
    text = answer.split(END, maxsplit=1)[0].strip()
    return (text, "") if text else ("", "an empty text")
