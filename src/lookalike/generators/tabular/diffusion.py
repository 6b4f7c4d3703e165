"""Rows out of noise: numbers and categories together, in continuous time, with a small network.

Legend: B rows of a batch, N rows, D modelled columns, K codes of a column, E length of a code's vector.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

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
from lookalike.generators.tabular.drawing.settings import SavedModel, Trained
from lookalike.networks.tabular_denoiser import TabularDenoiser
from lookalike.techniques import samplers
from lookalike.techniques.ema import Ema
from lookalike.techniques.hardware import PrecisionChoice, choose_device, choose_precision
from lookalike.techniques.parts import CPU_PARTS, Parts
from lookalike.techniques.training import Plan, adam_tensors, torch_generator, train, warm_up_then_cosine

_NAME = "tabular.diffusion"
_FORMAT = f"lookalike.{_NAME}/1"
_EPOCHS = 20.0
_MOST_COLUMNS = 1000
_WARM_UP_STEPS = 100
_GRADIENT_NORM = 5.0


class _Sampling(BaseModel):
    """How a fitted model draws rows; changing it never trains again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sampler: Literal["ddpm", "dpmpp_2m", "unipc"] = Field(
        default="ddpm", description="How noise is taken away: with fresh noise at every step, or along a curve."
    )
    steps: int = Field(default=30, ge=2, le=1000, description="Network evaluations for a row.")


