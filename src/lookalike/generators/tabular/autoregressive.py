"""One column after the other, in any order, under any condition: the language models' way, over coded columns.

Legend: B rows of a batch, N rows, D modelled columns, K codes of a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor

from lookalike.core.errors import DataError
from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.store import digest
from lookalike.data.coded_numbers import UNSEEN, Grain
from lookalike.data.coding import TableCoding
from lookalike.data.fresh import BLOCK
from lookalike.data.table import Codes, Numbers, Table
from lookalike.generators.tabular.drawing.rows import (
    Known,
    check_table,
    draw_rows,
    fill_rows,
    numeric,
    pick,
    shares,
)
from lookalike.generators.tabular.drawing.settings import SavedModel, Trained, held_out
from lookalike.networks.any_order import AnyOrder
from lookalike.techniques.ema import Ema
from lookalike.techniques.hardware import choose_device
from lookalike.techniques.orders import before, mixed_ranks, usual_ranks
from lookalike.techniques.parts import CPU_PARTS, Parts
from lookalike.techniques.training import Plan, adam_tensors, torch_generator, train, warm_up_then_cosine

_NAME = "tabular.autoregressive"
_FORMAT = f"lookalike.{_NAME}/1"
_EPOCHS = 8.0
_LOOKS = 16
_MOST_LOOKED_AT = 2000
_MOST_COLUMNS = 100
_WARM_UP_STEPS = 100
_GRADIENT_NORM = 5.0


@final
class Autoregressive(Trained):
    """Learns each column given any set of the others; draws and completes rows under any condition.

    What is asked stands first in a row's order, so it is followed exactly, without rejection. Numbers are coded in
    bins of equal mass and spikes, and drawn within a bin as the training values lie there.

    Source: Uria et al. 2014, arXiv 1310.1757 (any order); Tiwald et al. 2025, arXiv 2501.12012 (tables).

    Differs from the papers: half of the training rows come in the usual order, in which unconditional rows are drawn,
        a quarter with the label first and a quarter with random columns first; a twentieth of the rows decides which
        state of training is kept.
    """

    rows_per_shard: ClassVar[int] = 4 * BLOCK

    bins: int = Field(default=128, ge=1, le=1024, description="Bins of a number with many different values.")
    distinct: int = Field(
        default=128, ge=1, le=4096, description="A number with at most so many different values is not binned."
    )
    levels: int = Field(default=256, ge=2, le=4096, description="Levels of a category that are learnt one by one.")
    embedding: int = Field(default=16, ge=1, le=256, description="Numbers that stand for a value.")
    hidden: int = Field(default=96, ge=8, le=2048, description="Width of the network of a column.")
    layers: int = Field(default=1, ge=0, le=8, description="Residual layers of the network of a column.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of hidden units dropped in training.")
    any_order: float = Field(
        default=0.5, ge=0, le=1, description="Share of training rows with random columns first; 0 = no conditions."
    )
    batch_size: int = Field(default=256, ge=1, le=65_536, description="Rows of one step.")
    learning_rate: float = Field(default=3e-3, gt=0, le=1, description="Highest rate of AdamW; falls to 0 at the end.")
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="Weight decay of AdamW.")

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedAutoregressive:
        """Train on rows; resumes from `watch.folder`.

        Raises:
            DataError: No rows, or columns that cannot be learnt.
            ConfigError: A setting cannot be used here.
        """
        check_table(data, _NAME, _MOST_COLUMNS, watch)
        device = choose_device(self.device)
        coding = TableCoding.learn(data, Grain(bins=self.bins, few=self.distinct, levels=self.levels))
        codes, _ = coding.encode(data, rng.child("places").numpy())
        trainable = _Training(self, coding, codes, device, rng)
        plan = Plan(
            rows=len(trainable.learnt),
            batch_size=self.batch_size,
            steps=self.planned_steps(len(trainable.learnt), self.batch_size, _EPOCHS),
            minutes=self.minutes,
            key=digest([_FORMAT, self.model_dump(), data.fingerprint(), repr(rng)]),
            unit="rows",
        )
        size = sum(p.numel() for p in trainable.weights) / 1e6
        watch(Note("fit", f"network of {size:.2f} million weights for {sum(coding.sizes)} codes on {device.type}"))
        trace = train(trainable, plan, rng, watch)
        about = {
            "format": _FORMAT,
            "config": self.model_dump(),
            "steps": trace.steps,
            "curve": trace.curve(),
            "looks": [round(float(value), 5) for value in trainable.looks.tolist() if abs(value) < 1e30],
        }
        return _FittedAutoregressive(SavedModel(about, trainable.best_weights(), coding), device)

    def load(self, folder: Path) -> _FittedAutoregressive:
        """Read a fitted model; the device comes from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        return _FittedAutoregressive(SavedModel.open(folder, _FORMAT, _NAME), choose_device(self.device))


