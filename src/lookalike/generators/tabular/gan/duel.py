"""Generator against critic on coded rows: one step of training, and all that the next step depends on.

Legend: B rows of a batch, N rows, D modelled columns, P columns with places, S codes of all columns counted through,
F features of a row, G packs of rows, Z latent numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lookalike.core.rng import Rng
from lookalike.data.table import Codes, Numbers
from lookalike.generators.tabular.drawing.rows import shares
from lookalike.generators.tabular.gan.asking import TrainingBySampling, starts
from lookalike.generators.tabular.gan.joints import Cells, Joints
from lookalike.networks.tabular_gan import RowCritic, RowGenerator, RowShape
from lookalike.techniques.adversarial import discriminator_loss, generator_loss, lazy_weight
from lookalike.techniques.ema import Ema
from lookalike.techniques.parts import CPU_PARTS, Parts
from lookalike.techniques.penalties import one_centred, zero_centred
from lookalike.techniques.relaxation import gumbel, straight_through
from lookalike.techniques.training import adam_tensors, torch_generator, warm_up_then_cosine

EDGE = 1e-6
"""Uniform noise keeps this distance from 0 and 1, where its logits are infinite."""
_WARM_UP_STEPS = 100
_EMA_SHARE = 0.02
_COUNTED_ROWS = 50_000


@final
@dataclass(frozen=True)
class Rules:
    """How the two networks look and are trained.

    Attributes:
        latent: Length of the latent vector.
        hidden: Width of both.
        layers: Residual layers of both.
        pack: Rows that the critic judges together.
        loss: Name of the losses.
        penalty: Weight of the penalty on the critic's gradient; 0 = none.
        every: Steps from one penalty to the next; it is weighted by as much.
        balance: Share of rows chosen by the logarithm of a value's frequency.
        temperature: Of soft draws.
        pairs: Weight of the distance of every two columns from the training rows; 0 = none.
        learning_rate: Highest rate of Adam.
    """

    latent: int
    hidden: int
    layers: int
    pack: int
    loss: Literal["relativistic", "wasserstein"]
    penalty: float
    every: int
    balance: float
    temperature: float
    pairs: float
    learning_rate: float


@final
class TableDuel:
    """Both networks, their optimisers, and the average of the generator.

    Args:
        rules: How to train.
        shape: Columns.
        codes: Of the training rows, [N, D].
        places: Of the training rows, [N, D].
        label: Column that others are to predict; None = none.
        device: Where.
        rng: Key of the starting weights.
    """

    def __init__(
        self,
        rules: Rules,
        shape: RowShape,
        codes: Codes,
        places: Numbers,
        label: int | None,
        device: torch.device,
        rng: Rng,
    ) -> None:
        """Draw the starting weights."""
        self.rules, self.device, self.shape, self.label = rules, device, shape, label
        self.codes, self.places = torch.from_numpy(codes), torch.from_numpy(places).float()
        self.sampling, self.starts = TrainingBySampling(codes, shape.sizes), starts(shape.sizes)
        self.joints = self._joints() if rules.pairs and len(shape.sizes) > 1 else None
        self.generator = RowGenerator(self.shape, rules.latent, rules.hidden, rules.layers)
        self.generator.initialise(rng.child("generator"), shares(codes, shape.sizes))
        self.critic = RowCritic(self.shape, rules.pack, rules.hidden, rules.layers)
        self.critic.initialise(rng.child("critic"))
        self.networks = {"g": self.generator.to(device), "d": self.critic.to(device)}
        self.weights = {name: list(network.parameters()) for name, network in self.networks.items()}
        self.optimizers = {
            name: torch.optim.Adam(weights, rules.learning_rate, (0.0, 0.99), fused=True)
            for name, weights in self.weights.items()
        }
        self.ema = Ema(dict(self.generator.named_parameters()), half_life=1.0)
        self.parts = Parts(CPU_PARTS if device.type == "cpu" else 1)

    def _joints(self) -> Joints:
        # So many rows say enough of two columns, and counting them takes seconds in the widest tables too.
        step = -(-len(self.codes) // _COUNTED_ROWS)
        codes, places = self.codes[::step], self.places[::step]
        weight = torch.from_numpy(self.sampling.weights(self.rules.balance)[::step])
        cells = Cells(self.shape, codes, places)
        return Joints(cells, codes, places, weight / weight.sum(), self.label).to(self.device)

    def tensors(self) -> Mapping[str, Tensor]:
        """Return weights, optimiser states and average, live."""
        found: dict[str, Tensor] = {}
        for name, network in self.networks.items():
            found.update({f"{name}.{key}": value for key, value in network.named_parameters()})
            found.update(adam_tensors(self.optimizers[name], f"adam {name}"))
        return {**found, **{f"ema.{name}": value for name, value in self.ema.average.items()}}

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Train the critic once, then the generator once, each on rows of its own."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.rules.learning_rate * warm_up_then_cosine(step, steps, _WARM_UP_STEPS)
        weight = lazy_weight(step, self.rules.every) * self.rules.penalty
        d_loss = self._critic(Batch(self, rows, rng.child("critic")), weight, rng.child("between"))
        g_loss = self._generator(Batch(self, rows, rng.child("generator")))
        self.ema.half_life = _EMA_SHARE * steps * len(rows)
        self.ema.update(len(rows), (step + 1) * len(rows))
        return {"generator loss": g_loss, "critic loss": d_loss}

    def _critic(self, batch: Batch, weight: float, rng: Rng) -> Tensor:
        def error(part: slice) -> Tensor:
            rows = slice(part.start * self.rules.pack, part.stop * self.rules.pack)
            with torch.no_grad():
                fake = batch.features(rows, *batch.distributions(rows))
            real = batch.real[rows]
            if self.rules.loss == "wasserstein":
                loss = discriminator_loss(self.rules.loss, self.critic(real), self.critic(fake))
                if weight:
                    packs = (len(real) // self.rules.pack, -1)
                    generator = torch_generator(rng.child(part.start), self.device)
                    loss = loss + one_centred(self.critic, real.reshape(packs), fake.reshape(packs), weight, generator)
                return loss
            both = torch.cat([real, fake]).requires_grad_(weight > 0)
            scores = self.critic(both)
            loss = discriminator_loss(self.rules.loss, *scores.chunk(2))
            return loss + 2 * zero_centred(scores, both, weight) if weight else loss

        return self._step("d", error, batch)

    def _generator(self, batch: Batch) -> Tensor:
        def error(part: slice) -> Tensor:
            rows = slice(part.start * self.rules.pack, part.stop * self.rules.pack)
            with torch.no_grad():
                real = self.critic(batch.real[rows])
            made = batch.distributions(rows)
            loss = generator_loss(self.rules.loss, real, self.critic(batch.features(rows, *made)))
            if self.joints is None:
                return loss
            cells = self.joints.cells.of_distributions(batch.chances(rows, made[0]), *made[1:])
            return loss + self.rules.pairs * self.joints.distance(cells)

        return self._step("g", error, batch)

    def _step(self, name: str, error: Callable[[slice], Tensor], batch: Batch) -> Tensor:
        loss = self.parts.gradients(error, len(batch.real) // self.rules.pack, self.weights[name])
        self.optimizers[name].step()
        return loss

    def averaged(self, codes: Codes) -> dict[str, Tensor]:
        """Return the averaged weights of the generator, and the shares of the codes."""
        counts = [np.bincount(codes[:, d], minlength=size) for d, size in enumerate(self.shape.sizes)]
        found = {f"net.{name}": value for name, value in self.ema.average.items()}
        return {**found, "shares": torch.from_numpy(np.concatenate(counts) / len(codes))}


@final
class Batch:
    """Real rows of one step, and all that fakes of the same asked values are made from.

    Args:
        training: Networks and training rows.
        rows: Rows as they come, [B].
        rng: Key.
    """

    def __init__(self, training: TableDuel, rows: npt.NDArray[np.int64], rng: Rng) -> None:
        """Choose rows and draw noise."""
        self.training, device = training, training.device
        chosen, column = training.sampling.choose(rows, training.rules.balance, rng.child("asked"))
        codes = training.codes[chosen]
        shape, generator = training.shape, torch_generator(rng.child("noise"))
        asked_column = torch.from_numpy(column)
        code = codes.gather(1, asked_column.clamp(min=0).unsqueeze(1)).squeeze(1)
        self.asked = torch.where(asked_column >= 0, code + torch.from_numpy(training.starts)[asked_column], -1)
        self.asked = self.asked.to(device)
        self.column = torch.zeros(len(rows), len(shape.sizes))
        there = asked_column >= 0
        self.column[there, asked_column[there]] = 1.0
        self.column = self.column.to(device)
        features = shape.features(codes.to(device), training.places[chosen].to(device))
        self.real = torch.cat([features, self.column], 1)
        self.z = torch.randn(len(rows), training.rules.latent, generator=generator).to(device)
        self.gumbel = gumbel((len(rows), shape.codes), generator).to(device)
        self.logistic = torch.rand(len(rows), len(shape.placed), generator=generator).logit(EDGE).to(device)

    def distributions(self, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of codes, and means and log-scales of places, of generated rows."""
        found: tuple[Tensor, Tensor, Tensor] = self.training.generator(self.z[rows], self.asked[rows])
        return found

    def features(self, rows: slice, logits_BS: Tensor, mean_BP: Tensor, scale_BP: Tensor) -> Tensor:
        """Return features of draws from distributions, with the asked values written in, [B, F + D]."""
        shape, temperature = self.training.shape, self.training.rules.temperature
        spans, noise_BS = shape.spans, self.gumbel[rows]
        drawn = [straight_through(logits_BS[:, span], noise_BS[:, span], temperature) for span in spans]
        place_BP = (mean_BP + scale_BP.exp() * self.logistic[rows]).sigmoid()
        made = shape.joined(self._asked_in(rows, torch.cat(drawn, 1)), place_BP)
        return torch.cat([made, self.column[rows]], 1)

    def chances(self, rows: slice, logits_BS: Tensor) -> Tensor:
        """Return the probability of each code, 1 for asked ones, [B, S]."""
        each = [logits_BS[:, span].softmax(1) for span in self.training.shape.spans]
        return self._asked_in(rows, torch.cat(each, 1))

    def _asked_in(self, rows: slice, codes_BS: Tensor) -> Tensor:
        sizes = torch.tensor(self.training.shape.sizes, device=codes_BS.device)
        given = torch.repeat_interleave(self.column[rows], sizes, 1) > 0
        return torch.where(given, self.real[rows, : codes_BS.shape[1]], codes_BS)
