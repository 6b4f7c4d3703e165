"""Generators that make each row from one real text, a seed, by asking an instruct model step by step."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np
from pydantic import model_validator

from lookalike.backends.client.asking import Asking, FittedAsking
from lookalike.backends.client.client import Ask
from lookalike.core.dialogue import Message, Request
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import write_json
from lookalike.data.corpus import PROBLEM, Corpus, text_schema
from lookalike.data.texts import fault_of
from lookalike.techniques.labels import wanted_labels
from lookalike.techniques.mixing import seeds_in_turn
from lookalike.techniques.prompting import json_object, object_schema

_FILE = "lookalike.json"
_MOST = 20_000


class Fault(Exception):
    """A row that cannot be used, and why."""


@dataclass(frozen=True)
class Row:
    """A made row: its text, and its further columns by name."""

    text: str
    further: Mapping[str, str | float] = field(default_factory=dict)


class Seeded(Asking):
    """Settings of a generator that makes each row from a seed."""

    strings: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="after")
    def _instructed(self) -> Self:
        for one in (self.server(), self.second()):
            if one is not None and not one.capabilities().chat:
                raise ValueError("this generator needs a model that follows instructions, by conversation")
        return self

    def seeds(self, data: Corpus, rng: Rng) -> tuple[list[str], list[int]]:
        """Return what rows are made from, and the class number of each; the texts themselves unless told otherwise."""
        del rng
        return data.texts(), data.labels.tolist()

    def fit(self, data: Corpus, rng: Rng, watch: Watch) -> FittedSeeded:
        """Keep the real texts that rows are made from; nothing is asked.

        Args:
            data: Real rows, at least one.
            rng: Key of a choice among them.
            watch: Not used.

        Raises:
            DataError: There is nothing to make rows from.
        """
        del watch
        texts, labels = self.seeds(data, rng)
        if not texts:
            raise DataError("there is no text to make rows from; give data with at least one text in the training part")
        return FittedSeeded(self, data.schema, texts, labels)

    def load(self, folder: Path) -> FittedSeeded:
        """Read what `FittedSeeded.save` wrote.

        Raises:
            DataError: The folder holds no such model.
        """
        try:
            saved = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            schema = Schema.model_validate(saved["schema"])
            return FittedSeeded(self, schema, [str(text) for text in saved["texts"]], [int(k) for k in saved["labels"]])
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(f"{folder} holds no seeds for texts; run the recipe again") from None

    @abstractmethod
    async def row(self, seed: str, others: Sequence[str], rng: Rng, ask: Ask) -> Row:
        """Make one row.

        Args:
            seed: The text it is made from.
            others: All texts of its class.
            rng: Key of the row.
            ask: Sends a request.

        Raises:
            Fault: The row cannot be used.
        """

    def request(self, system: str, user: str, keys: Sequence[str], rng: Rng) -> Request:
        """Return a request for one JSON object with some keys that hold strings; without keys, for plain text."""
        shape = object_schema({key: {"type": "string"} for key in keys}) if keys else None
        if keys:
            form = ", ".join(f'"{key}": "..."' for key in keys)
            system = f"{system} Answer with one JSON object like {{{form}}} and nothing else."
        return Request(
            messages=(Message("system", system), Message("user", user)),
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=int(rng.numpy().integers(2**31)),
            json_schema=shape if self.server().capabilities().json_schema else None,
        )

    async def told(self, system: str, user: str, keys: Sequence[str], rng: Rng, ask: Ask) -> dict[str, str]:
        """Ask for one JSON object and return its strings by key; a bad answer is asked for once more.

        Raises:
            Fault: The second answer cannot be used either.
        """
        request = self.request(system, user, keys, rng)
        for attempt in range(2):
            reply = await ask(request)
            found = json_object(reply.text) if reply.finish != "length" else None
            problem = f"no end within max_tokens={self.max_tokens}" if reply.finish == "length" else "no JSON object"
            if found is not None:
                wrong = [key for key in keys if not isinstance(found.get(key), str | int | float)]
                if not wrong:
                    return {key: str(found[key]).strip() for key in keys}
                problem = f"no key {wrong[0]}"
            if attempt == 0:
                said = Message("assistant", reply.text[:_MOST] or "(nothing)")
                again = Message("user", f"That answer has {problem}. Answer with the JSON object and nothing else.")
                messages = (*request.messages, said, again)
                request = replace(request, messages=messages, seed=(request.seed + 1) % 2**31)
        raise Fault(problem)

    async def plain(self, system: str, user: str, rng: Rng, ask: Ask) -> str:
        """Ask for plain text.

        Raises:
            Fault: The answer is cut off or empty.
        """
        reply = await ask(self.request(system, user, (), rng))
        if reply.finish == "length":
            raise Fault(f"no end within max_tokens={self.max_tokens}")
        text = reply.text.strip()
        if not text or fault_of(text, _MOST):
            raise Fault(fault_of(text, _MOST) or "an empty text")
        return text


class FittedSeeded(FittedAsking):
    """Seeds and how rows are made from them; only this can sample."""

    def __init__(self, config: Seeded, schema: Schema, texts: Sequence[str], labels: Sequence[int]) -> None:
        """Keep the parts; nothing is asked yet."""
        self.config, self.texts, self.labels = config, list(texts), np.array(labels, dtype=np.int64)
        self.schema = text_schema(schema.classes, (*config.strings, PROBLEM), numbers=config.numbers)

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Corpus:
        """Return n rows; those that cannot be used say why in the column `problem`.

        Args:
            n: How many.
            rng: Key of the seeds and of the model's own numbers.
            where: `label`: one name, or one per row; without it labels take turns.

        Raises:
            BackendError: The server refused, or could not be reached.
            BudgetError: The budget is used up.
            ConfigError: A class has no seed.
        """
        classes = self.schema.classes or ("",)
        labels = wanted_labels(n, classes, where, "this generator")
        missing = sorted(set(labels.tolist()) - set(self.labels.tolist()))
        if missing:
            raise ConfigError(f"class '{classes[missing[0]]}' has no training text to make rows from; ask for others")
        seeds = seeds_in_turn(self.labels, labels, rng)
        of_class = {k: [self.texts[i] for i in np.flatnonzero(self.labels == k)] for k in set(labels.tolist())}

        async def make(row: int, ask: Ask) -> tuple[Row, str]:
            try:
                others = of_class[int(labels[row])]
                return await self.config.row(self.texts[seeds[row]], others, rng.child("row", row), ask), ""
            except Fault as fault:
                return Row(""), f"answer: {fault}"

        counted = cast(Any, lambda made: (1, int(bool(made[1]))))
        made = self.config.ask_all(range(n), make, self._answers, counted, self._tell)
        further: dict[str, Any] = {
            name: [str(row.further.get(name, "")) for row, _ in made] for name in self.config.strings
        }
        further[PROBLEM] = [problem for _, problem in made]
        for name in self.config.numbers:
            further[name] = np.array([row.further.get(name, np.nan) for row, _ in made], dtype=np.float64)
        return Corpus.of([row.text for row, _ in made], labels, self.schema, further)

    def save(self, folder: Path) -> None:
        """Write `lookalike.json`: the schema and the seeds, which are real texts."""
        saved = {"schema": self.schema.model_dump(mode="json"), "texts": self.texts, "labels": self.labels.tolist()}
        write_json(folder / _FILE, saved)
