"""A resumable training loop for any model whose step is a pure function of its state, a key and a step number.

The state is a set of named tensors. Batches come from keyed permutations and noise from keyed generators, so a run
that was killed and started again ends with the same bytes as one that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lookalike.core.errors import BudgetError, ConfigError, LookalikeError
from lookalike.core.events import CheckpointSaved, Note, Progress, Watch
from lookalike.core.rng import Rng
from lookalike.core.store import write_file

CURVE_POINTS = 200
PLAN_FILE = "plan.json"
CHECKPOINT_FILE = "checkpoint.safetensors"
_WARM_UP_STEPS = 3
_TIMED_STEPS = 5
_TIMED_SHARE = 0.04
_SLOWEST = 3.0
_EVENTS_EVERY_S = 0.25


class Trainable(Protocol):
    """A model in training: networks, optimisers, averages."""

    def tensors(self) -> Mapping[str, Tensor]:
        """Return every tensor that the next step depends on, live: writing into them restores a state."""
        ...

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Make step number `step` of `steps` on these rows, with all randomness from `rng`; return named figures."""
        ...


@final
@dataclass(frozen=True)
class Plan:
    """What to train on and for how long.

    Attributes:
        rows: Number of training rows, at least 1.
        batch_size: Rows of one step, at least 1.
        steps: Number of steps; None = from `minutes`.
        minutes: Wall time for training; used when `steps` is None.
        key: Hash of everything the result depends on; a checkpoint with another key is refused.
        checkpoint_seconds: Wall time between two checkpoints, at least 0.
        stage: Name in events.
        unit: What a row is called in messages, in the plural.
        advice: What to do where a figure is no longer finite.
    """

    rows: int
    batch_size: int
    steps: int | None
    minutes: float | None
    key: str
    checkpoint_seconds: float = 60.0
    stage: str = "fit"
    unit: str = "images"
    advice: str = "lower learning_rate, or use precision: float32"


@final
@dataclass
class Trace:
    """What training did; part of every checkpoint.

    Attributes:
        steps: Number of steps of the whole run.
        done: Steps made.
        sums: Sum of the first figure over the steps of each of at most 200 equal parts of the run.
        counts: Steps in each part.
    """

    steps: int
    done: int = 0
    sums: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def record(self, value: float) -> None:
        """Add the figure of the step that was just made."""
        part = self.done * min(CURVE_POINTS, self.steps) // self.steps
        if part >= len(self.sums):
            self.sums.append(0.0)
            self.counts.append(0)
        self.sums[-1] += value
        self.counts[-1] += 1
        self.done += 1

    def curve(self) -> list[float]:
        """Return the mean figure of each part, in order."""
        return [total / count for total, count in zip(self.sums, self.counts, strict=True)]