def _usual_order(coding: TableCoding) -> list[int]:
    """Return the columns in the schema's order with the label last: what it follows from stands before it."""
    names = coding.names
    return sorted(range(len(names)), key=lambda d: (names[d] == coding.schema.label, d))


def _network(config: Mapping[str, Any], coding: TableCoding) -> AnyOrder:
    return AnyOrder(
        coding.sizes,
        numeric(coding.schema, coding.names),
        config["embedding"],
        config["hidden"],
        config["layers"],
        config["dropout"],
    )


class _Training:
    """Networks, optimiser, average and the best average so far."""

    def __init__(
        self, config: Autoregressive, coding: TableCoding, codes: Codes, device: torch.device, rng: Rng
    ) -> None:
        self.config, self.device = config, device
        held = held_out(len(codes), rng.child("held"))
        self.learnt = torch.from_numpy(codes[~held]).to(device)
        self.held = torch.from_numpy(codes[held][:_MOST_LOOKED_AT]).to(device)
        self.rank_D = usual_ranks(_usual_order(coding)).to(device)
        names = coding.names
        self.label = names.index(coding.schema.label) if coding.schema.label in names else None
        network = _network(config.model_dump(), coding)
        network.initialise(rng.child("weights"), shares(codes, coding.sizes))
        self.network = network.to(device).train()
        self.weights = list(self.network.parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights, config.learning_rate, (0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )
        self.ema = Ema(dict(self.network.named_parameters()), half_life=1.0)
        self.best = {name: value.clone() for name, value in self.ema.average.items()}
        self.looks = torch.full((_LOOKS,), torch.inf, device=device)
        # Dropout draws from torch's one global generator, which threads would race for.
        self.parts = Parts(CPU_PARTS if device.type == "cpu" and config.dropout == 0 else 1)

    def tensors(self) -> Mapping[str, Tensor]:
        """Return weights, optimiser state, both averages and what the looks found, live."""
        found: dict[str, Tensor] = {f"net.{name}": value for name, value in self.network.named_parameters()}
        found.update(adam_tensors(self.optimizer, "adam"))
        found.update({f"ema.{name}": value for name, value in self.ema.average.items()})
        found.update({f"best.{name}": value for name, value in self.best.items()})
        return {**found, "looks": self.looks}

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Make one step of gradient descent on minus the mean log-likelihood of rows in their orders."""
        generator = torch_generator(rng, self.device)
        codes = self.learnt[torch.from_numpy(rows).to(self.device)]
        rank_BD = mixed_ranks(len(rows), self.rank_D, self.config.any_order, generator, self.label)

        def error(part: slice) -> Tensor:
            return -self.network.log_probability(codes[part], before(rank_BD[part])).sum(1).mean()

        with torch.random.fork_rng(devices=[], enabled=self.config.dropout > 0):
            if self.config.dropout > 0:
                torch.default_generator.manual_seed(rng.child("dropout").integer())
            loss = self.parts.gradients(error, len(rows), self.weights)
        norm = torch.nn.utils.clip_grad_norm_(self.weights, _GRADIENT_NORM)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * warm_up_then_cosine(step, steps, _WARM_UP_STEPS)
        self.optimizer.step()
        self.ema.half_life = 0.02 * steps * len(rows)
        self.ema.update(len(rows), (step + 1) * len(rows))
        look = (step + 1) * _LOOKS // steps
        if look > step * _LOOKS // steps:
            self._look(look - 1, rng)
        return {"loss": loss, "gradient norm": norm}

    @torch.no_grad()
    def _look(self, place: int, rng: Rng) -> None:
        """Keep the average if it fits rows that are not learnt from better than ever before."""
        now = {name: value.clone() for name, value in self.network.named_parameters()}
        self._set(self.ema.average)
        value = torch.tensor(-torch.inf)
        if len(self.held):
            half = torch.zeros(len(self.held), 1, device=self.device)
            half[::2] = 1
            draw = torch_generator(rng.child("look"), self.device)
            ranks = mixed_ranks(len(self.held), self.rank_D, 1.0, draw, self.label)
            seen = before(torch.where(half > 0, ranks, self.rank_D.expand_as(ranks)))
            self.network.eval()
            value = -self.network.log_probability(self.held, seen).sum(1).mean()
            self.network.train()
        if value <= self.looks.min():
            for name, average in self.ema.average.items():
                self.best[name].copy_(average)
        self.looks[place] = value.clamp(min=-1e30)
        self._set(now)

    @torch.no_grad()
    def _set(self, values: Mapping[str, Tensor]) -> None:
        for name, value in self.network.named_parameters():
            value.copy_(values[name])

    def best_weights(self) -> dict[str, Tensor]:
        """Return the average that was kept."""
        return {f"net.{name}": value for name, value in self.best.items()}


@final
class _FittedAutoregressive:
    """A trained network with all that is needed to draw from it."""

    spent = None

    def __init__(self, saved: SavedModel, device: torch.device) -> None:
        self.saved, self.coding, self.schema, self.device = saved, saved.coding, saved.coding.schema, device
        network = _network(saved.about["config"], self.coding)
        try:
            network.load_state_dict({name.removeprefix("net."): value for name, value in saved.weights.items()})
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"the weights of {_NAME} do not fit its settings ({reason}); fit it again") from None
        self.network = network.to(device).eval().requires_grad_(False)
        self.order = _usual_order(self.coding)

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Table:
        """Draw exactly n rows.

        Args:
            n: Number of rows, at least 0.
            rng: Key; row i depends on it and on i alone.
            where: Column -> one value, or one for each row; any columns. None asks for a missing value.

        Raises:
            ConfigError: A column or a value cannot be asked for.
        """
        return draw_rows(n, rng, where, self.coding, _NAME, partial(self._draw, whole=False))

    def impute(self, data: Table, rng: Rng) -> Table:
        """Return the rows with a value drawn in place of every missing one, given all that is there.

        Raises:
            DataError: The columns are not those of the training rows.
        """
        return fill_rows(data, rng, self.coding, partial(self._draw, whole=True))

    @torch.no_grad()
    def _draw(self, codes: Codes, places: Numbers, known: Known, rng: Rng, whole: bool) -> tuple[Codes, Numbers]:
        """Draw what is not known of a block; `whole` = no value is drawn as missing."""
        uniform = torch.from_numpy(rng.child("code").numpy().random(codes.shape)).to(self.device)
        drawn, given = torch.from_numpy(codes.copy()).to(self.device), torch.from_numpy(known).to(self.device)
        seen = given.clone()
        for d in self.order:
            if known[:, d].all():
                continue
            logits = self.network.column(d, drawn, seen).double()
            missing = self.coding.columns[d].missing_code
            if whole and missing != UNSEEN and logits.shape[1] > 1:
                logits[:, missing] = -torch.inf
            new = pick(logits, uniform[:, d])
            drawn[:, d] = torch.where(given[:, d], drawn[:, d], new)
            seen[:, d] = True
        inside = rng.child("place").numpy().random(codes.shape)
        return drawn.cpu().numpy(), np.where(known, places, inside)

    @torch.no_grad()
    def log_likelihood(self, data: Table) -> Numbers:
        """Return the log-probability of each row given its label, [N]; the label stands first, then the usual order.

        Of numbers on a grid it is a probability, of others a density; -inf for values that no training row has.
        """
        codes, _ = self.coding.encode(data, np.random.Generator(np.random.Philox(key=0)))
        first = [d for d in self.order if self.coding.names[d] == self.schema.label]
        rest = [d for d in self.order if d not in first]
        rank_D = usual_ranks([*first, *rest]).to(self.device)
        total: Numbers = self.coding.log_share(codes, data)[:, rest].sum(axis=1)
        for start in range(0, len(codes), BLOCK):
            part = torch.from_numpy(np.maximum(codes[start : start + BLOCK], 0)).to(self.device)
            seen = before(rank_D.expand(len(part), -1))
            total[start : start + BLOCK] += self.network.log_probability(part, seen)[:, rest].sum(1).cpu().numpy()
        return total

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `lookalike.json`."""
        self.saved.save(folder)
