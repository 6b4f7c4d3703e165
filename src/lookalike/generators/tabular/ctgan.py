"""A generator against a critic, on tables: rare values are asked for, so that they are learnt too.

Legend: B rows of a batch, N rows, D modelled columns, P columns with places, S codes of all columns counted through,
F features of a row, Z latent numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, final

import numpy as np
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
from lookalike.generators.tabular.drawing.rows import Known, check_table, draw_rows, fill_rows, pick
from lookalike.generators.tabular.drawing.settings import SavedModel, Trained
from lookalike.generators.tabular.gan.asking import natural, starts
from lookalike.generators.tabular.gan.duel import EDGE, Rules, TableDuel
from lookalike.networks.tabular_gan import RowGenerator, RowShape
from lookalike.techniques.hardware import choose_device
from lookalike.techniques.relaxation import shift_to_shares
from lookalike.techniques.training import Plan, torch_generator, train

_NAME = "tabular.ctgan"
_FORMAT = f"lookalike.{_NAME}/1"
_EPOCHS = 50.0
_MOST_COLUMNS = 1000
_CALIBRATED_BLOCKS = 16
_CALIBRATED_LOGITS = 20_000_000
_CALIBRATED_ROUNDS = 12
_KNOTS = 128
_ASKED_SCALE = -3.0
"""Logarithm of the narrowest scale that a known number is weighed with: a few latent vectors would never meet it."""
_EVEN = np.linspace(0, 1, _KNOTS + 1)


@final
class Ctgan(Trained):
    """Learns rows by a game: a generator makes rows of an asked value, and a critic tells packs of them from real ones.

    One asked column enters the generator; further ones are followed by weighing many latent vectors by how probable
    they make what is asked (importance resampling), so they are exact up to their number.

    Source: Xu et al. 2019, arXiv 1907.00503; Lin et al. 2018, arXiv 1712.04086 (packs); Gulrajani et al. 2017, arXiv
        1704.00028 (gradient penalty); Park et al. 2018, arXiv 1806.03384 (statistics matched beside the game).

    Differs from the papers: a relativistic loss with gradients pulled to 0 on real and generated rows; packs of 4;
        beside the game the joint shares of every two columns are matched, in all rows and within each class of the
        label; exact draws with gradients of soft ones; numbers with many values by their rank; numbers can be asked
        for, too; four fifths of the rows come as often as they are; the asked value is written into the row instead of
        being learnt; averaged weights; columns alone are brought to their training shares at the end.
    """

    rows_per_shard: ClassVar[int] = 4 * BLOCK

    bins: int = Field(default=1, ge=1, le=1024, description="Modes of a number with many different values.")
    distinct: int = Field(
        default=24, ge=1, le=4096, description="A number with at most so many different values has a code for each."
    )
    levels: int = Field(default=256, ge=2, le=4096, description="Levels of a category that are learnt one by one.")
    latent: int = Field(default=128, ge=1, le=1024, description="Length of the latent vector.")
    hidden: int = Field(default=256, ge=8, le=8192, description="Width of generator and critic.")
    layers: int = Field(default=2, ge=0, le=64, description="Residual layers of either.")
    pack: int = Field(default=4, ge=1, le=64, description="Rows that the critic judges together.")
    loss: Literal["relativistic", "wasserstein"] = Field(
        default="relativistic", description="What is played for: each fake against its real pair, or mean scores."
    )
    penalty: float = Field(default=0.1, ge=0, le=1000, description="Weight of the penalty on the critic's gradient.")
    every: int = Field(default=4, ge=1, le=64, description="Steps from one penalty to the next.")
    balance: float = Field(
        default=0.2, ge=0, le=1, description="Share of training rows chosen by the logarithm of a value's frequency."
    )
    temperature: float = Field(default=0.5, gt=0, le=10, description="Of soft draws, for gradients.")
    pairs: float = Field(
        default=10.0,
        ge=0,
        le=10_000,
        description="Weight of how far pairs of columns are from the data; 0 = the game alone.",
    )
    proposals: int = Field(default=64, ge=1, le=10_000, description="Latent vectors to choose from for a condition.")
    batch_size: int = Field(default=512, ge=1, le=65_536, description="Rows of one step.")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Highest rate of Adam; falls to 0 at the end.")

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedCtgan:
        """Train on rows; resumes from `watch.folder`.

        Raises:
            DataError: No rows, or columns that cannot be learnt.
            ConfigError: A setting cannot be used here.
        """
        check_table(data, _NAME, _MOST_COLUMNS, watch)
        device = choose_device(self.device)
        coding = TableCoding.learn(data, Grain(bins=self.bins, few=self.distinct, levels=self.levels))
        codes, places = coding.encode(data, rng.child("places").numpy())
        label = coding.names.index(data.schema.label) if data.schema.label in coding.names else None
        trainable = TableDuel(self._rules(), _shape(coding), codes, places, label, device, rng.child("weights"))
        config = self.model_dump(exclude={"proposals"})
        batch = -(-self.batch_size // self.pack) * self.pack
        plan = Plan(
            rows=len(data),
            batch_size=batch,
            steps=self.planned_steps(len(data), batch, _EPOCHS),
            minutes=self.minutes,
            key=digest([_FORMAT, config, data.fingerprint(), repr(rng)]),
            unit="rows",
        )
        size = sum(p.numel() for weights in trainable.weights.values() for p in weights) / 1e6
        watch(Note("fit", f"networks of {size:.2f} million weights for {sum(coding.sizes)} codes on {device.type}"))
        trace = train(trainable, plan, rng, watch)
        about = {"format": _FORMAT, "config": config, "steps": trace.steps, "curve": trace.curve()}
        fitted = _FittedCtgan(SavedModel(about, trainable.averaged(codes), coding), self.proposals, device)
        fitted.calibrate(rng.child("calibration"))
        return fitted

    def _rules(self) -> Rules:
        return Rules(**{field.name: getattr(self, field.name) for field in fields(Rules)})

    def load(self, folder: Path) -> _FittedCtgan:
        """Read a fitted model; proposals and device come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        return _FittedCtgan(SavedModel.open(folder, _FORMAT, _NAME), self.proposals, choose_device(self.device))


