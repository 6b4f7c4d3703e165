"""A language model of one's own texts: low-rank adapters beside a pretrained model that stays as it is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import digest, write_json
from lookalike.data.corpus import LABEL, PROBLEM, Corpus, text_schema
from lookalike.data.texts import clean, fault_of
from lookalike.networks.causal_lm import CausalLm, Row, read_causal_lm
from lookalike.networks.lora import Lora, read_adapter, write_adapter
from lookalike.networks.pretrained import Base, find_base, state_of
from lookalike.techniques.canaries import Canaries
from lookalike.techniques.hardware import Precision, PrecisionChoice, choose_device, choose_precision
from lookalike.techniques.labels import wanted_labels
from lookalike.techniques.training import Plan, Trace, adam_tensors, train, warm_up_then_cosine

_FORMAT = "lookalike.text.finetuned/1"
_FILE, _CANARIES, _ADAPTER = "lookalike.json", "canaries.json", "adapter"
_BLANK = "{label}"
_TEMPLATE = "Label: {label}\n\n"
_WARM_UP_STEPS = 20
_GRADIENT_NORM = 1.0
_MOST = 1_000_000
_EPOCHS = 3.0
_AT_ONCE = 1000
_MANY_CANARIES = 0.1
_BROKEN = "\N{REPLACEMENT CHARACTER}"


class _Sampling(BaseModel):
    """How a fitted model writes texts; changing it never trains again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=1.0, gt=0, le=10, description="Below 1, probable words come more often.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="Share of probability that words are drawn from.")
    batch: int = Field(default=32, ge=1, le=4096, description="Texts computed together.")


