"""Labelled texts from a language model: a task in words, few real examples or none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product, zip_longest
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
from lookalike.data.corpus import CONFIDENCE, PROBLEM, Corpus, text_schema
from lookalike.data.texts import fault_of
from lookalike.techniques.calibration import calibrate, calibrated
from lookalike.techniques.diversity import farthest_points
from lookalike.techniques.judging import Judging, judge, label_question
from lookalike.techniques.labels import wanted_labels
from lookalike.techniques.prompting import END, Task, chat_prompt, continued_prompt, continued_text, told_text

_FILE = "lookalike.json"
_POOL = 32
_FEATURES = 512
_LOOKED_AT = 2000
_MOST = 20_000
_LEAST_GOLD = 10
_Examples = Sequence[tuple[str, str]]
Values = npt.NDArray[np.float64]
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
    fallback: dict[str, Any] | None = Field(
        default=None, description="What answers when the backend is given up, for example {use: local}; None = stop."
    )
    examples: int = Field(default=4, ge=0, le=50, description="Real rows shown in each request, if there are any.")
    temperature: float = Field(default=1.0, ge=0, le=2, description="Higher = more varied and more often wrong.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Share of probability that tokens are drawn from.")
    max_tokens: int = Field(default=200, ge=1, description="Most tokens of one answer.")
    style: Literal["auto", "chat", "continue"] = Field(
        default="auto", description="chat = instruct model; continue = base model; auto = chat where the model can."
    )
    judge: Judging = Field(default_factory=Judging, description="What the model is asked about each text's label.")
    limits: Limits = Field(default_factory=Limits, description="Requests at once, attempts, budget of tokens.")

    @model_validator(mode="after")
    def _answering(self) -> Self:
        """Refuse wrong settings of the backend before any work starts."""
        can, second = self.server().capabilities(), self._second()
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
        return self

    def chats(self) -> bool:
        """Say whether the model is asked by conversation."""
        return self.server().capabilities().chat if self.style == "auto" else self.style == "chat"

    def server(self) -> Backend:
        """Return the configured backend.

        Raises:
            ValueError: There is no such backend, or it refuses a setting.
        """
        return _backend(self.backend, "backend")

    def client(self, replies: Replies) -> Client:
        """Return what asks the backend, and the fallback when that is given up."""
        return Client(self.server(), replies, self.limits, self._second())

    def _second(self) -> Backend | None:
        return None if self.fallback is None else _backend(self.fallback, "fallback")

    def cost_of(self, answers: Path) -> dict[str, float]:
        """Return what the answers in a folder have cost: requests, tokens and, with prices, money."""
        replies = Replies(answers)
        try:
            tokens_in, tokens_out = replies.tokens()
            money = self.limits.cost(tokens_in, tokens_out)
            return {"requests": len(replies), "tokens_in": tokens_in, "tokens_out": tokens_out, "money": money}
        finally:
            replies.close()

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
            chosen += [(label, texts[place]) for place in _varied(texts)]
        found = self._calibration(data, chosen, rng, watch) if self.judge.kinds and self.judge.gold else {}
        return _FittedPrompted(self, data.schema, chosen, found)

    def _calibration(self, data: Corpus, shown: _Examples, rng: Rng, watch: Watch) -> dict[str, Any]:
        """Let the model judge real rows, and return what turns its certainties into shares that come true."""
        rows = np.sort(rng.child("gold").numpy().permutation(len(data))[: self.judge.gold])
        if len(np.unique(data.labels[rows])) < 2 or len(rows) < _LEAST_GOLD:
            return {}
        gold = data.take(rows)
        texts = gold.texts()
        answers: Path | None = getattr(watch, "answers", None)
        if answers is not None:
            answers.mkdir(parents=True, exist_ok=True)
        client = self.client(Replies(answers))

        async def make(row: int, ask: Ask) -> dict[str, Values]:
            return await judge(_question(self, texts[row], shown), gold.classes, self.judge, ask)

        try:
            judged = list(run_rows(range(len(texts)), make, client))
        finally:
            client.replies.close()
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
            return _FittedPrompted(self, schema, shown, saved.get("calibration", {}))
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(f"{folder} holds no model of text.prompted; run the recipe again") from None


def _backend(settings: Mapping[str, Any], place: str) -> Backend:
    options = dict(settings)
    backend: Backend = configured("backends", str(options.pop("use", "")), options, place)
    return backend


def _varied(texts: Sequence[str]) -> list[int]:
    """Return positions of texts that are unlike each other, by words and pairs of words."""
    if len(texts) <= 1:
        return list(range(len(texts)))
    from sklearn.feature_extraction.text import HashingVectorizer

    x_ND = HashingVectorizer(n_features=_FEATURES, ngram_range=(1, 2)).transform(texts).toarray()
    return [int(place) for place in farthest_points(x_ND, _POOL)]


@final
class _FittedPrompted:
    """A task with chosen examples; only this can sample."""

    spent: Budget | None = None

    def __init__(self, config: Prompted, schema: Schema, examples: _Examples, calibration: dict[str, Any]) -> None:
        """Keep the parts; nothing is asked yet."""
        self.config, self.examples, self.calibration = config, list(examples), calibration
        kinds = config.judge.kinds
        numbers = (*kinds, CONFIDENCE) if kinds else ()
        self.schema = text_schema(schema.classes, (*config.task.attributes, PROBLEM), numbers=numbers)
        self._backend = config.server()
        self._chat = config.chats()
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
        client = self.config.client(Replies(self._answers))

        async def make(row: int, ask: Ask) -> tuple[str, str, dict[str, float]]:
            text, problem = await self._row(row, int(labels[row]), mixes[row], rng, ask)
            return text, problem, {} if problem else await self._judged(text, int(labels[row]), ask)

        try:
            made = list(run_rows(range(n), make, client))
        finally:
            client.replies.close()
        further: dict[str, Any] = {name: [mix[name] for mix in mixes] for name in self.config.task.attributes}
        further[PROBLEM] = [problem for _, problem, _ in made]
        for kind in self.config.judge.kinds:
            further[kind] = np.array([sure.get(kind, np.nan) for _, _, sure in made])
        if self.config.judge.kinds:
            main = self.config.judge.kinds[0]
            curve = self.calibration.get(main, {}).get("curve")
            further[CONFIDENCE] = calibrated(further[main], curve) if curve else further[main]
        return Corpus.of([text for text, _, _ in made], labels, self.schema, further)

    async def _judged(self, text: str, label: int, ask: Ask) -> dict[str, float]:
        """Return how certain the model is of the label, by kind."""
        if not self.config.judge.kinds:
            return {}
        found = await judge(_question(self.config, text, self.examples), self.schema.classes, self.config.judge, ask)
        return {kind: float(share[label]) for kind, share in found.items()}

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
            "calibration": self.calibration,
        }
        write_json(folder / _FILE, saved)


def _question(config: Prompted, text: str, examples: _Examples) -> Request:
    """Return the question for the label of a text; of each label the same few other examples are shown, in turn."""
    each = -(-config.judge.examples // max(1, len(config.task.labels)))
    of_label = [[one for one in examples if one[0] == name and one[1] != text][:each] for name in config.task.labels]
    shown = [one for turn in zip_longest(*of_label) for one in turn if one is not None][: config.judge.examples]
    return label_question(config.task.describe, config.task.labels, shown, text, config.chats())


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
