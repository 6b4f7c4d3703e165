"""Labelled texts from a language model: a task in words, few real examples or none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.backends.client.asking import Asking, FittedAsking
from lookalike.backends.client.client import Ask
from lookalike.core.dialogue import Reply, Request
from lookalike.core.errors import DataError
from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import write_json
from lookalike.data.corpus import CONFIDENCE, PROBLEM, Corpus, Labels, further_columns, text_schema
from lookalike.data.texts import fault_of
from lookalike.techniques.calibration import calibrate, calibrated
from lookalike.techniques.diversity import varied_texts
from lookalike.techniques.judging import Judging, judge, label_question
from lookalike.techniques.labels import wanted_labels, wanted_values
from lookalike.techniques.mixing import mixes_of, together
from lookalike.techniques.prompting import (
    END,
    Form,
    Task,
    Told,
    chat_prompt,
    check_template,
    continued_prompt,
    continued_text,
    once_more,
    told_values,
    values_prompt,
    values_schema,
)

REASON, PROBABILITY = "rationale", "probability"
_TOKENS_PER_VALUE = 40
_REASON_TOKENS = 80
_FILE = "lookalike.json"
_POOL = 32
_LOOKED_AT = 2000
_MOST = 20_000
_LEAST_GOLD = 10
_Examples = Sequence[tuple[str, str]]
Values = npt.NDArray[np.float64]
_SHARED = 32


@final
class Prompted(Asking):
    """Asks a language model for one text per row: task, label with its definition, attributes in turn, varied examples.

    Works with instruct models by chat and with base models by continuing a list of examples. Every answer is kept, so
    that a killed run pays nothing twice. A row whose answer cannot be used, even after one more request that names the
    fault, is delivered as rejected, with the reason.

    Source: Ye et al. 2022, arXiv:2202.07922 (ZeroGen); Yu et al. 2023, arXiv:2306.15895 (attributed prompts).
    Differs from the papers: examples are chosen far from each other, among real rows and, if asked, accepted ones;
        every mix of the attributes, given or proposed by the model, comes equally often for every label.
    """

    task: Task = Field(description="What is wanted: describe, labels, attributes, confusable.")
    examples: int = Field(default=4, ge=0, le=50, description="Real rows shown in each request, if there are any.")
    accepted: bool = Field(
        default=False, description="Show rows accepted before as examples too; rows are then made in four portions."
    )
    style: Literal["auto", "chat", "continue"] = Field(
        default="auto", description="chat = instruct model; continue = base model; auto = chat where the model can."
    )
    template: str | None = Field(
        default=None,
        description="Your own wording of each request, with {task}, {label}, {definition}, {attributes}, {examples}.",
    )
    judge: Judging = Field(default_factory=Judging, description="What the model is asked about each text's label.")
    reason: bool = Field(
        default=False,
        description="Let an instruct model first say how the text shows its label.",
    )
    several: int = Field(
        default=1, ge=1, le=20, description="Texts of one answer, each with a probability (verbalised sampling)."
    )

    @property
    def learns(self) -> bool:
        """Whether later rows depend on which earlier ones were accepted."""
        return self.accepted

    @model_validator(mode="after")
    def _answering(self) -> Self:
        """Refuse a wrong template and wrong settings of the backend before any work starts."""
        if self.template is not None:
            check_template(self.template, self.task)
        can, second = self.server().capabilities(), self.second()
        if second is not None and second.capabilities().chat != can.chat and self.style == "auto":
            raise ValueError(
                "fallback: one server takes conversations and the other continues texts; set style: continue"
            )
        if self.judge.kinds and not self.task.labels:
            raise ValueError("judge needs labels to ask about; define task.labels, or leave judge out")
        if self.judge.label_probability and not all(
            one.logprobs for one in (can, second and second.capabilities()) if one
        ):
            raise ValueError(
                "judge.label_probability needs log-probabilities, which this backend does not give; use votes"
            )
        if self.judge.stated and not self.chats():
            raise ValueError("judge.stated needs a model that follows instructions; use votes or label_probability")
        if (self.reason or self.several > 1) and not self.chats():
            raise ValueError("reason and several need a model that follows instructions; leave them out")
        return self

    def chats(self) -> bool:
        """Say whether the model is asked by conversation."""
        return self.server().capabilities().chat if self.style == "auto" else self.style == "chat"

    def data_schema(self) -> Schema:
        """Return the schema of real rows that it would take: text and the labels of the task."""
        return text_schema(tuple(self.task.labels))

    def fit(self, data: Corpus, rng: Rng, watch: Watch) -> _FittedPrompted:
        """Choose the examples; the model is asked only to judge real rows, where certainties are to be calibrated.

        Args:
            data: Real rows, or none.
            rng: Key of the choice.
            watch: Its folder `answers`, if it has one, keeps answers.

        Raises:
            DataError: The labels of the data are not those of the task.
        """
        given, known = set(self.task.labels), set(data.classes)
        if given != known:
            raise DataError(
                f"task.labels gives {', '.join(sorted(given)) or 'no label'}, but the data have "
                f"{', '.join(sorted(known)) or 'no label'}; define exactly the labels of the data"
            )
        chosen: list[tuple[str, str]] = []
        for number, label in enumerate(data.classes or ("",)):
            rows = np.flatnonzero(data.labels == number)
            rows = rng.child("looked at", number).numpy().permutation(rows)[:_LOOKED_AT]
            texts = data.take(rows).texts()
            chosen += [(label, texts[place]) for place in varied_texts(texts, _POOL)]
        answers: Path | None = getattr(watch, "answers", None)
        attributes = self._attributes(answers, watch)
        found = self._calibration(data, chosen, rng, answers) if self.judge.kinds and self.judge.gold else {}
        return _FittedPrompted(self, data.schema, chosen, found, attributes)

    def _attributes(self, answers: Path | None, watch: Watch) -> dict[str, tuple[str, ...]]:
        """Return the values of every attribute; the model is asked for those that are only a number."""
        wanted = {name: count for name, count in self.task.attributes.items() if isinstance(count, int)}
        if not wanted:
            return {name: values for name, values in self.task.attributes.items() if not isinstance(values, int)}

        async def make(name: str, ask: Ask) -> list[str]:
            shape = values_schema(wanted[name]) if self.server().capabilities().json_schema else None
            request = Request(
                messages=values_prompt(self.task.describe, name, wanted[name]),
                max_tokens=_TOKENS_PER_VALUE * wanted[name],
                temperature=self.temperature,
                json_schema=shape,
            )
            found = told_values((await ask(request)).text, wanted[name])
            return found if len(found) > 1 else told_values((await ask(replace(request, seed=1))).text, wanted[name])

        proposed = dict(zip(wanted, self.ask_all(wanted, make, answers), strict=True))
        for name, values in proposed.items():
            if len(values) < 2:
                raise DataError(f"the model proposed no usable values of '{name}'; give them in task.attributes")
            watch(Note("fit", f"{name}, as the model proposed: {', '.join(values)}"))
        return {
            name: tuple(proposed[name]) if isinstance(values, int) else values
            for name, values in self.task.attributes.items()
        }

    def _calibration(self, data: Corpus, shown: _Examples, rng: Rng, answers: Path | None) -> dict[str, Any]:
        """Let the model judge real rows, and return what turns its certainties into shares that come true."""
        rows = np.sort(rng.child("gold").numpy().permutation(len(data))[: self.judge.gold])
        if len(np.unique(data.labels[rows])) < 2 or len(rows) < _LEAST_GOLD:
            return {}
        gold = data.take(rows)

        async def make(text: str, ask: Ask) -> dict[str, Values]:
            return await judge(_question(self, text, shown), gold.classes, self.judge, ask)

        judged = self.ask_all(gold.texts(), make, answers)
        right = np.eye(len(gold.classes))[gold.labels]
        result = {}
        for kind in self.judge.kinds:
            sure = np.array([one[kind] for one in judged])
            read = ~np.isnan(sure).any(axis=1)
            if read.sum() >= _LEAST_GOLD:
                group = np.repeat(np.arange(int(read.sum())), len(gold.classes))
                result[kind] = calibrate(sure[read].ravel(), right[read].ravel(), group)
        return result

    def load(self, folder: Path) -> _FittedPrompted:
        """Read what `_FittedPrompted.save` wrote.

        Raises:
            DataError: The folder holds no such model.
        """
        try:
            saved = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            schema = Schema.model_validate(saved["schema"])
            shown = [(str(label), str(text)) for label, text in saved["examples"]]
            attributes = {str(name): tuple(values) for name, values in saved["attributes"].items()}
            return _FittedPrompted(self, schema, shown, saved.get("calibration", {}), attributes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise DataError(f"{folder} holds no model of text.prompted; run the recipe again") from None


@final
class _FittedPrompted(FittedAsking):
    """A task with chosen examples; only this can sample."""

    def __init__(
        self,
        config: Prompted,
        schema: Schema,
        examples: _Examples,
        calibration: dict[str, Any],
        attributes: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Keep the parts; nothing is asked yet."""
        self.config, self.examples, self.calibration = config, list(examples), calibration
        self.attributes, self._pool = dict(attributes), self.examples
        kinds = config.judge.kinds
        numbers = (*kinds, CONFIDENCE) if kinds else ()
        told = (*((REASON,) if config.reason else ()), PROBLEM)
        likely = (PROBABILITY,) if config.several > 1 else ()
        self.schema = text_schema(schema.classes, (*attributes, *told), numbers=(*numbers, *likely))
        self._backend = config.server()
        self._chat = config.chats()
        self._form = Form(config.reason, config.several)
        self._shape = self._form.schema() if self._chat and self._backend.capabilities().json_schema else None

    def strata(self) -> dict[str, tuple[str, ...]]:
        """Return the values of each attribute that rows can be asked by."""
        return self.attributes

    def learn(self, accepted: Corpus) -> None:
        """Choose the examples anew, far from each other, among real and accepted rows; judging keeps the real ones."""
        names = [self.schema.classes[k] if self.schema.classes else "" for k in accepted.labels]
        candidates = [*self.examples, *list(zip(names, accepted.texts(), strict=True))[:_LOOKED_AT]]
        self._pool = []
        for label in self.schema.classes or ("",):
            texts = [text for name, text in candidates if name == label]
            self._pool += [(label, texts[place]) for place in varied_texts(texts, _POOL)]

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Corpus:
        """Return n rows; those without a usable text say why in the column `problem`.

        Args:
            n: How many.
            rng: Key of examples, attributes and the model's own seeds.
            where: `label`, and any attribute: one value, or one per row; labels and mixes that are not told take turns.

        Raises:
            BackendError: The server refused, or could not be reached.
            BudgetError: The budget is used up.
            ConfigError: A condition or a value is not known.
        """
        asked = dict(where or {})
        given = {
            name: wanted_values(n, self.attributes[name], asked.pop(name), name)
            for name in self.attributes
            if name in asked
        }
        labels = wanted_labels(n, self.schema.classes or ("",), asked, "text.prompted")
        mixes = mixes_of(self.attributes, labels, rng, given)
        calls = together(labels, mixes, self.config.several)

        async def make(rows: list[int], ask: Ask) -> list[tuple[Told, str, dict[str, float]]]:
            label = int(labels[rows[0]])
            made = await self._texts(rows, label, mixes[rows[0]], rng, ask)
            return [(told, bad, {} if bad else await self._judged(told.text, label, ask)) for told, bad in made]

        def counted(made: list[tuple[Told, str, dict[str, float]]]) -> tuple[int, int]:
            return len(made), sum(bool(bad) for _, bad, _ in made)

        found = self.config.ask_all(calls, make, self._answers, counted, self._tell)
        order = {row: one for rows, made in zip(calls, found, strict=True) for row, one in zip(rows, made, strict=True)}
        return self._corpus([order[row] for row in range(n)], labels, mixes)

    def _corpus(
        self, made: Sequence[tuple[Told, str, dict[str, float]]], labels: Labels, mixes: Sequence[Mapping[str, str]]
    ) -> Corpus:
        further: dict[str, Any] = {name: [mix[name] for mix in mixes] for name in self.attributes}
        further[PROBLEM] = [problem for _, problem, _ in made]
        if self.config.reason:
            further[REASON] = [told.reason for told, _, _ in made]
        for kind in self.config.judge.kinds:
            further[kind] = np.array([sure.get(kind, np.nan) for _, _, sure in made])
        if self.config.judge.kinds:
            main = self.config.judge.kinds[0]
            curve = self.calibration.get(main, {}).get("curve")
            further[CONFIDENCE] = calibrated(further[main], curve) if curve else further[main]
        if self.config.several > 1:
            further[PROBABILITY] = np.array([told.probability for told, _, _ in made], dtype=np.float64)
        ordered = {name: further[name] for name in further_columns(self.schema)}
        return Corpus.of([told.text for told, _, _ in made], labels, self.schema, ordered)

    async def _judged(self, text: str, label: int, ask: Ask) -> dict[str, float]:
        """Return how certain the model is of the label, by kind."""
        if not self.config.judge.kinds:
            return {}
        found = await judge(_question(self.config, text, self.examples), self.schema.classes, self.config.judge, ask)
        return {kind: float(share[label]) for kind, share in found.items()}

    async def _texts(
        self, rows: Sequence[int], label: int, mix: Mapping[str, str], rng: Rng, ask: Ask
    ) -> list[tuple[Told, str]]:
        """Return the texts of rows that share a call, and what is wrong; a bad answer is asked for once more."""
        request = self._request(rows[0], label, mix, rng)
        reply = await ask(request)
        found, problem = self._read(reply)
        if len(found) < len(rows):
            again, second = self._read(await ask(once_more(request, reply, problem, self._form)))
            found, problem = (again, second) if len(again) >= len(found) else (found, problem)
        lost = (Told(""), f"answer: {problem or 'too few texts'}")
        return [(found[place], "") if place < len(found) else lost for place in range(len(rows))]

    def _request(self, row: int, label: int, mix: Mapping[str, str], rng: Rng) -> Request:
        config, name = self.config, (self.schema.classes or ("",))[label]
        labels, key = config.task.labels, rng.child("row", row)
        # Where drawing makes the variety, rows share their examples: the common beginning is read once.
        turn = row if self._chat else row // _SHARED
        shown = self._shown(name, rng.child("examples", turn).child(name))
        parts = (config.task.describe, name, labels.get(name, ""), mix, shown)
        common: dict[str, Any] = {
            "max_tokens": config.max_tokens * config.several
            + (_REASON_TOKENS * config.several if config.reason else 0),
            "temperature": config.temperature,
            "top_p": config.top_p,
            "seed": int(key.child("seed").numpy().integers(2**31)),
        }
        if self._chat:
            avoid = {other: labels[other] for other in config.task.confusable.get(name, ())}
            messages = chat_prompt(*parts, avoid, self._form, config.template)
            return Request(messages=messages, json_schema=self._shape, **common)
        return Request(prompt=continued_prompt(*parts, config.template), stop=(END.strip(),), **common)

    def _shown(self, name: str, key: Rng) -> list[tuple[str, str]]:
        """Return the examples of one request.

        An instruct model also sees other labels, a third of the examples: a label is best told apart from what it is
        not. A base model continues what it sees, so it sees its own label alone.
        """
        draw = key.numpy()
        own = [one for one in self._pool if one[0] == name]
        other = [one for one in self._pool if one[0] != name]
        few = min(len(other), self.config.examples // 3) if self._chat else 0
        chosen = [own[place] for place in draw.permutation(len(own))[: self.config.examples - few]]
        chosen += [other[place] for place in draw.permutation(len(other))[:few]]
        return [chosen[place] for place in draw.permutation(len(chosen))]

    def _read(self, reply: Reply) -> tuple[list[Told], str]:
        """Return the usable texts of an answer, and what is wrong with it or with one of them."""
        if reply.finish == "length":
            return [], f"no end within max_tokens={self.config.max_tokens}"
        if self._chat:
            told, problem = self._form.read(reply.text)
        else:
            text, problem = continued_text(reply.text)
            told = [] if problem else [Told(text)]
        faults = [fault_of(one.text, _MOST) for one in told]
        usable = [one for one, fault in zip(told, faults, strict=True) if not fault]
        return usable, problem or next((fault for fault in faults if fault), "")

    def save(self, folder: Path) -> None:
        """Write `lookalike.json`: the task, the schema and the examples, which are real rows."""
        saved = {
            "task": self.config.task.model_dump(mode="json"),
            "model": self._backend.model,
            "schema": self.schema.model_dump(mode="json"),
            "examples": self.examples,
            "calibration": self.calibration,
            "attributes": self.attributes,
        }
        write_json(folder / _FILE, saved)


def _question(config: Prompted, text: str, examples: _Examples) -> Request:
    """Return the question for the label of a text; of each label the same few other examples are shown, in turn."""
    each = -(-config.judge.examples // max(1, len(config.task.labels)))
    of_label = [[one for one in examples if one[0] == name and one[1] != text][:each] for name in config.task.labels]
    shown = [one for turn in zip_longest(*of_label) for one in turn if one is not None][: config.judge.examples]
    return label_question(config.task.describe, config.task.labels, shown, text, config.chats())