@final
class Finetuned(Method):
    """Trains low-rank adapters of a causal language model on real texts; writes new ones for any label.

    The model sees the label in a prompt, then the text, then an end token; it learns the text and the end. Texts longer
    than `max_tokens` are cut, without an end. On one device and number of threads, equal keys give equal bytes. Nothing
    is downloaded if `model` is a folder or left out. Gemma has its own terms of use.

    Source: Hu et al. 2022, arXiv:2106.09685 (LoRA); Yue et al. 2023, arXiv:2210.14348 (labels as control codes).
    Differs from the papers: every linear layer but the last gets an adapter; no dropout; no differential privacy.
    """

    rows_per_shard: ClassVar[int] = 64

    model: str | None = Field(
        default=None,
        description="A folder as transformers saves it, a .gguf file, or a name on the Hugging Face hub; "
        "None = the packaged Gemma 3 270M.",
    )
    epochs: float | None = Field(
        default=None, gt=0, le=10_000, description="Times that each text is seen; 3 if no budget is given."
    )
    steps: int | None = Field(default=None, ge=1, le=10**8, description="Training steps, instead of epochs.")
    minutes: float | None = Field(
        default=None, gt=0, le=10_080, description="Training time in minutes, instead of epochs."
    )
    batch_size: int = Field(default=8, ge=1, le=4096, description="Texts per step.")
    learning_rate: float = Field(default=3e-4, gt=0, le=1, description="Highest rate of AdamW; falls to 0 at the end.")
    rank: int = Field(default=8, ge=1, le=1024, description="Rank of the adapters.")
    alpha: float = Field(default=16.0, gt=0, le=4096, description="Adapters are added alpha / rank times.")
    modules: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Layers with adapters, by the end of their names; None = all linear."
    )
    max_tokens: int = Field(default=256, ge=1, le=32_768, description="Most tokens of one text.")
    template: str | None = Field(
        default=None,
        max_length=10_000,
        description="Prompt before each text, with {label}; None = 'Label: {label}' and an empty line.",
    )
    canaries: int = Field(
        default=0, ge=0, le=1000, description="Sentences with a random number to plant, for the audit text.canary."
    )
    canary_repeats: int = Field(default=4, ge=1, le=1000, description="Times that each of these is planted.")
    precision: PrecisionChoice = Field(
        default="auto", description="Number format of the base model; auto = float32 on a CPU."
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, ...")
    sampling: _Sampling = Field(default=_Sampling(), description="How texts are drawn.")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        given = [name for name in ("epochs", "steps", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of epochs, steps and minutes, found {' and '.join(given)}")
        return self

    def state(self) -> str:
        """Return a cheap hash of the base model's files, so that a run notices when they change."""
        return state_of(self.model)

    def fit(self, data: Corpus, rng: Rng, watch: Watch) -> _FittedFinetuned:
        """Train the adapters; resumes from `watch.folder`.

        Args:
            data: At least one text, with labels or without.
            rng: Key of adapters, order and canaries.
            watch: Receives progress, lends the checkpoint folder.

        Returns:
            A model that writes texts of these labels.

        Raises:
            DataError: No texts.
            ConfigError: The base model or a setting cannot be used.
        """
        if not len(data):
            raise DataError(
                "text.finetuned needs texts to learn from, found none; check the reader's path and the split"
            )
        device = choose_device(self.device)
        base, precision = find_base(self.model), self._precision(device)
        writer = _Writer(read_causal_lm(base, device, precision), self, data.schema)
        rows = writer.rows(data)
        cut = sum(int(row.ids[-1]) != writer.model.end for row in rows)
        if cut:
            watch(Note("fit", f"{cut} of {len(rows)} texts are cut at max_tokens={self.max_tokens}", "warning"))
        canaries = self._canaries(data, writer, rng, watch)
        if canaries is not None:
            rows += writer.rows(_labelled(canaries.planted(), canaries.label, data.schema))
        lora = Lora(writer.model.network, self.rank, self.alpha, self.modules)
        lora.start(rng.child("weights"))
        settings = self.model_dump(mode="json", exclude={"sampling", "model"})
        key = digest([_FORMAT, settings, base.fingerprint, data.fingerprint(), repr(rng), precision])
        plan = Plan(len(rows), self.batch_size, self._steps(len(rows)), self.minutes, key, unit="texts")
        size = sum(value.numel() for value in lora.tensors().values())
        watch(Note("fit", f"{base.name} with {size / 1e6:.2f} million new weights, {precision} on {device.type}"))
        trace = train(_Training(self, writer.model, lora, rows), plan, rng, watch)
        about = {
            "format": _FORMAT,
            "config": settings,
            **_told(base),
            "precision": precision,
            "device": device.type,
            "threads": torch.get_num_threads(),
            "steps": trace.steps,
            "texts_seen": trace.steps * self.batch_size,
            "texts_cut": cut,
            "parameters": size,
            "curve": _curve(trace),
            "schema": data.schema.model_dump(mode="json"),
        }
        return _FittedFinetuned(writer, self.sampling, about, lora, str(base.folder), canaries)

    def _precision(self, device: torch.device) -> Precision:
        """Return the number format; on a CPU bfloat16 made training slower, even where the hardware has it."""
        return (
            "float32" if self.precision == "auto" and device.type == "cpu" else choose_precision(self.precision, device)
        )

    def _steps(self, rows: int) -> int | None:
        """Return the number of steps, or None when minutes decide."""
        if self.steps is not None or self.minutes is not None:
            return self.steps
        return math.ceil((self.epochs or _EPOCHS) * rows / self.batch_size)

    def _canaries(self, data: Corpus, writer: _Writer, rng: Rng, watch: Watch) -> Canaries | None:
        """Return canaries for the most frequent class, where they change the least; None when there are to be none."""
        if not self.canaries:
            return None
        label = int(np.argmax(data.counts())) if data.classes else 0
        canaries = Canaries.plant(self.canaries, self.canary_repeats, label, rng.child("canaries"))
        longest = max(map(len, writer.model.tokens(canaries.planted()[: self.canaries])))
        if longest > self.max_tokens:
            raise ConfigError(
                f"max_tokens: {self.max_tokens} is too short for canaries, which have {longest} tokens in this model; "
                "raise max_tokens, or set canaries: 0"
            )
        count = len(canaries.planted())
        many = count > _MANY_CANARIES * len(data)
        told = f"{count} planted sentences among {len(data)} texts" + (
            "; so many change what is learnt" if many else ""
        )
        watch(Note("fit", told, "warning" if many else "info"))
        return canaries

    def load(self, folder: Path) -> _FittedFinetuned:
        """Read the adapters, and the base model from where it lies; sampling settings and device come from this config.

        Raises:
            DataError: The folder does not hold a complete model, or the base model is another one.
            ConfigError: The base model is not there.
        """
        try:
            about = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}, expected {_FORMAT}")
            schema = Schema.model_validate(about["schema"])
            config = Finetuned.model_validate(about["config"])
            place, revision = str(about["base_place"]), str(about["base_revision"])
            path = folder / _CANARIES
            canaries = Canaries.read(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(
                f"{folder} does not hold a complete text.finetuned model ({reason}); fit it again"
            ) from None
        # The base may have moved since; where this config says that it is counts, if it is there.
        moved = self.model is not None and Path(self.model).expanduser().exists()
        base = find_base(self.model if moved else place or None, revision or None)
        if base.fingerprint != about["base_fingerprint"]:
            raise DataError(
                f"{folder} was trained on other weights of {about['base']} than those at {base.place or base.name}; "
                "put the old ones back and name their folder in model, or fit it again"
            )
        device = choose_device(self.device)
        model = read_causal_lm(base, device, choose_precision(about["precision"], device))
        lora = Lora(model.network, config.rank, config.alpha, config.modules)
        try:
            lora.restore(read_adapter(folder / _ADAPTER))
        except ValueError as error:
            raise DataError(f"{folder} does not hold the adapters of {base.name}: {error}; fit it again") from None
        return _FittedFinetuned(_Writer(model, config, schema), self.sampling, about, lora, str(base.folder), canaries)


def _told(base: Base) -> dict[str, str]:
    return {
        "base": base.name,
        "base_place": base.place,
        "base_revision": base.revision,
        "base_fingerprint": base.fingerprint,
    }


def _labelled(texts: list[str], label: int, schema: Schema) -> Corpus:
    """Return texts of one class."""
    return Corpus.of(texts, [label] * len(texts), text_schema(schema.classes, label=schema.label or LABEL))


def _curve(trace: Trace) -> list[list[float]]:
    """Return the mean loss of each part of the run as [last step of the part, loss]."""
    return [[step, loss] for step, loss in zip(np.cumsum(trace.counts).tolist(), trace.curve(), strict=True)]


class _Writer:
    """A model and the prompt of every class."""

    def __init__(self, model: CausalLm, config: Finetuned, schema: Schema) -> None:
        self.model, self.most, self.classes = model, config.max_tokens, schema.classes
        template = config.template if config.template is not None else (_TEMPLATE if self.classes else "")
        if (_BLANK in template) != bool(self.classes):
            has, fix = ("labels", "put it in") if self.classes else ("no labels", "take it out")
            raise ConfigError(f"template: the texts have {has}, found {template!r}; {_BLANK} stands for one: {fix}")
        # Plain replacement: other braces of a template are the user's own.
        self.prompts = model.tokens([template.replace(_BLANK, name) for name in self.classes or ("",)])
        needed = 2 + max(map(len, self.prompts)) + self.most
        if needed > model.positions:
            raise ConfigError(
                f"max_tokens: {self.most} and the prompt need {needed} positions, the model has {model.positions}; "
                f"allowed: at most {max(0, model.positions - needed + self.most)}"
            )

    def rows(self, data: Corpus) -> list[Row]:
        """Return every text behind the prompt of its class."""
        texts, rows = data.texts(), []
        for start in range(0, len(texts), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            for label, text in zip(data.labels[part], self.model.tokens(texts[part]), strict=True):
                rows.append(self.model.sequence(self.prompts[int(label)], text, self.most))
        return rows


class _Training:
    """Adapters and their optimiser."""

    def __init__(self, config: Finetuned, model: CausalLm, lora: Lora, rows: list[Row]) -> None:
        self.config, self.model, self.rows = config, model, rows
        self.weights = lora.tensors()
        self.optimizer = torch.optim.AdamW(
            self.weights.values(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.0
        )

    def tensors(self) -> Mapping[str, Tensor]:
        """Return adapters and optimiser state, live."""
        return {**self.weights, **adam_tensors(self.optimizer, "adam")}

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Make one step on the mean over all learnt tokens of these rows; nothing is random."""
        values_M, _ = self.model.log_probs([self.rows[row] for row in rows])
        loss = -values_M.mean()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.weights.values(), _GRADIENT_NORM)
        rate = self.config.learning_rate * warm_up_then_cosine(step, steps, _WARM_UP_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return {"loss": loss.detach(), "gradient norm": norm}


@final
class _FittedFinetuned:
    """A base model with trained adapters, and what it was trained with."""

    spent = None

    def __init__(
        self,
        writer: _Writer,
        sampling: _Sampling,
        about: dict[str, Any],
        lora: Lora,
        base: str,
        canaries: Canaries | None,
    ) -> None:
        self.about, self.sampling, self.canaries = about, sampling, canaries
        self._writer, self._schema = writer, Schema.model_validate(about["schema"])
        self._adapter = lora.weights(), lora.settings(base)
        # A small change of a weight in bfloat16 would be rounded away.
        if about["precision"] == "float32":
            lora.merge()

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Corpus:
        """Write n texts; those without an end, and those with a planted sentence, say so in the column `problem`.

        Args:
            n: How many, at least 0.
            rng: Key; the random numbers of row i come from its child ("row", i) alone.
            where: {"label": class name} or {"label": n class names}; without it, the classes take turns.

        Raises:
            ConfigError: A condition or a class is not known.
        """
        labels = wanted_labels(n, self._schema.classes or ("",), where, "text.finetuned")
        model, most = self._writer.model, self._writer.most
        texts, problems = [], []
        for start in range(0, n, self.sampling.batch):
            rows = range(start, min(start + self.sampling.batch, n))
            uniform = np.stack([rng.child("row", row).numpy().random(most + 1) for row in rows])
            prompts = [self._writer.prompts[int(labels[row])] for row in rows]
            settings = self.sampling
            made = model.continued(prompts, torch.from_numpy(uniform), settings.temperature, settings.top_p)
            for tokens, ended in made:
                text = model.text(tokens)
                problems.append(self._problem(text, ended))
                texts.append(clean(text) if problems[-1] else text)
        schema = text_schema(self._schema.classes, (PROBLEM,), self._schema.label or LABEL)
        return Corpus.of(texts, labels, schema, {PROBLEM: problems})

    def _problem(self, text: str, ended: bool) -> str:
        """Return why a text is not usable; empty when it is."""
        if self.canaries is not None and self.canaries.shows_in(text):
            return "canary: a planted sentence"
        if not ended:
            return f"no end within max_tokens={self._writer.most}"
        if _BROKEN in text:
            return "holds half a letter"
        return fault_of(text, _MOST)

    def log_likelihood(self, data: Corpus) -> npt.NDArray[np.float64]:
        """Return the natural logarithm of how probable each text with its end is, given its label, [N]."""
        return self._writer.model.log_likelihood(self._writer.rows(data), self.sampling.batch)

    def save(self, folder: Path) -> None:
        """Write `adapter/`, which opens in plain peft, `lookalike.json`, and the canaries if there are any."""
        (folder / _ADAPTER).mkdir()
        write_adapter(folder / _ADAPTER, *self._adapter)
        write_json(folder / _FILE, self.about)
        if self.canaries is not None:
            write_json(folder / _CANARIES, self.canaries.saved())