@final
class Diffusion(Trained):
    """Learns rows by undoing noise, numbers and categories at once; draws and completes them under any condition.

    What is asked stays without noise, as in training, so rows follow it; how well they fit it is learnt.

    Source: Karras et al. 2022, arXiv 2206.00364 (continuous noise levels); Mueller et al. 2024, arXiv 2312.10431, and
        Kotelnikov et al. 2023, arXiv 2209.15421 (tables).

    Differs from the papers: every column is coded, numbers in bins too, and learnt by cross-entropy; a column's own
        noisy vector is judged by Bayes' rule instead of by the network; half of the training rows have some columns
        without noise.
    """

    rows_per_shard: ClassVar[int] = 4 * BLOCK

    bins: int = Field(default=64, ge=1, le=1024, description="Bins of a number with many different values.")
    distinct: int = Field(
        default=128, ge=1, le=4096, description="A number with at most so many different values is not binned."
    )
    levels: int = Field(default=256, ge=2, le=4096, description="Levels of a category that are learnt one by one.")
    vector: int = Field(default=8, ge=2, le=256, description="Numbers that stand for a value and carry the noise.")
    hidden: int = Field(default=384, ge=8, le=8192, description="Width of the network.")
    layers: int = Field(default=3, ge=1, le=64, description="Residual blocks of the network.")
    low: float = Field(default=0.1, gt=0, le=1, description="Lowest noise level, in deviations of a value's numbers.")
    high: float = Field(default=20.0, ge=2, le=1000, description="Highest noise level.")
    conditioned: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of training rows with some columns free of noise; 0 = no conditions.",
    )
    batch_size: int = Field(default=512, ge=1, le=65_536, description="Rows of one step.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="Highest rate of AdamW; falls to 0 at the end.")
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="Weight decay of AdamW.")
    ema_half_life: float = Field(
        default=0.02, gt=0, le=0.1, description="Half-life of the weight average as a share of all rows seen."
    )
    precision: PrecisionChoice = Field(default="auto", description="Number format of matrix products.")
    sampling: _Sampling = Field(default=_Sampling(), description="How rows are drawn.")

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedDiffusion:
        """Train on rows; resumes from `watch.folder`.

        Raises:
            DataError: No rows, or columns that cannot be learnt.
            ConfigError: A setting cannot be used here.
        """
        check_table(data, _NAME, _MOST_COLUMNS, watch)
        device = choose_device(self.device)
        precision = choose_precision(self.precision, device)
        coding = TableCoding.learn(data, Grain(bins=self.bins, few=self.distinct, levels=self.levels))
        codes, _ = coding.encode(data, rng.child("places").numpy())
        config = self.model_dump(exclude={"sampling"})
        trainable = _Training(self, coding, codes, device, precision == "bfloat16", rng.child("weights"))
        plan = Plan(
            rows=len(data),
            batch_size=self.batch_size,
            steps=self.planned_steps(len(data), self.batch_size, _EPOCHS),
            minutes=self.minutes,
            key=digest([_FORMAT, config, data.fingerprint(), repr(rng), precision]),
            unit="rows",
        )
        size = sum(p.numel() for p in trainable.weights) / 1e6
        watch(Note("fit", f"network of {size:.2f} million weights for {sum(coding.sizes)} codes, {precision}"))
        trace = train(trainable, plan, rng, watch)
        about = {
            "format": _FORMAT,
            "config": config,
            "precision": precision,
            "steps": trace.steps,
            "curve": trace.curve(),
        }
        return _FittedDiffusion(SavedModel(about, trainable.averaged(), coding), self.sampling, device)

    def load(self, folder: Path) -> _FittedDiffusion:
        """Read a fitted model; sampling settings and device come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        return _FittedDiffusion(SavedModel.open(folder, _FORMAT, _NAME), self.sampling, choose_device(self.device))


class _Training:
    """Network, optimiser and average."""

    def __init__(
        self, config: Diffusion, coding: TableCoding, codes: Codes, device: torch.device, reduced: bool, rng: Rng
    ) -> None:
        self.config, self.device, self.reduced = config, device, reduced
        self.codes = torch.from_numpy(codes).to(device)
        network = TabularDenoiser(coding.sizes, config.vector, config.hidden, config.layers)
        network.initialise(rng, shares(codes, coding.sizes), numeric(coding.schema, coding.names))
        self.network = network.to(device)
        self.weights = list(self.network.parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights, config.learning_rate, (0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )
        self.ema = Ema(dict(self.network.named_parameters()), half_life=1.0)
        self.parts = Parts(CPU_PARTS if device.type == "cpu" else 1)

    def tensors(self) -> Mapping[str, Tensor]:
        """Return weights, optimiser state and average, live."""
        found: dict[str, Tensor] = {f"net.{name}": value for name, value in self.network.named_parameters()}
        found.update(adam_tensors(self.optimizer, "adam"))
        return {**found, **{f"ema.{name}": value for name, value in self.ema.average.items()}}

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Make one step of gradient descent on the cross-entropy of the codes under noise."""
        config, generator, count = self.config, torch_generator(rng, self.device), len(rows)
        codes = self.codes[torch.from_numpy(rows).to(self.device)]
        sigma_B1 = _levels(count, config.low, config.high, generator)
        known_BD = _given_columns(count, codes.shape[1], config.conditioned, generator)
        clean = self.network.vectors(codes)
        noise = torch.randn(clean.shape, generator=generator, device=self.device)
        x_BDE = torch.where(known_BD.unsqueeze(-1), clean, clean + sigma_B1.unsqueeze(-1) * noise)

        def error(part: slice) -> Tensor:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.reduced, cache_enabled=False):
                logits = self.network(x_BDE[part], sigma_B1[part], known_BD[part])
            found = [functional.cross_entropy(a, codes[part, d], reduction="none") for d, a in enumerate(logits)]
            return (torch.stack(found, 1) * ~known_BD[part]).sum(1).mean()

        loss = self.parts.gradients(error, count, self.weights)
        norm = torch.nn.utils.clip_grad_norm_(self.weights, _GRADIENT_NORM)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * warm_up_then_cosine(step, steps, _WARM_UP_STEPS)
        self.optimizer.step()
        self.ema.half_life = config.ema_half_life * steps * count
        self.ema.update(count, (step + 1) * count)
        return {"loss": loss, "gradient norm": norm}

    def averaged(self) -> dict[str, Tensor]:
        """Return the averaged weights and the codes' vectors."""
        found = {f"net.{name}": value for name, value in self.network.named_buffers() if name != "start_D"}
        return {**found, **{f"net.{name}": value for name, value in self.ema.average.items()}}


