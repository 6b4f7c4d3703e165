"""A variational auto-encoder of tables: rows from a short normal vector, columns independent given it.

Legend: B rows of a batch, N rows, D modelled columns, Z latent numbers, P latent vectors to choose from.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, final

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
from lookalike.generators.tabular.drawing.rows import Known, check_table, draw_rows, fill_rows, pick, shares
from lookalike.generators.tabular.drawing.settings import SavedModel, Trained
from lookalike.networks.tabular_vae import TabularVae
from lookalike.techniques.ema import Ema
from lookalike.techniques.hardware import choose_device
from lookalike.techniques.parts import CPU_PARTS, Parts
from lookalike.techniques.training import Plan, adam_tensors, torch_generator, train, warm_up_then_cosine

_NAME = "tabular.tvae"
_FORMAT = f"lookalike.{_NAME}/1"
_EPOCHS = 25.0
_MOST_COLUMNS = 2000
_WARM_UP_STEPS = 100
_GRADIENT_NORM = 10.0


@final
class Tvae(Trained):
    """Compresses rows into a short normal vector and back; draws rows from vectors that fit what is asked.

    A condition is followed by weighing many latent vectors by how probable they make what is asked (importance
    resampling), so it is exact up to their number.

    Source: Kingma and Welling 2014, arXiv 1312.6114; Xu et al. 2019, arXiv 1907.00503, section 4.4 (tables).

    Differs from the papers: numbers are coded in bins of equal mass and spikes and learnt by cross-entropy, instead of
        a mixture of normals; residual layers; averaged weights.
    """

    rows_per_shard: ClassVar[int] = 4 * BLOCK

    bins: int = Field(default=64, ge=1, le=1024, description="Bins of a number with many different values.")
    distinct: int = Field(
        default=128, ge=1, le=4096, description="A number with at most so many different values is not binned."
    )
    levels: int = Field(default=256, ge=2, le=4096, description="Levels of a category that are learnt one by one.")
    latent: int = Field(default=32, ge=1, le=1024, description="Length of the latent vector.")
    hidden: int = Field(default=256, ge=8, le=8192, description="Width of encoder and decoder.")
    layers: int = Field(default=2, ge=0, le=64, description="Residual layers of either.")
    beta: float = Field(default=1.0, gt=0, le=100, description="Weight of the distance from the normal distribution.")
    proposals: int = Field(default=64, ge=1, le=10_000, description="Latent vectors to choose from for a condition.")
    batch_size: int = Field(default=256, ge=1, le=65_536, description="Rows of one step.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="Highest rate of AdamW; falls to 0 at the end.")
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="Weight decay of AdamW.")

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedTvae:
        """Train on rows; resumes from `watch.folder`.

        Raises:
            DataError: No rows, or columns that cannot be learnt.
            ConfigError: A setting cannot be used here.
        """
        check_table(data, _NAME, _MOST_COLUMNS, watch)
        device = choose_device(self.device)
        coding = TableCoding.learn(data, Grain(bins=self.bins, few=self.distinct, levels=self.levels))
        codes, _ = coding.encode(data, rng.child("places").numpy())
        trainable = _Training(self, coding, codes, device, rng.child("weights"))
        config = self.model_dump(exclude={"proposals"})
        plan = Plan(
            rows=len(data),
            batch_size=self.batch_size,
            steps=self.planned_steps(len(data), self.batch_size, _EPOCHS),
            minutes=self.minutes,
            key=digest([_FORMAT, config, data.fingerprint(), repr(rng)]),
            unit="rows",
        )
        size = sum(p.numel() for p in trainable.weights) / 1e6
        watch(Note("fit", f"networks of {size:.2f} million weights for {sum(coding.sizes)} codes on {device.type}"))
        trace = train(trainable, plan, rng, watch)
        about = {"format": _FORMAT, "config": config, "steps": trace.steps, "curve": trace.curve()}
        weights = {f"net.{name}": value for name, value in trainable.ema.average.items()}
        return _FittedTvae(SavedModel(about, weights, coding), self.proposals, device)

    def load(self, folder: Path) -> _FittedTvae:
        """Read a fitted model; proposals and device come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        return _FittedTvae(SavedModel.open(folder, _FORMAT, _NAME), self.proposals, choose_device(self.device))


