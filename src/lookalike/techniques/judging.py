"""How certain a language model is of a text's label: what it states, how its votes fall, what its next token says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from lookalike.core.dialogue import Message, Reply, Request
from lookalike.techniques.prompting import json_object

Values = npt.NDArray[np.float64]
Ask = Callable[[Request], Awaitable[Reply]]
KINDS = ("label_probability", "votes", "stated")
_TOP = 20
_NAME_TOKENS = 12
_STATED_TOKENS = 60
_CLIP = 4000


class Judging(BaseModel):
    """What is asked about the label of each text; nothing unless told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_probability: bool = Field(
        default=False, description="Probability of the label as the next token; the server must give log-probabilities."
    )
    votes: int = Field(default=0, ge=0, le=50, description="Labels drawn for each text; their share is the certainty.")
    stated: bool = Field(default=False, description="Let an instruct model state label and certainty.")
    gold: int = Field(
        default=100, ge=0, description="Most real training rows that are judged too, to calibrate by; 0 = none."
    )
    examples: int = Field(default=8, ge=0, le=50, description="Labelled real rows shown with each question.")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is asked for, the one that `confidence` stands on first."""
        return tuple(kind for kind in KINDS if getattr(self, kind))


def label_question(
    task: str, labels: Mapping[str, str], examples: Sequence[tuple[str, str]], text: str, chat: bool
) -> Request:
    """Return the request for the label of a text: a conversation, or a list of examples that is continued.

    Args:
        task: What the texts are.
        labels: What each label means, by name.
        examples: (label, text) of labelled texts.
        text: The text in question; what is beyond 4,000 characters is left out.
        chat: Whether the model follows a conversation.
    """
    shown = text[:_CLIP]
    if chat:
        lines = [f"Texts: {task}", "Labels:", *(f"- {name}: {means}" for name, means in labels.items())]
        for name, example in examples:
            lines += ["", f"Text: {example}", f"Label: {name}"]
        lines += ["", f"Text: {shown}", "Label:"]
        system = Message("system", "You label texts. Answer with the name of one label and nothing else.")
        return Request(messages=(system, Message("user", "\n".join(lines))), max_tokens=_NAME_TOKENS, temperature=0)
    listed = "".join(f"Text: {' '.join(example.split())}\nLabel: {name}\n\n" for name, example in examples)
    prompt = f"{task}\n\n{listed}Text: {' '.join(shown.split())}\nLabel:"
    return Request(prompt=prompt, max_tokens=_NAME_TOKENS, temperature=0, stop=("\n",))


async def judge(question: Request, names: Sequence[str], judging: Judging, ask: Ask) -> dict[str, Values]:
    """Return for each kind the distribution over the labels, [K]; all NaN when an answer could not be read.

    Args:
        question: As `label_question` makes it.
        names: The labels.
        judging: What to ask.
        ask: Sends a request.
    """
    found: dict[str, Values] = {}
    if judging.label_probability:
        reply = await ask(replace(question, logprobs=_TOP, max_tokens=1, stop=()))
        top = reply.logprobs[0].top if reply.logprobs else {}
        found["label_probability"] = probability_of(top, names)
    if judging.votes:
        drawn = [await ask(replace(question, temperature=1.0, seed=seed)) for seed in range(judging.votes)]
        places = [place for reply in drawn if (place := named(reply.text, names)) is not None]
        count = np.bincount(places, minlength=len(names)) if places else np.full(len(names), np.nan)
        found["votes"] = count / max(1, len(places))
    if judging.stated:
        found["stated"] = _stated((await ask(_stating(question))).text, names)
    return found


def probability_of(top: Mapping[str, float], names: Sequence[str]) -> Values:
    """Return the probability of each label as the next token, [K], summing to 1; NaN when no token speaks for one.

    A token speaks for the one label that begins with it; a token with which two labels begin speaks for none.

    Example:
        >>> probability_of({" Pos": np.log(0.6), "neg": np.log(0.2), " the": -3.0}, ["positive", "negative"]).round(2)
        array([0.75, 0.25])
    """
    mass = np.zeros(len(names))
    for token, logprob in top.items():
        begin = token.strip().casefold()
        fits = [k for k, name in enumerate(names) if begin and name.casefold().startswith(begin)]
        if len(fits) == 1:
            mass[fits[0]] += np.exp(logprob)
    return mass / mass.sum() if mass.sum() > 0 else np.full(len(names), np.nan)


def named(answer: str, names: Sequence[str]) -> int | None:
    """Return the position of the label that an answer names first, the longest of those that fit, or None."""
    said = answer.strip().strip("\"'*`.").casefold()
    fits = [(len(name), -k) for k, name in enumerate(names) if said.startswith(name.casefold())]
    return -max(fits)[1] if fits else None


def _stating(question: Request) -> Request:
    form = 'Answer with one JSON object like {"label": "...", "confidence": 80}: label and certainty, 0 to 100.'
    messages = (Message("system", f"You label texts. {form}"), *question.messages[1:])
    return replace(question, messages=messages, max_tokens=_STATED_TOKENS)


def _stated(answer: str, names: Sequence[str]) -> Values:
    found = json_object(answer) or {}
    place, sure = named(str(found.get("label", "")), names), found.get("confidence")
    if place is None or isinstance(sure, bool) or not isinstance(sure, int | float) or not 0 <= sure <= 100:
        return np.full(len(names), np.nan)
    share = np.full(len(names), (1 - sure / 100) / max(1, len(names) - 1))
    share[place] = sure / 100
    return share
