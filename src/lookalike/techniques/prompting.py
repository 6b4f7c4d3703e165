"""What is said to a language model to get labelled texts, and what is read from its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lookalike.core.dialogue import Message, Reply, Request
from lookalike.techniques.templates import fields_of, filled

END = "\n###"
"""What ends one example of a few-shot text."""
_MOST_OBJECTS = 50
_TAKEN = (
    "text",
    "label",
    "problem",
    "stated",
    "votes",
    "label_probability",
    "confidence",
    "weight",
    "reason",
    "rationale",
    "probability",
)
_PROPOSED = 50
_MOST_REPEATED = 20_000
_LONGEST_VALUE = 100


class Task(BaseModel):
    """What is wanted, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    describe: str = Field(min_length=1, description="What the texts are, for example: short reviews of films.")
    labels: dict[str, str] = Field(default_factory=dict, description="What each label means, by name.")
    attributes: dict[str, tuple[str, ...] | int] = Field(
        default_factory=dict,
        description="Values of further wishes, for example tone: [calm, angry], each mix in turn; or a number, 2 to "
        "50, of values that the model proposes itself.",
    )
    confusable: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="By label, those it is easily taken for: the model is told to avoid them."
    )

    @field_validator("labels", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """Take `1: ...` as the label "1", and say what a label without a definition lacks."""
        if isinstance(value, list | tuple):
            raise ValueError("labels needs a definition for each label, written as name: what it means; found a list")
        if not isinstance(value, Mapping):
            return value
        for name, means in value.items():
            if isinstance(name, bool | float):
                raise ValueError(f"label {name} is no text; put its name in quotes")
            if means is None:
                raise ValueError(f"label '{name}' has no definition; say in a few words what it means")
        return {str(name) if isinstance(name, int) else name: means for name, means in value.items()}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, means in self.labels.items():
            if not means.strip():
                raise ValueError(f"label '{name}' has no definition; say in a few words what it means")
        for name, values in self.attributes.items():
            if not values or name in _TAKEN:
                raise ValueError(f"attribute '{name}' needs values, and another name than {', '.join(_TAKEN)}")
            if isinstance(values, int) and not 2 <= values <= _PROPOSED:
                raise ValueError(f"attribute '{name}': the model proposes 2 to {_PROPOSED} values, found {values}")
        for name, others in self.confusable.items():
            unknown = sorted({name, *others} - set(self.labels))
            if unknown or name in others:
                raise ValueError(
                    f"confusable.{name} must name other labels of {', '.join(self.labels)}; "
                    f"found {', '.join(unknown) or name}"
                )
        if len(self.labels) == 1:
            raise ValueError("labels needs at least two labels, or none at all")
        return self


@dataclass(frozen=True)
class Told:
    """One text of an answer, why it deserves its label, and how likely the model calls it; NaN = not told."""

    text: str
    reason: str = ""
    probability: float = float("nan")


@dataclass(frozen=True)
class Form:
    """What one answer of an instruct model holds.

    Attributes:
        reason: A sentence before each text that says how it will show its label.
        several: Texts of one answer; with more than one the model also says how likely each is (verbalised sampling).

    Source: Zhang et al. 2025, arXiv:2510.01171 (verbalised sampling); Wei et al. 2022, arXiv:2201.11903 (reason first).
    """

    reason: bool = False
    several: int = 1

    def asks(self) -> str:
        """Return the sentence that describes the answer."""
        if self.several == 1 and not self.reason:
            return 'Answer with one JSON object with the single key "text" and nothing else.'
        parts = ['"reason": "how the text will show its label"'] if self.reason else []
        parts.append('"text": "..."')
        if self.several == 1:
            return f"Answer with one JSON object like {{{', '.join(parts)}}} and nothing else."
        parts.append('"probability": 0.1')
        return (
            f'Answer with one JSON object like {{"texts": [{{{", ".join(parts)}}}, ...]}} and nothing else: exactly '
            f"{self.several} texts, unlike each other and from the whole range of what is possible, the rare too; "
            "probability says how likely such a text is among all real ones."
        )

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the answer."""
        keys: dict[str, Any] = {"reason": {"type": "string"}} if self.reason else {}
        keys["text"] = {"type": "string"}
        if self.several > 1:
            keys["probability"] = {"type": "number"}
        one = object_schema(keys)
        if self.several == 1:
            return one
        return object_schema(
            {"texts": {"type": "array", "items": one, "minItems": self.several, "maxItems": self.several}}
        )

    def read(self, answer: str) -> tuple[list[Told], str]:
        """Return the texts of an answer, and what is wrong with it; texts that are there count all the same."""
        found = json_object(answer)
        if found is None:
            return [], "no JSON object"
        if self.several == 1:
            text, problem = _text_of(found)
            return ([] if problem else [_told(text, found)]), problem
        listed = found.get("texts")
        items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        told = [_told(text, item) for item in items for text, problem in [_text_of(item)] if not problem]
        told = told[: self.several]
        return told, "" if len(told) == self.several else f"{len(told)} texts instead of {self.several}"


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object that holds exactly these properties."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _told(text: str, found: Mapping[str, Any]) -> Told:
    reason, likely = found.get("reason"), found.get("probability")
    sure = isinstance(likely, int | float) and not isinstance(likely, bool) and 0 <= likely <= 1
    return Told(text, reason.strip() if isinstance(reason, str) else "", float(likely) if sure else float("nan"))  # type: ignore[arg-type]


def _text_of(found: Mapping[str, Any]) -> tuple[str, str]:
    if not isinstance(found.get("text"), str):
        return "", "no key text with a string"
    text = found["text"].strip()
    return (text, "") if text else ("", "an empty text")


def chat_prompt(
    task: str,
    label: str,
    definition: str,
    attributes: Mapping[str, str],
    examples: Sequence[tuple[str, str]],
    avoid: Mapping[str, str] | None = None,
    form: Form | None = None,
    template: str | None = None,
) -> tuple[Message, ...]:
    """Return the conversation that asks an instruct model for one text.

    Args:
        task: What the texts are.
        label: The label that the text must deserve; empty when there are none.
        definition: What the label means.
        attributes: Further wishes by name.
        examples: (label, text) of examples of the style.
        avoid: Labels that this one is easily taken for, with their definitions.
        form: What one answer holds.
        template: The user's own wording of the request; the form of the answer is told all the same.
    """
    form = form or Form()
    system = (
        f"You write realistic examples for a data set. {form.asks()} "
        "Never mention the label, the task or these instructions in the text."
    )
    shown = [{"label": of, "text": text} if of else {"text": text} for of, text in examples]
    listed = [f"- {json.dumps(one, ensure_ascii=False)}" for one in shown]
    wishes = [f"{name}: {value}" for name, value in attributes.items()]
    if template is not None:
        asked = filled(template, _fields(task, label, definition, "\n".join(wishes), "\n".join(listed)))
        return (Message("system", system), Message("user", asked))
    lines = [f"Task: {task}"]
    if examples:
        lines += ["", "Examples of the style, not to be copied:", *listed]
    lines += ["", "Write one new text." if form.several == 1 else f"Write {form.several} new texts."]
    if label:
        lines.append(f"Its label must be: {label}" + (f" ({definition})" if definition else ""))
    for name, means in (avoid or {}).items():
        lines.append(f"Nobody may take it for: {name} ({means})")
    lines += wishes
    return (Message("system", system), Message("user", "\n".join(lines)))


def _fields(task: str, label: str, definition: str, attributes: str, examples: str) -> dict[str, str]:
    return {"task": task, "label": label, "definition": definition, "attributes": attributes, "examples": examples}


def check_template(template: str, task: Task) -> None:
    """Refuse a template that names something unknown, or that would ask for different rows in the same words.

    Raises:
        ValueError: One line with what is wrong and what is allowed.
    """
    named = fields_of(template)
    if task.labels and not named & {"label", "definition"}:
        raise ValueError("template would ask for every label in the same words; add {label}, or {definition}")
    if task.attributes and "attributes" not in named:
        raise ValueError(f"template leaves out the attributes ({', '.join(task.attributes)}); add {{attributes}}")
    if task.confusable:
        raise ValueError("template takes the place of what confusable says; say it in definitions, or in the template")


def once_more(request: Request, reply: Reply, problem: str, form: Form) -> Request:
    """Return a request again, told what was wrong; a base model is not told, it only draws again.

    Args:
        request: The first one.
        reply: Its answer.
        problem: What is wrong with the answer, as the rest of a sentence.
        form: What one answer holds.
    """
    seed = (request.seed + 1) % 2**31
    if not request.messages:
        return replace(request, seed=seed)
    said = Message("assistant", reply.text[:_MOST_REPEATED] or "(nothing)")
    told = Message("user", f"That answer has {problem}. {form.asks()}")
    return replace(request, messages=(*request.messages, said, told), seed=seed)


def values_prompt(task: str, name: str, count: int) -> tuple[Message, ...]:
    """Return the conversation that asks for values of an attribute."""
    form = 'Answer with one JSON object like {"values": ["...", "..."]} and nothing else.'
    wanted = f"Texts: {task}\nThey shall differ in their {name}. Propose {count} different values, a few words each."
    return (Message("system", f"You plan a varied data set. {form}"), Message("user", wanted))


def values_schema(count: int) -> dict[str, Any]:
    """Return the JSON schema of the answer to `values_prompt`."""
    return object_schema(
        {"values": {"type": "array", "items": {"type": "string"}, "minItems": count, "maxItems": count}}
    )


def told_values(answer: str, count: int) -> list[str]:
    """Return the proposed values, without repeats, at most `count`.

    Example:
        >>> told_values('{"values": ["calm", "Calm ", "angry"]}', 5)
        ['calm', 'angry']
    """
    listed = (json_object(answer) or {}).get("values")
    found: dict[str, str] = {}
    for value in listed if isinstance(listed, list) else []:
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if text and text.isprintable() and len(text) <= _LONGEST_VALUE:
            found.setdefault(text.casefold(), text)
    return list(found.values())[:count]


def continued_prompt(
    task: str,
    label: str,
    definition: str,
    attributes: Mapping[str, str],
    examples: Sequence[tuple[str, str]],
    template: str | None = None,
) -> str:
    """Return a text that a base model continues with one new example; it ends where the example begins.

    Arguments as in `chat_prompt`.
    """

    def head(name: str) -> str:
        return f"{name}:" if name else "Text:"

    wishes = "".join(f" {name}: {value}." for name, value in attributes.items())
    means = f" ({definition})" if definition else ""
    shown = "".join(f"{head(of)} {' '.join(text.split())}{END}\n" for of, text in examples)
    if template is not None:
        return filled(template, _fields(task, label, definition, wishes.strip(), shown.rstrip("\n")))
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


def continued_text(answer: str) -> tuple[str, str]:
    """Return the text that a base model wrote up to the end of the example, and what is wrong with it, if anything.

    Example:
        >>> continued_text(' A fine film.' + END + ' Bad: x')
        ('A fine film.', '')
    """
    text = answer.split(END, maxsplit=1)[0].strip()
    return (text, "") if text else ("", "an empty text")