def _shape(coding: TableCoding) -> RowShape:
    return RowShape(coding.sizes, tuple(column.bins for column in coding.columns))


@final
class _FittedCtgan:
    """A trained generator with all that is needed to draw from it."""

    spent = None

    def __init__(self, saved: SavedModel, proposals: int, device: torch.device) -> None:
        self.saved, self.coding, self.schema = saved, saved.coding, saved.coding.schema
        self.proposals, self.device, config = proposals, device, saved.about["config"]
        self.shape = _shape(self.coding)
        network = RowGenerator(self.shape, config["latent"], config["hidden"], config["layers"])
        weights = {k.removeprefix("net."): value for k, value in saved.weights.items() if k.startswith("net.")}
        try:
            network.load_state_dict(weights)
            shares_S = saved.weights["shares"].numpy()
        except (RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"the weights of {_NAME} do not fit its settings ({reason}); fit it again") from None
        self.network = network.to(device).eval().requires_grad_(False)
        self.starts = starts(self.coding.sizes)
        self.shares = [shares_S[span] for span in self.shape.spans]
        # A row of knots for each code that has a place, in the order of the codes.
        self.first_knots = {d: sum(self.shape.bins[:d]) for d in self.shape.placed}
        even = torch.from_numpy(_EVEN).repeat(sum(self.shape.bins), 1)
        self.knots = saved.weights.setdefault("knots", even).numpy()

    @torch.no_grad()
    def calibrate(self, rng: Rng) -> None:
        """Move logits and places so that each column alone is as in the training rows."""
        most = max(1, _CALIBRATED_LOGITS // (BLOCK * self.shape.codes))
        blocks = [self._free(rng.child("block", b)) for b in range(min(_CALIBRATED_BLOCKS, most))]
        column = np.concatenate([block[0] for block in blocks])
        logits, mean, scale = (torch.cat([block[1][k] for block in blocks]).cpu().double() for k in range(3))
        bias = torch.zeros(self.shape.codes, dtype=torch.float64)
        for d, span in enumerate(self.shape.spans):
            free = torch.from_numpy(column != d)
            if len(self.shares[d]) > 1 and bool(free.any()):
                bias[span] = shift_to_shares(logits[free, span], torch.from_numpy(self.shares[d]), _CALIBRATED_ROUNDS)
        self.network.leave.bias[: self.shape.codes] += bias.float().to(self.device)
        self.saved.weights["net.leave.bias"] = self.network.leave.bias
        draw = rng.child("places").numpy()
        for p, d in enumerate(self.shape.placed):
            values = logits[:, self.shape.spans[d]] + bias[self.shape.spans[d]]
            drawn = pick(values, torch.from_numpy(draw.random(len(values)))).numpy()
            place = _spread(mean[:, p].numpy(), scale[:, p].numpy(), draw.random(len(values)))
            for k in range(self.shape.bins[d]):
                if (drawn == k).sum() > 2 * _KNOTS:
                    found = np.quantile(place[drawn == k], _EVEN)
                    found[[0, -1]] = 0, 1
                    self.knots[self.first_knots[d] + k] = found

    def _free(self, rng: Rng) -> tuple[Codes, tuple[Tensor, Tensor, Tensor]]:
        """Return the asked column and the distributions of a block that nobody asked anything of."""
        column, code = natural(self.shares, BLOCK, rng.child("asked"))
        return column, self.network(self._z(rng, 0), self._asked(column, code))

    def _z(self, rng: Rng, p: int) -> Tensor:
        shape = (BLOCK, self.saved.about["config"]["latent"])
        return torch.randn(shape, generator=torch_generator(rng.child("latent", p))).to(self.device)

    def _asked(self, column: Codes, code: Codes) -> Tensor:
        return torch.from_numpy(np.where(column < 0, -1, self.starts[column] + code)).to(self.device)

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
        column, code = self._chosen(codes, known, rng.child("asked"), whole)
        logits, mean, scale = self._fitting(codes, places, known, column, self._asked(column, code), rng)
        uniform, drawn = torch.from_numpy(rng.child("code").numpy().random(codes.shape)), codes.copy()
        for d, (coding, span) in enumerate(zip(self.coding.columns, self.shape.spans, strict=True)):
            values = logits[:, span].cpu().double()
            if whole and coding.missing_code != UNSEEN and values.shape[1] > 1:
                values[:, coding.missing_code] = -torch.inf
            made = np.where(column == d, code, pick(values, uniform[:, d]).numpy())
            drawn[:, d] = np.where(known[:, d], codes[:, d], made)
        inside = rng.child("place").numpy().random(codes.shape)
        for p, d in enumerate(self.shape.placed):
            raw = _spread(mean[:, p].cpu().double().numpy(), scale[:, p].cpu().double().numpy(), inside[:, d])
            inside[:, d] = self._mapped(d, drawn[:, d], raw, inside[:, d])
        return drawn, np.where(known, places, np.minimum(inside, np.nextafter(1, 0)))

    def _mapped(self, d: int, codes: Codes, raw: Numbers, else_: Numbers, back: bool = False) -> Numbers:
        """Return calibrated places of codes that have one, [B]; `back` = from calibrated ones."""
        result = else_.copy()
        for k in range(self.shape.bins[d]):
            mine, knots = codes == k, self.knots[self.first_knots[d] + k]
            result[mine] = np.interp(raw[mine], _EVEN, knots) if back else np.interp(raw[mine], knots, _EVEN)
        return result

    def _chosen(self, codes: Codes, known: Known, rng: Rng, whole: bool) -> tuple[Codes, Codes]:
        """Return the column that enters the generator and its code: the rarest known one, or as training has them."""
        own = [share.copy() for share in self.shares]
        for coding, share in zip(self.coding.columns, own, strict=True):
            if whole and coding.missing_code != UNSEEN and len(share) > 1:
                share[coding.missing_code] = 0
        column, code = natural(own, len(codes), rng)
        rarest = np.ones(len(codes))
        for d, share in enumerate(self.shares):
            if len(share) < 2:
                continue
            mine = known[:, d] & (share[codes[:, d]] < rarest)
            rarest = np.where(mine, share[codes[:, d]], rarest)
            column, code = np.where(mine, d, column), np.where(mine, codes[:, d], code)
        return column, code

    def _fitting(
        self, codes: Codes, places: Numbers, known: Known, column: Codes, asked: Tensor, rng: Rng
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return distributions of each row, from any latent vector, or from one that fits what else is known."""
        rest = known & (np.arange(known.shape[1]) != column[:, None])
        found: tuple[Tensor, Tensor, Tensor] = self.network(self._z(rng, 0), asked)
        if not rest.any():
            return found
        given = torch.from_numpy(codes).to(self.device)
        logit = torch.from_numpy(self._raw(codes, places)).to(self.device)
        rest_BD = torch.from_numpy(rest).to(self.device)
        # One proposal after the other with a running choice: memory stays that of one.
        uniform = torch.from_numpy(rng.child("choice").numpy().random((self.proposals, len(codes)))).to(self.device)
        total = self._fit(found, given, logit, rest_BD)
        for p in range(1, self.proposals):
            other = self.network(self._z(rng, p), asked)
            weight = self._fit(other, given, logit, rest_BD)
            total = torch.logaddexp(total, weight)
            take = (uniform[p] < (weight - total).exp()).unsqueeze(1)
            logits, mean, scale = (torch.where(take, new, old) for new, old in zip(other, found, strict=True))
            found = logits, mean, scale
        return found

    def _raw(self, codes: Codes, places: Numbers) -> Numbers:
        """Return logits of places before calibration, [B, P]."""
        found = [self._mapped(d, codes[:, d], places[:, d], places[:, d], back=True) for d in self.shape.placed]
        raw = np.clip(np.stack(found, 1) if found else places[:, :0], EDGE, 1 - EDGE)
        return np.log(raw / (1 - raw))

    def _fit(self, made: tuple[Tensor, Tensor, Tensor], given: Tensor, logit: Tensor, rest: Tensor) -> Tensor:
        """Return the log-probability of what is known, [B]."""
        logits, mean, scale = made
        scale = scale.clamp(min=_ASKED_SCALE)
        total = torch.zeros(len(given), dtype=torch.float64, device=given.device)
        for d, span in enumerate(self.shape.spans):
            own = -torch.nn.functional.cross_entropy(logits[:, span], given[:, d], reduction="none")
            if self.shape.bins[d]:
                p = self.shape.placed.index(d)
                t = (logit[:, p] - mean[:, p]) * (-scale[:, p]).exp()
                density = torch.nn.functional.logsigmoid(t) + torch.nn.functional.logsigmoid(-t) - scale[:, p]
                own = own + density * (given[:, d] < self.shape.bins[d])
            total += own.double() * rest[:, d]
        return total

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `lookalike.json`."""
        self.saved.save(folder)


def _spread(mean: Numbers, log_scale: Numbers, uniform: Numbers) -> Numbers:
    """Return places: the logistic function of logistic noise."""
    even = np.clip(uniform, EDGE, 1 - EDGE)
    return np.asarray(1 / (1 + np.exp(-(mean + np.exp(log_scale) * np.log(even / (1 - even))))))
