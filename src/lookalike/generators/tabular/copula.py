"""A Gaussian copula: every column by its own quantiles, all together by one correlation matrix.

Legend: B rows of a block, N rows, D modelled columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch
from pydantic import Field
from scipy.special import ndtr, ndtri

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.data.coded_numbers import UNSEEN, Grain
from lookalike.data.coding import TableCoding
from lookalike.data.fresh import BLOCK
from lookalike.data.table import Codes, Numbers, Table
from lookalike.generators.tabular.drawing.rows import Known, check_table, draw_rows, fill_rows
from lookalike.generators.tabular.drawing.settings import SavedModel
from lookalike.techniques.normal_scores import conditional, correlation, truncated_given

_NAME = "tabular.copula"
_FORMAT = f"lookalike.{_NAME}/1"
_MOST_COLUMNS = 2000
_WHOLE = Grain(bins=1, spike=2.0, few=0, values=1024, levels=100_000, rare=0)
_EDGE = 1e-9


@final
class Copula(Method):
    """Learns each column by its quantiles and their dependence by one normal distribution; fits in a second or two.

    Categories stand in the order of their frequency. A condition on one column is exact; several are followed by Gibbs
    sweeps over the normal scores that the asked values allow.

    Source: Li et al. 2014, doi:10.5441/002/edbt.2014.43 (copulas for synthetic tables); Ledoit and Wolf 2004,
        doi:10.1016/S0047-259X(03)00096-4 (shrinkage).

    Differs from the papers: no privacy noise; ties, categories and missing values get even places within their
        interval; further shrinkage may be added to the estimated one.
    """

    rows_per_shard: ClassVar[int] = 4 * BLOCK

    shrinkage: float = Field(
        default=0.0, ge=0, le=1, description="Further shrinkage of correlations; 1 = columns are independent."
    )
    sweeps: int = Field(default=20, ge=1, le=1000, description="Gibbs sweeps where several columns are asked for.")

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedCopula:
        """Count quantiles and correlations.

        Raises:
            DataError: No rows, or columns that cannot be learnt.
        """
        check_table(data, _NAME, _MOST_COLUMNS, watch)
        coding = TableCoding.learn(data, _WHOLE)
        codes, places = coding.encode(data, rng.child("places").numpy())
        edges = [_edges(codes[:, d], size) for d, size in enumerate(coding.sizes)]
        scores = np.stack([_score(edge, codes[:, d], places[:, d]) for d, edge in enumerate(edges)], 1)
        matrix = correlation(scores, self.shrinkage)
        weights = {f"edges.{d}": torch.from_numpy(edge) for d, edge in enumerate(edges)}
        about = {"format": _FORMAT, "config": self.model_dump(exclude={"sweeps"})}
        saved = SavedModel(about, {**weights, "correlation": torch.from_numpy(matrix)}, coding)
        return _FittedCopula(saved, self.sweeps)

    def load(self, folder: Path) -> _FittedCopula:
        """Read a fitted model; sweeps come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        return _FittedCopula(SavedModel.open(folder, _FORMAT, _NAME), self.sweeps)


def _edges(codes: Codes, size: int) -> Numbers:
    """Return the ends of the codes' intervals of the distribution function, [K + 1], from 0 to 1."""
    counts = np.bincount(codes, minlength=size)
    return np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])


def _score(edges: Numbers, codes: Codes, places: Numbers) -> Numbers:
    """Return normal scores of values, [N]."""
    share = edges[codes] + places * (edges[codes + 1] - edges[codes])
    return np.asarray(ndtri(np.clip(share, _EDGE, 1 - _EDGE)))


@final
class _FittedCopula:
    """Quantiles and the correlation matrix of their normal scores."""

    spent = None

    def __init__(self, saved: SavedModel, sweeps: int) -> None:
        self.saved, self.coding, self.schema, self.sweeps = saved, saved.coding, saved.coding.schema, sweeps
        try:
            self.edges = [saved.weights[f"edges.{d}"].numpy() for d in range(len(self.coding.columns))]
            self.correlation = saved.weights["correlation"].numpy()
        except KeyError as error:
            raise DataError(f"a {_NAME} model lacks {error}; fit it again") from None

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

    def _draw(self, codes: Codes, places: Numbers, known: Known, rng: Rng, whole: bool) -> tuple[Codes, Numbers]:
        """Draw what is not known of a block; rows with equal sets of known columns go together."""
        noise = rng.child("noise").numpy().standard_normal(codes.shape)
        low, high = np.full(codes.shape, -np.inf), np.full(codes.shape, np.inf)
        for d, (edges, column) in enumerate(zip(self.edges, self.coding.columns, strict=True)):
            ends = ndtri(edges)
            narrow = self._narrow(d, codes[:, d], places[:, d])
            low[:, d] = np.where(known[:, d], narrow[0], -np.inf)
            high[:, d] = np.where(known[:, d], narrow[1], np.inf)
            if whole and column.missing_code != UNSEEN and column.size > 1:
                # The missing interval is the last one: a completed value stays below it.
                high[:, d] = np.where(known[:, d], high[:, d], ends[column.missing_code])
        bounded = known | np.isfinite(high)
        scores = np.empty(codes.shape)
        uniform = rng.child("sweeps").numpy().random((self.sweeps + 1, *codes.shape))
        for pattern in np.unique(bounded, axis=0):
            rows = (bounded == pattern).all(1)
            given, free = np.flatnonzero(pattern), np.flatnonzero(~pattern)
            z = truncated_given(
                self.correlation[np.ix_(given, given)],
                low[np.ix_(rows, given)],
                high[np.ix_(rows, given)],
                uniform[:, rows][:, :, given],
            )
            scores[np.ix_(rows, given)] = z
            slope, root = conditional(self.correlation, given, free)
            scores[np.ix_(rows, free)] = z @ slope.T + noise[np.ix_(rows, free)] @ root.T
        return self._codes(scores, codes, places, known)

    def _narrow(self, d: int, codes: Codes, places: Numbers) -> tuple[Numbers, Numbers]:
        """Return the ends of the normal scores that a known value allows: its own small part of its code's interval."""
        edges, column = self.edges[d], self.coding.columns[d]
        first, last = column.interval(codes, places)
        width = edges[codes + 1] - edges[codes]
        return ndtri(edges[codes] + first * width), ndtri(edges[codes] + last * width)

    def _codes(self, scores: Numbers, codes: Codes, places: Numbers, known: Known) -> tuple[Codes, Numbers]:
        share = np.clip(ndtr(scores), _EDGE, 1 - _EDGE)
        drawn, inside = codes.copy(), places.copy()
        for d, edges in enumerate(self.edges):
            code = np.clip(np.searchsorted(edges, share[:, d], side="right") - 1, 0, len(edges) - 2)
            width = np.maximum(edges[code + 1] - edges[code], 1e-300)
            place = np.clip((share[:, d] - edges[code]) / width, 0, np.nextafter(1, 0))
            drawn[:, d] = np.where(known[:, d], codes[:, d], code)
            inside[:, d] = np.where(known[:, d], places[:, d], place)
        return drawn, inside

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `lookalike.json`."""
        self.saved.save(folder)
