"""Labelled texts from a language model: a task in words, few real examples or none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lookalike.backends.client.client import Ask, Client, Limits, run_rows
from lookalike.backends.client.replies import Replies
from lookalike.core.contracts import Budget, Method
from lookalike.core.dialogue import Backend, Message, Reply, Request
from lookalike.core.errors import DataError
from lookalike.core.events import Watch
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import write_json
from lookalike.data.corpus import PROBLEM, Corpus, text_schema
from lookalike.data.texts import fault_of
from lookalike.techniques.diversity import farthest_points
from lookalike.techniques.labels import wanted_labels
from lookalike.techniques.prompting import END, Task, chat_prompt, continued_prompt, continued_text, told_text

_FILE = "lookalike.json"
_POOL = 32
_FEATURES = 512
_LOOKED_AT = 2000
_MOST = 20_000
_SHARED = 32


@final
class Prompted(Method):
    """Asks a language model for one text per row: task, label with its definition, attributes in turn, varied examples.

    Works with instruct models by chat and with base models by continuing a list of examples. Every answer is kept, so
    that a killed run pays nothing twice. A row whose answer cannot be used, even after one more request that names the
    fault, is delivered as rejected, with the reason.

    Source: Ye et al. 2022, arXiv:2202.07922 (ZeroGen); Yu et al. 2023, arXiv:2306.15895 (attributed prompts).
    Differs from the papers: examples are real rows chosen far from each other; attributes are given, and every mix of
        them comes equally often for every label.
    """

    rows_per_shard: ClassVar[int] = 2000
    waits: ClassVar[bool] = True

    task: Task = Field(description="What is wanted: describe, labels, attributes.")
    backend: dict[str, Any] = Field(description="What answers: {use: openai_compatible, url: ..., name: ...}, or echo.")
    examples: int = Field(default=4, ge=0, le=50, description="Real rows shown in each request, if there are any.")
    temperature: float = Field(default=1.0, ge=0, le=2, description="Higher = more varied and more often wrong.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Share of probability that tokens are drawn from.")
    max_tokens: int = Field(default=200, ge=1, description="Most tokens of one answer.")
    style: Literal["auto", "chat", "continue"] = Field(
        default="auto", description="chat = instruct model; continue = base model; auto = chat where the model can."
    )
    limits: Limits = Field(default_factory=Limits, description="Requests at once, attempts, budget of tokens.")

    @model_validator(mode="after")
    def _answering(self) -> Self:
        """Refuse wrong settings of the backend before any work starts."""
        self.server()
        return self

    def server(self) -> Backend:
        """Return the configured backend.

        Raises:
            ValueError: There is no such backend, or it refuses a setting.
        """
        options = dict(self.backend)
        backend: Backend = configured("backends", str(options.pop("use", "")), options, "backend")
        return backend

    def data_schema(self) -> Schema:
        """Return the schema of real rows that it would take: text and the labels of the task."""
        return text_schema(tuple(self.task.labels))

    def fit(self, data: Corpus, rng: Rng, watch: Watch) -> _FittedPrompted:
        """Choose the examples; no model is asked.

        Args:
            data: Real rows, or none.
            rng: Key of the choice.
            watch: Not used.

        Raises:
            DataError: The labels of the data are not those of the task.
        """
        del watch
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
            chosen += [(label, texts[place]) for place in _varied(texts)]
        return _FittedPrompted(self, data.schema, chosen)

    def load(self, folder: Path) -> _FittedPrompted:
        """Read what `_FittedPrompted.save` wrote.

        Raises:
            DataError: The folder holds no such model.
        """
        try:
            saved = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            schema = Schema.model_validate(saved["schema"])
            return _FittedPrompted(self, schema, [(str(label), str(text)) for label, text in saved["examples"]])
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(f"{folder} holds no model of text.prompted; run the recipe again") from None


def _varied(texts: Sequence[str]) -> list[int]:
    """Return positions of texts that are unlike each other, by words and pairs of words."""
    from sklearn.feature_extraction.text import HashingVectorizer

    if len(texts) <= 1:
        return list(range(len(texts)))
    x_ND = HashingVectorizer(n_features=_FEATURES, ngram_range=(1, 2)).transform(texts).toarray()
    return [int(place) for place in farthest_points(x_ND, _POOL)]


@final
class _FittedPrompted:
    """A task with chosen examples; only this can sample."""

    spent: Budget | None = None

    def __init__(self, config: Prompted, schema: Schema, examples: Sequence[tuple[str, str]]) -> None:
        """Keep the parts; nothing is asked yet."""
        self.config, self.examples = config, list(examples)
        self.schema = text_schema(schema.classes, (*config.task.attributes, PROBLEM))
        self._backend = config.server()
        can = self._backend.capabilities()
        self._chat = can.chat if config.style == "auto" else config.style == "chat"
        self._answers: Path | None = None

    def remember(self, folder: Path) -> None:
        """Keep answers in an existing folder, so that equal requests are never paid twice."""
        self._answers = folder

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Corpus:
        """Return n rows; those without a usable text say why in the column `problem`.

        Args:
            n: How many.
            rng: Key of examples, attributes and the model's own seeds.
            where: `label`: one name, or one per row; without it labels take turns.

        Raises:
            BackendError: The server refused, or could not be reached.
            BudgetError: The budget is used up.
        """
        labels = wanted_labels(n, self.schema.classes or ("",), where, "text.prompted")
        mixes = _mixes(self.config.task.attributes, labels, rng)
        client = Client(self._backend, Replies(self._answers), self.config.limits)

        async def make(row: int, ask: Ask) -> tuple[str, str]:
            return await self._row(row, int(labels[row]), mixes[row], rng, ask)

        try:
            made = list(run_rows(range(n), make, client))
        finally:
            client.replies.close()
        further = {name: [mix[name] for mix in mixes] for name in self.config.task.attributes}
        further[PROBLEM] = [problem for _, problem in made]
        return Corpus.of([text for text, _ in made], labels, self.schema, further)

    async def _row(self, row: int, label: int, mix: Mapping[str, str], rng: Rng, ask: Ask) -> tuple[str, str]:
        """Return the text of a row and what is wrong with it; a bad first answer is asked for once more."""
        request = self._request(row, label, mix, rng)
        reply = await ask(request)
        text, problem = self._read(reply)
        if problem:
            text, problem = self._read(await ask(_once_more(request, reply, problem)))
        return ("", f"answer: {problem}") if problem else (text, "")

    def _request(self, row: int, label: int, mix: Mapping[str, str], rng: Rng) -> Request:
        config, name = self.config, (self.schema.classes or ("",))[label]
        key = rng.child("row", row)
        # Where drawing makes the variety, rows share their examples: the common beginning is read once.
        turn = row if self._chat else row // _SHARED
        shown = self._shown(name, rng.child("examples", turn).child(name))
        parts = (config.task.describe, name, config.task.labels.get(name, ""), mix, shown)
        common = {
            "max_tokens": config.max_tokens,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "seed": int(key.child("seed").numpy().integers(2**31)),
        }
        if self._chat:
            return Request(messages=chat_prompt(*parts), **common)  # type: ignore[arg-type]
        return Request(prompt=continued_prompt(*parts), stop=(END.strip(),), **common)  # type: ignore[arg-type]

    def _shown(self, name: str, key: Rng) -> list[tuple[str, str]]:
        """Return the examples of one request.

        An instruct model also sees other labels, a third of the examples: a label is best told apart from what it is
        not. A base model continues what it sees, so it sees its own label alone.
        """
        draw = key.numpy()
        own = [one for one in self.examples if one[0] == name]
        other = [one for one in self.examples if one[0] != name]
        few = min(len(other), self.config.examples // 3) if self._chat else 0
        chosen = [own[place] for place in draw.permutation(len(own))[: self.config.examples - few]]
        chosen += [other[place] for place in draw.permutation(len(other))[:few]]
        return [chosen[place] for place in draw.permutation(len(chosen))]

    def _read(self, reply: Reply) -> tuple[str, str]:
        if reply.finish == "length":
            return "", f"no end within max_tokens={self.config.max_tokens}"
        text, problem = told_text(reply.text) if self._chat else continued_text(reply.text)
        problem = problem or fault_of(text, _MOST)
        return ("", problem) if problem else (text, "")

    def save(self, folder: Path) -> None:
        """Write `lookalike.json`: the task, the schema and the examples, which are real rows."""
        saved = {
            "task": self.config.task.model_dump(mode="json"),
            "model": self._backend.model,
            "schema": self.schema.model_dump(mode="json"),
            "examples": self.examples,
        }
        write_json(folder / _FILE, saved)


def _once_more(request: Request, reply: Reply, problem: str) -> Request:
    """Return the request again, told what was wrong; a base model is not told, it only draws again."""
    seed = (request.seed + 1) % 2**31
    if not request.messages:
        return replace(request, seed=seed)
    said = Message("assistant", reply.text[:_MOST] or "(nothing)")
    wanted = 'Answer with one JSON object like {"text": "..."} and nothing else.'
    told = Message("user", f"That answer has {problem}. {wanted}")
    return replace(request, messages=(*request.messages, said, told), seed=seed)


def _mixes(attributes: Mapping[str, Sequence[str]], labels: npt.NDArray[np.int64], rng: Rng) -> list[dict[str, str]]:
    """Return the attributes of every row: for each label all mixes in keyed order, again and again."""
    grid = [dict(zip(attributes, mix, strict=True)) for mix in product(*attributes.values())]
    seen: Counter[int] = Counter()
    orders: dict[tuple[int, int], npt.NDArray[np.int64]] = {}
    mixes = []
    for label in labels.tolist():
        turn, place = divmod(seen[label], len(grid))
        seen[label] += 1
        if (label, turn) not in orders:
            orders[label, turn] = rng.child("mixes", label).child("turn", turn).numpy().permutation(len(grid))
        mixes.append(grid[int(orders[label, turn][place])])
    return mixes
