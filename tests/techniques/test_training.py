"""The loop: batches, budgets, and above all that stopping and going on changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lookalike.core.errors import BudgetError, ConfigError, LookalikeError
from lookalike.core.events import CheckpointSaved, Event, Progress
from lookalike.core.rng import Rng
from lookalike.techniques import training


class _Watch:
    def __init__(self, folder: Path | None, stop_at: int | None = None) -> None:
        self.folder, self.stop_at, self.events = folder, stop_at, []

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, CheckpointSaved) and event.step == self.stop_at:
            raise KeyboardInterrupt


class _Line:
    """Fits one number by Adam, with noise."""

    def __init__(self) -> None:
        self.weight = torch.nn.Parameter(torch.zeros(4))
        self.optimizer = torch.optim.AdamW([self.weight], lr=0.1)
        self.calls = 0
        self.poison: int | None = None

    def tensors(self) -> dict[str, torch.Tensor]:
        return {"weight": self.weight, **training.adam_tensors(self.optimizer, "adam")}

    def update(self, rows: Any, step: int, steps: int, rng: Rng) -> dict[str, torch.Tensor]:
        self.calls += 1
        noise = torch.randn(4, generator=training.torch_generator(rng))
        loss = (self.weight - float(rows.mean()) - noise).square().sum()
        if step == self.poison:
            loss = loss * float("nan")
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.param_groups[0]["lr"] = 0.1 * training.warm_up_then_cosine(step, steps, 5)
        self.optimizer.step()
        return {"loss": loss.detach()}


def _plan(**changes: Any) -> training.Plan:
    base = {"rows": 10, "batch_size": 4, "steps": 25, "minutes": None, "key": "k", "checkpoint_seconds": 0.0}
    return training.Plan(**{**base, **changes})


def test_batches_use_every_row_equally_often() -> None:
    rows = np.concatenate([training.batch_rows(10, 4, step, Rng(0)) for step in range(25)])
    assert set(Counter(rows.tolist()).values()) == {10}
    assert sorted(rows[:10].tolist()) == list(range(10))
    assert rows[:10].tolist() != rows[10:20].tolist()


def test_batch_larger_than_the_data() -> None:
    assert sorted(training.batch_rows(3, 6, 0, Rng(0)).tolist()) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("stop_at", [1, 7, 24])
def test_resumed_run_ends_with_the_same_bytes(tmp_path: Path, stop_at: int) -> None:
    whole = _Line()
    trace = training.train(whole, _plan(), Rng(5), _Watch(None))
    with pytest.raises(KeyboardInterrupt):
        training.train(_Line(), _plan(), Rng(5), _Watch(tmp_path, stop_at))
    again = _Line()
    resumed = training.train(again, _plan(), Rng(5), _Watch(tmp_path))
    assert again.calls == 25 - stop_at
    assert torch.equal(again.weight, whole.weight)
    assert resumed == trace


def test_minutes_become_steps_once_and_timing_leaves_no_trace(tmp_path: Path) -> None:
    timed = _Line()
    with pytest.raises(KeyboardInterrupt):
        training.train(timed, _plan(steps=None, minutes=0.005), Rng(5), _Watch(tmp_path, stop_at=3))
    steps = json.loads((tmp_path / training.PLAN_FILE).read_text())["steps"]
    resumed, asked = _Line(), _Line()
    assert training.train(resumed, _plan(steps=None, minutes=0.005), Rng(5), _Watch(tmp_path)).steps == steps
    training.train(asked, _plan(steps=steps), Rng(5), _Watch(None))
    assert torch.equal(resumed.weight, asked.weight)


def test_too_short_a_budget_says_what_is_needed() -> None:
    with pytest.raises(BudgetError, match="too short"):
        training.train(_Line(), _plan(steps=None, minutes=1e-9), Rng(0), _Watch(None))


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    training.train(_Line(), _plan(), Rng(5), _Watch(tmp_path))
    with pytest.raises(ConfigError, match="another run"):
        training.train(_Line(), _plan(key="other"), Rng(5), _Watch(tmp_path))


def test_damaged_checkpoint_is_one_line(tmp_path: Path) -> None:
    training.train(_Line(), _plan(), Rng(5), _Watch(tmp_path))
    (tmp_path / training.CHECKPOINT_FILE).write_bytes(b"broken")
    with pytest.raises(LookalikeError, match="damaged"):
        training.train(_Line(), _plan(), Rng(5), _Watch(tmp_path))


def test_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    line = _Line()
    line.poison = 12
    with pytest.raises(LookalikeError, match="loss became nan at step 13"):
        training.train(line, _plan(), Rng(5), _Watch(tmp_path))
    healthy, whole = _Line(), _Line()
    training.train(healthy, _plan(), Rng(5), _Watch(tmp_path))
    training.train(whole, _plan(), Rng(5), _Watch(None))
    assert healthy.calls == 13
    assert torch.equal(healthy.weight, whole.weight)


def test_finished_run_trains_no_more(tmp_path: Path) -> None:
    training.train(_Line(), _plan(), Rng(5), _Watch(tmp_path))
    again = _Line()
    training.train(again, _plan(), Rng(5), _Watch(tmp_path))
    assert again.calls == 0


def test_curve_is_short_and_progress_is_emitted(tmp_path: Path) -> None:
    watch = _Watch(tmp_path)
    trace = training.train(_Line(), _plan(steps=450, checkpoint_seconds=100.0), Rng(5), watch)
    assert len(trace.curve()) == 200
    assert sum(trace.counts) == 450
    last = [event for event in watch.events if isinstance(event, Progress)][-1]
    assert (last.done, last.total, last.unit) == (450, 450, "steps")
    assert set(last.values) == {"loss", "images/s"}


def test_learning_rate_rises_and_falls_to_zero() -> None:
    rates = [training.warm_up_then_cosine(step, 100, 10) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) > 0.95
    assert rates[-1] < 0.001
    assert training.warm_up_then_cosine(0, 1, 100) == 1.0