def _levels(rows: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Return noise levels, [B, 1], whose logarithms cover the range evenly: one from each of B equal strata."""
    order_B = torch.randperm(rows, generator=generator, device=generator.device)
    place_B = (order_B + torch.rand(rows, generator=generator, device=generator.device)) / rows
    return (math.log(low) + place_B * math.log(high / low)).exp().unsqueeze(1)


def _given_columns(rows: int, columns: int, share: float, generator: torch.Generator) -> Tensor:
    """Return which columns carry no noise, [B, D]: none in some rows, a uniform number of them in the others."""
    draw = partial(torch.rand, generator=generator, device=generator.device)
    return (draw(rows, columns) < draw(rows, 1)) & (draw(rows, 1) < share)


@final
class _FittedDiffusion:
    """A trained network with all that is needed to draw from it."""

    spent = None

    def __init__(self, saved: SavedModel, sampling: _Sampling, device: torch.device) -> None:
        self.saved, self.coding, self.schema = saved, saved.coding, saved.coding.schema
        self.sampling, self.device, config = sampling, device, saved.about["config"]
        network = TabularDenoiser(self.coding.sizes, config["vector"], config["hidden"], config["layers"])
        try:
            network.load_state_dict({name.removeprefix("net."): value for name, value in saved.weights.items()})
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"the weights of {_NAME} do not fit its settings ({reason}); fit it again") from None
        self.network = network.to(device).eval().requires_grad_(False)
        self.reduced = choose_precision(saved.about["precision"], device) == "bfloat16"

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
        config, generator = self.saved.about["config"], torch_generator(rng.child("noise"))
        given, known_BD = torch.from_numpy(codes).to(self.device), torch.from_numpy(known).to(self.device)
        clean, fixed = self.network.vectors(given), known_BD.unsqueeze(-1)

        def noise() -> Tensor:
            return torch.randn(clean.shape, generator=generator).to(self.device)

        def denoise(x: Tensor, sigma: float) -> Tensor:
            return torch.where(fixed, clean, self.network.means(self._logits(x, sigma, clean, known_BD, whole)))

        levels = samplers.edm_sigmas(self.sampling.steps, config["low"], config["high"])[:-1]
        start = self.network.means([self.network.log_share[None, span] for span in self.network.spans])
        x = start + levels[0] * noise()
        if self.sampling.sampler == "ddpm":
            x = samplers.ddpm(denoise, x, levels, noise)
        else:
            x = {"dpmpp_2m": samplers.dpmpp_2m, "unipc": samplers.unipc}[self.sampling.sampler](denoise, x, levels)
        uniform = torch.from_numpy(rng.child("code").numpy().random(codes.shape)).to(self.device)
        logits = self._logits(x, levels[-1], clean, known_BD, whole)
        drawn = torch.stack([pick(a.double(), uniform[:, d]) for d, a in enumerate(logits)], 1)
        inside = rng.child("place").numpy().random(codes.shape)
        return torch.where(known_BD, given, drawn).cpu().numpy(), np.where(known, places, inside)

    def _logits(self, x: Tensor, sigma: float, clean: Tensor, known_BD: Tensor, whole: bool) -> list[Tensor]:
        level = torch.full((len(x), 1), sigma, device=self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.reduced, cache_enabled=False):
            logits: list[Tensor] = self.network(torch.where(known_BD.unsqueeze(-1), clean, x), level, known_BD)
        for column, values in zip(self.coding.columns, logits, strict=True):
            if whole and column.missing_code != UNSEEN and values.shape[1] > 1:
                values[:, column.missing_code] = -torch.inf
        return logits

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `lookalike.json`."""
        self.saved.save(folder)