def torch_generator(rng: Rng, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh torch generator for a node of the tree of random streams."""
    return torch.Generator(device=device).manual_seed(rng.integer())


def batch_rows(rows: int, batch_size: int, step: int, rng: Rng) -> npt.NDArray[np.int64]:
    """Return the rows of one batch: consecutive pieces of one permutation per epoch.

    Args:
        rows: Number of rows, at least 1.
        batch_size: Rows of one batch.
        step: Number of the batch from 0.
        rng: Key of the order.

    Returns:
        Positions, [batch_size] int64; over any whole number of epochs each row comes equally often.
    """
    place = np.arange(step * batch_size, (step + 1) * batch_size)
    epoch = place // rows
    keys = {int(e): rng.child("epoch", int(e)) for e in np.unique(epoch)}
    picked = [_order(rows, key.seed, key.path)[place[epoch == e] % rows] for e, key in keys.items()]
    return np.concatenate(picked).astype(np.int64)


# An epoch is asked for once a batch; only the newest permutations are worth keeping.
@lru_cache(maxsize=2)
def _order(rows: int, seed: int, path: tuple[str, ...]) -> npt.NDArray[np.int64]:
    return Rng(seed, path).numpy().permutation(rows)


def warm_up_then_cosine(step: int, steps: int, warm_up: int) -> float:
    """Return the factor of the learning rate: a linear rise, then half a cosine down to 0 at the last step.

    Args:
        step: Number of the step from 0.
        steps: Number of steps of the whole run; nothing else decides, so a resumed run follows the same curve.
        warm_up: Steps of the rise; at most a tenth of the run is used.

    Returns:
        A number in [0, 1].
    """
    rise = min(1.0, (step + 1) / max(1, min(warm_up, steps // 10)))
    return rise * 0.5 * (1 + math.cos(math.pi * step / steps))


def adam_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """Return the live state of an Adam or AdamW optimiser by name, made now if no step was made yet."""
    found = {}
    for g, group in enumerate(optimizer.param_groups):
        for p, parameter in enumerate(group["params"]):
            state = optimizer.state[parameter]
            if not state:
                state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
            found.update({f"{prefix}.{g}.{p}.{name}": state[name] for name in ("step", "exp_avg", "exp_avg_sq")})
    return found


def train(model: Trainable, plan: Plan, rng: Rng, watch: Watch) -> Trace:
    """Train to the end, from the newest checkpoint in `watch.folder` if there is one.

    Args:
        model: What to train; its tensors hold the result.
        plan: Data size, budget and key.
        rng: Key of batches and noise.
        watch: Receives progress; its folder keeps the checkpoints.

    Returns:
        What was done, equal for a resumed and an uninterrupted run.

    Raises:
        ConfigError: The folder holds a checkpoint of another run.
        LookalikeError: A figure is no longer finite; the last good checkpoint stays.
    """
    trace = _resume(model, plan, watch)
    if trace is None:
        trace = Trace(_steps(model, plan, rng, watch))
        _write_plan(plan, trace.steps, watch)
    started, first = time.monotonic(), trace.done
    last_event = last_checkpoint = started
    while trace.done < trace.steps:
        figures = _one_step(model, plan, trace, rng)
        trace.record(next(iter(figures.values())))
        now = time.monotonic()
        if now - last_event >= _EVENTS_EVERY_S or trace.done == trace.steps:
            last_event = now
            rate = (trace.done - first) * plan.batch_size / max(now - started, 1e-9)
            watch(Progress(plan.stage, trace.done, trace.steps, "steps", {**figures, f"{plan.unit}/s": rate}))
        if now - last_checkpoint >= plan.checkpoint_seconds or trace.done == trace.steps:
            last_checkpoint = now
            _checkpoint(model, plan, trace, watch)
    return trace


def _one_step(model: Trainable, plan: Plan, trace: Trace, rng: Rng) -> dict[str, float]:
    step = trace.done
    rows = batch_rows(plan.rows, plan.batch_size, step, rng)
    figures = model.update(rows, step, trace.steps, rng.child("noise", step))
    values = {name: float(value) for name, value in figures.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise LookalikeError(
                f"training stopped: {name} became {value} at step {step + 1} of {trace.steps}; finite numbers are "
                f"needed; {plan.advice} (a checkpoint of before, if there is one, is kept)"
            )
    return values


def _steps(model: Trainable, plan: Plan, rng: Rng, watch: Watch) -> int:
    """Return the number of steps: as asked, or what fits into the minutes, by timing steps that are then undone."""
    if plan.steps is not None:
        return plan.steps
    if plan.minutes is None:
        raise ConfigError("training needs a budget, found neither minutes nor steps; give one of them")
    before = {name: value.detach().clone() for name, value in model.tensors().items()}
    budget, started = plan.minutes * 60, time.monotonic()
    seconds: list[float] = []
    while len(seconds) < _WARM_UP_STEPS + _TIMED_STEPS or time.monotonic() - started < _TIMED_SHARE * budget:
        begun = time.monotonic()
        # A long made-up run keeps the learning rate in its rise, whatever the real length will be.
        _one_step(model, plan, Trace(10**6, done=len(seconds)), rng)
        seconds.append(time.monotonic() - begun)
    with torch.no_grad():
        for name, value in model.tensors().items():
            value.copy_(before[name])
    rest = budget - (time.monotonic() - started)
    # The mean, as some steps do more than others; but a neighbour on the machine that disturbs a few steps must not
    # shorten the whole run.
    timed = np.array(seconds[_WARM_UP_STEPS:])
    each = float(np.minimum(timed, _SLOWEST * np.median(timed)).mean())
    if rest < each:
        raise BudgetError(
            f"minutes: {plan.minutes:g} is too short, one step takes {each:.2g} s; "
            f"allowed: at least {(time.monotonic() - started + 2 * each) / 60:.2g}; give more minutes or steps"
        )
    steps = int(rest / each)
    message = f"{plan.minutes:g} minutes are {steps} steps of {plan.batch_size} {plan.unit} ({each:.3g} s each)"
    watch(Note(plan.stage, message))
    return steps


def _write_plan(plan: Plan, steps: int, watch: Watch) -> None:
    if watch.folder is not None:
        watch.folder.mkdir(parents=True, exist_ok=True)
        write_file(watch.folder / PLAN_FILE, json.dumps({"key": plan.key, "steps": steps, "threads": _threads()}))


def _threads() -> int:
    return int(torch.get_num_threads())


def _resume(model: Trainable, plan: Plan, watch: Watch) -> Trace | None:
    """Load plan and checkpoint, and return how far the run was; None = nothing is there."""
    folder = watch.folder
    if folder is None or not (folder / PLAN_FILE).is_file():
        return None
    noted = _read_json(folder / PLAN_FILE)
    if noted.get("key") != plan.key:
        raise ConfigError(
            f"{folder} holds the checkpoint of another run (other data, settings or seed); "
            "use another folder, or delete this one to start again"
        )
    if noted.get("threads") != _threads():
        message = f"this run began with {noted.get('threads')} threads and goes on with {_threads()}: bytes may differ"
        watch(Note(plan.stage, message, "warning"))
    if not (folder / CHECKPOINT_FILE).is_file():
        return Trace(int(noted["steps"]))
    trace = _load(model, folder / CHECKPOINT_FILE)
    watch(Note(plan.stage, f"going on after step {trace.done} of {trace.steps}"))
    return trace


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise LookalikeError(f"{path} is damaged ({error}); delete its folder to start this training again") from None


def _checkpoint(model: Trainable, plan: Plan, trace: Trace, watch: Watch) -> None:
    if watch.folder is None:
        return
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.tensors().items()}
    about = {"done": trace.done, "steps": trace.steps, "sums": trace.sums, "counts": trace.counts}
    # One file for tensors and counters: a crash between two files cannot leave them out of step.
    write_file(watch.folder / CHECKPOINT_FILE, save(tensors, metadata={"trace": json.dumps(about)}))
    watch(CheckpointSaved(plan.stage, trace.done))


@torch.no_grad()
def _load(model: Trainable, path: Path) -> Trace:
    try:
        with safe_open(path, framework="pt") as file:
            trace = Trace(**json.loads(file.metadata()["trace"]))
            for name, value in model.tensors().items():
                value.copy_(file.get_tensor(name))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise LookalikeError(f"{path} is damaged ({error}); delete its folder to start this training again") from None
    return trace
