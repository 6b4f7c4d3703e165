"""Drops synthetic rows that lie as near to a training row as hardly any unseen real row does."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.core.store import digest
from lookalike.data.table import Table
from lookalike.encoders.memo import Growing, Memo, embedded, prepared
from lookalike.techniques.neighbours import k_nearest

Distances = npt.NDArray[np.float64]
_MOST_ROWS = 5000
_KEY = Rng(0).child("near_copy")
_thresholds: Memo[float] = Memo(64, lambda _: 1)
_searched = Growing(1 << 28)


@final
class NearCopy(Method):
    """Drops rows nearer to their nearest training row than the nearest share of the holdout rows are to theirs.

    Where unseen real rows equal training rows more often than that, as in tables of few different values, a row that
    equals one is no sign of copying and stays, unless `equal` is set: such rows are common, and without them the rest
    is distorted. Without holdout, each training row is compared with the other ones, and the reasons say so. Passing
    this filter does not make a row private.

    Source: distance to closest record, calibrated on a holdout: Platzer and Reutterer 2021, arXiv 2104.00635.

    Differs from the paper: used row by row, to reject.
    """

    reads_real: ClassVar[bool] = True

    encoder: str = Field(default="tabular.mixed", description="Space in which distances are taken.")
    quantile: float = Field(
        default=0.01, ge=0, le=1, description="Share of unseen real rows that the filter would reject, 0 to 1."
    )
    equal: bool = Field(
        default=False, description="Drop every row that equals a training row, even where unseen real rows do too."
    )

    def select(self, data: Table, real: Reference[Table] | None, rng: Rng) -> Selection:
        """Return the rows that are far enough from every training row; nothing is drawn.

        Raises:
            ConfigError: There are no real rows to compare with.
        """
        del rng
        if real is None or len(real.train) < 2:
            raise ConfigError(
                "tabular.near_copy compares with real training rows and found fewer than 2; remove the filter"
            )
        features = prepared(self.encoder, real.train)
        train = embedded(features, real.train)
        key = digest([features.digest, real.train.fingerprint(), real.holdout.fingerprint(), self.quantile])
        threshold = _thresholds.get(key, lambda: self._threshold(train, features.embed(real.holdout)))
        # Every round of a run gives the rows of all rounds before again, and the search is what costs.
        searched = digest([features.digest, real.train.fingerprint()])
        distance = _searched.get(searched, features.embed(data), lambda rows: k_nearest(rows, train, 1)[0][:, 0])
        gone = distance < threshold
        if self.equal:
            gone |= distance == 0
        rows = "unseen real rows" if len(real.holdout) else "training rows among themselves"
        limit = f"{self.quantile * 100:.3g} % of {rows}"
        reasons = {int(row): _reason(distance[row], threshold, limit) for row in np.flatnonzero(gone)}
        same = int((gone & (distance == 0)).sum())
        dropped = {"equal to a training row": same, f"nearer to a training row than {limit}": len(reasons) - same}
        index = np.flatnonzero(~gone).astype(np.int64)
        return Selection(index, np.ones(len(index)), {why: n for why, n in dropped.items() if n}, reasons)

    def _threshold(self, train: npt.NDArray[np.float32], unseen: npt.NDArray[np.float32]) -> float:
        """Return the distance below which at most the stated share of unseen real rows lies."""
        if len(unseen):
            distance = k_nearest(unseen[_some(len(unseen))], train, 1)[0][:, 0]
        else:
            some = _some(len(train))
            near, place = k_nearest(train[some], train, 2)
            distance = np.where(place[:, 0] == some, near[:, 1], near[:, 0])
        return float(np.quantile(distance, self.quantile, method="inverted_cdf"))


def _reason(distance: float, threshold: float, limit: str) -> str:
    if distance == 0:
        return f"near_copy: equal to a training row (limit: {limit})"
    return f"near_copy: {distance / threshold:.2g} of the distance that {limit} have"


def _some(n: int) -> npt.NDArray[np.int64]:
    """Return all positions, or a fixed choice of some thousands."""
    if n <= _MOST_ROWS:
        return np.arange(n, dtype=np.int64)
    return np.sort(_KEY.numpy().permutation(n)[:_MOST_ROWS]).astype(np.int64)