class _Training:
    """Networks, optimiser and average."""

    def __init__(self, config: Tvae, coding: TableCoding, codes: Codes, device: torch.device, rng: Rng) -> None:
        self.config, self.device = config, device
        self.codes = torch.from_numpy(codes).to(device)
        network = TabularVae(coding.sizes, config.latent, config.hidden, config.layers)
        network.initialise(rng, shares(codes, coding.sizes))
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
        """Make one step of gradient descent on minus the evidence lower bound."""
        config, count = self.config, len(rows)
        codes = self.codes[torch.from_numpy(rows).to(self.device)]
        noise = torch.randn(count, config.latent, generator=torch_generator(rng, self.device), device=self.device)

        def error(part: slice) -> Tensor:
            mean, log_variance = self.network.encode(codes[part])
            z_BZ = mean + (0.5 * log_variance).exp() * noise[part]
            distance = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
            return (config.beta * distance - self.network.log_probability(z_BZ, codes[part]).sum(1)).mean()

        loss = self.parts.gradients(error, count, self.weights)
        norm = torch.nn.utils.clip_grad_norm_(self.weights, _GRADIENT_NORM)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * warm_up_then_cosine(step, steps, _WARM_UP_STEPS)
        self.optimizer.step()
        self.ema.half_life = 0.02 * steps * count
        self.ema.update(count, (step + 1) * count)
        return {"loss": loss, "gradient norm": norm}


@final
class _FittedTvae:
    """A trained decoder with all that is needed to draw from it."""

    spent = None

    def __init__(self, saved: SavedModel, proposals: int, device: torch.device) -> None:
        self.saved, self.coding, self.schema = saved, saved.coding, saved.coding.schema
        self.proposals, self.device, config = proposals, device, saved.about["config"]
        network = TabularVae(self.coding.sizes, config["latent"], config["hidden"], config["layers"])
        try:
            network.load_state_dict({name.removeprefix("net."): value for name, value in saved.weights.items()})
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"the weights of {_NAME} do not fit its settings ({reason}); fit it again") from None
        self.network = network.to(device).eval().requires_grad_(False)

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
        given, known_BD = torch.from_numpy(codes).to(self.device), torch.from_numpy(known).to(self.device)
        z_BZ = self._latent(given, known_BD, rng)
        uniform = torch.from_numpy(rng.child("code").numpy().random(codes.shape)).to(self.device)
        drawn = given.clone()
        for d, (column, logits) in enumerate(zip(self.coding.columns, self.network.decode(z_BZ), strict=True)):
            values = logits.double()
            if whole and column.missing_code != UNSEEN and values.shape[1] > 1:
                values[:, column.missing_code] = -torch.inf
            drawn[:, d] = torch.where(known_BD[:, d], given[:, d], pick(values, uniform[:, d]))
        inside = rng.child("place").numpy().random(codes.shape)
        return drawn.cpu().numpy(), np.where(known, places, inside)

    def _latent(self, given: Tensor, known_BD: Tensor, rng: Rng) -> Tensor:
        """Return a latent vector for each row, from the prior, or resampled by how well it fits what is known."""
        shape = (len(given), self.saved.about["config"]["latent"])

        def prior(p: int) -> Tensor:
            return torch.randn(shape, generator=torch_generator(rng.child("latent", p))).to(self.device)

        if not bool(known_BD.any()):
            return prior(0)
        # One proposal after the other with a running choice: memory stays that of one.
        uniform = rng.child("choice").numpy().random((self.proposals, len(given)))
        chosen, total = prior(0), torch.full((len(given),), -torch.inf, dtype=torch.float64, device=self.device)
        for p in range(self.proposals):
            z_BZ = prior(p)
            weight = (self.network.log_probability(z_BZ, given) * known_BD).sum(1).double()
            total = torch.logaddexp(total, weight)
            take = torch.from_numpy(uniform[p]).to(self.device) < (weight - total).exp()
            chosen = torch.where(take.unsqueeze(1), z_BZ, chosen)
        return chosen

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `lookalike.json`."""
        self.saved.save(folder)
