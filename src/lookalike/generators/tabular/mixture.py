"""A mixture of kinds of row, in each of which columns are independent.

Legend: B rows of a block, N rows, D modelled columns, C components, S codes of all columns counted through.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from scipy.special import logsumexp

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.events import Progress, Watch
from lookalike.core.rng import Rng
from lookalike.data.coded_numbers import UNSEEN, Grain
from lookalike.data.coding import TableCoding
from lookalike.data.fresh import BLOCK
from lookalike.data.table import Codes, Numbers, Table
from lookalike.generators.tabular.drawing.rows import Known, check_table, draw_rows, fill_rows
from lookalike.generators.tabular.drawing.settings import SavedModel
from lookalike.techniques.latent_class import fit_classes

_NAME = "tabular.mixture"
_FORMAT = f"lookalike.{_NAME}/1"
_MOST_COLUMNS = 10_000
_ROWS_PER_COMPONENT = 100
_MOST_COMPONENTS = 128


@final
class Mixture(Method):
    """Learns kinds of row by expectation and maximisation; every condition and every likelihood is exact.

    Source: Goodman 1974, doi:10.1093/biomet/61.2.215 (latent classes); Dempster et al. 1977,
        doi:10.1111/j.2517-6161.1977.tb01600.x.

    Differs from the papers: numbers are coded in bins of equal mass; each component begins with a few rows that have
        the shares of all rows.
    """

    rows_per_shard: ClassVar[int] = 4 * BLOCK

    components: int | None = Field(
        default=None, ge=1, le=10_000, description="Kinds of row; None = one for 100 rows, at most 128."
    )
    rounds: int = Field(default=60, ge=1, le=10_000, description="Rounds of expectation and maximisation at most.")
    prior: float = Field(default=0.5, gt=0, le=1000, description="Rows each component has beforehand.")
    bins: int = Field(default=32, ge=1, le=1024, description="Bins of a number with many different values.")
    distinct: int = Field(
        default=128, ge=1, le=4096, description="A number with at most so many different values is not binned."
    )
    levels: int = Field(default=256, ge=2, le=4096, description="Levels of a category that are learnt one by one.")

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedMixture:
        """Fit the mixture.

        Raises:
            DataError: No rows, or columns that cannot be learnt.
        """
        check_table(data, _NAME, _MOST_COLUMNS, watch)
        coding = TableCoding.learn(data, Grain(bins=self.bins, few=self.distinct, levels=self.levels))
        codes, _ = coding.encode(data, rng.child("places").numpy())
        count = self.components or max(1, min(len(data) // _ROWS_PER_COMPONENT, _MOST_COMPONENTS))

        def tell(round_: int, likelihood: float) -> None:
            watch(Progress("fit", round_, self.rounds, "rounds", {"log-likelihood": likelihood}))

        log_weight, log_code = fit_classes(
            codes, coding.sizes, count, self.rounds, self.prior, rng.child("start").numpy(), tell
        )
        weights = {"log_weight": torch.from_numpy(log_weight), "log_code": torch.from_numpy(log_code)}
        about = {"format": _FORMAT, "config": self.model_dump(), "components": count}
        return _FittedMixture(SavedModel(about, weights, coding))

    def load(self, folder: Path) -> _FittedMixture:
        """Read a fitted model.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        return _FittedMixture(SavedModel.open(folder, _FORMAT, _NAME))


@final
class _FittedMixture:
    """Weights of the components and the probabilities of codes within them."""

    spent = None

    def __init__(self, saved: SavedModel) -> None:
        self.saved, self.coding, self.schema = saved, saved.coding, saved.coding.schema
        try:
            self.log_weight_C = saved.weights["log_weight"].numpy()
            log_code_SC = saved.weights["log_code"].numpy()
        except KeyError as error:
            raise DataError(f"a {_NAME} model lacks {error}; fit it again") from None
        ends = list(accumulate(self.coding.sizes))
        self.log_code = np.split(log_code_SC, ends[:-1])

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

    def _posterior(self, codes: Codes, known: Known) -> Numbers:
        """Return the joint log-probability of component and what is known, [B, C]."""
        total = np.tile(self.log_weight_C, (len(codes), 1))
        for d, log_code in enumerate(self.log_code):
            total += np.where(known[:, d, None], log_code[codes[:, d]], 0.0)
        return total

    def _draw(self, codes: Codes, places: Numbers, known: Known, rng: Rng, whole: bool) -> tuple[Codes, Numbers]:
        """Draw what is not known of a block; `whole` = no value is drawn as missing."""
        joint = self._posterior(codes, known)
        uniform = rng.child("component").numpy().random(len(codes))
        component = _pick(np.exp(joint - joint.max(1, keepdims=True)), uniform)
        within = rng.child("code").numpy().random(codes.shape)
        drawn = codes.copy()
        for d, (column, log_code) in enumerate(zip(self.coding.columns, self.log_code, strict=True)):
            share = np.exp(log_code.T[component])
            if whole and column.missing_code != UNSEEN and share.shape[1] > 1:
                share[:, column.missing_code] = 0
            drawn[:, d] = np.where(known[:, d], codes[:, d], _pick(share, within[:, d]))
        return drawn, np.where(known, places, rng.child("place").numpy().random(codes.shape))

    def log_likelihood(self, data: Table) -> Numbers:
        """Return the log-probability of each row given its label, [N]; exact.

        Of numbers on a grid it is a probability, of others a density; -inf for values that no training row has.
        """
        codes, _ = self.coding.encode(data, np.random.Generator(np.random.Philox(key=0)))
        label = np.array([name == self.schema.label for name in self.coding.names])
        total: Numbers = self.coding.log_share(codes, data)[:, ~label].sum(axis=1)
        for start in range(0, len(codes), BLOCK):
            part = np.maximum(codes[start : start + BLOCK], 0)
            every = np.ones(part.shape, dtype=bool)
            row = logsumexp(self._posterior(part, every), axis=1)
            total[start : start + BLOCK] += row - logsumexp(self._posterior(part, every & label), axis=1)
        return total

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `lookalike.json`."""
        self.saved.save(folder)


def _pick(share_BK: Numbers, uniform_B: Numbers) -> npt.NDArray[np.int64]:
    total_BK = share_BK.cumsum(1)
    return np.asarray((total_BK[:, :-1] <= (uniform_B * total_BK[:, -1])[:, None]).sum(1), dtype=np.int64)
