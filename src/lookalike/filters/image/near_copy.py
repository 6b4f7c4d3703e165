"""Drops synthetic rows that lie as near to a training row as hardly any unseen real row does."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Features, Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.core.store import digest
from lookalike.data.images import Images
from lookalike.encoders.memo import Memo, embedded, prepared
from lookalike.techniques.neighbours import k_nearest

_MOST_ROWS = 5000
_KEY = Rng(0).child("near_copy")
_thresholds: Memo[float] = Memo(64, lambda _: 1)


@final
class NearCopy(Method):
    """Drops rows at most as far from their nearest training row as the nearest share of the holdout rows are.

    A row equal to a training row always goes. Real data that repeat themselves lower the threshold, down to 0, since
    their held-out rows are near copies too. Without holdout, each training row is compared with the other ones, and the
    reasons say so. Passing this filter does not make a row private.

    Source: distance to closest record, calibrated on a holdout: Platzer and Reutterer 2021, arXiv 2104.00635.

    Differs from the paper: used row by row, to reject.
    """

    reads_real: ClassVar[bool] = True

    encoder: str = Field(default="image.pixels", description="Space in which distances are taken.")
    quantile: float = Field(
        default=0.01, ge=0, le=1, description="Share of unseen real rows that the filter would reject, 0 to 1."
    )

    def select(self, data: Images, real: Reference[Images] | None, rng: Rng) -> Selection:
        """Return the rows that are far enough from every training row; nothing is drawn.

        Raises:
            ConfigError: There are no real rows to compare with.
        """
        del rng
        if real is None or len(real.train) < 2:
            raise ConfigError(
                "image.near_copy compares with real training rows and found fewer than 2; remove the filter"
            )
        features = prepared(self.encoder, real.train)
        key = digest(
            [features.name, features.digest, real.train.fingerprint(), real.holdout.fingerprint(), self.quantile]
        )
        threshold = _thresholds.get(key, lambda: self._threshold(features, real))
        distance = np.zeros(0)
        if len(data):
            distance = k_nearest(features.embed(data), embedded(features, real.train), 1)[0][:, 0]
        gone = np.flatnonzero(distance <= threshold)
        rows = "unseen real rows" if len(real.holdout) else "training rows among themselves"
        reasons = {int(row): self._reason(distance[row], threshold, rows) for row in gone}
        index = np.flatnonzero(distance > threshold).astype(np.int64)
        dropped = {f"as near to a training row as {self.quantile * 100:.3g} % of {rows}": len(gone)}
        return Selection(index, np.ones(len(index)), dropped if len(gone) else {}, reasons)

    def _threshold(self, features: Features[Any], real: Reference[Images]) -> float:
        train = embedded(features, real.train)
        if len(real.holdout):
            distance = k_nearest(embedded(features, real.holdout.take(_some(len(real.holdout)))), train, 1)[0][:, 0]
        else:
            some = _some(len(train))
            near, place = k_nearest(train[some], train, 2)
            distance = np.where(place[:, 0] == some, near[:, 1], near[:, 0])
        return float(np.quantile(distance, self.quantile, method="inverted_cdf"))

    def _reason(self, distance: float, threshold: float, rows: str) -> str:
        limit = f"{self.quantile * 100:.3g} % of {rows}"
        if distance == 0:
            return f"near_copy: equal to a training row (limit: {limit})"
        return f"near_copy: {distance / threshold:.2g} of the distance that {limit} have"


def _some(n: int) -> npt.NDArray[np.int64]:
    """Return all positions, or a fixed choice of some thousands."""
    if n <= _MOST_ROWS:
        return np.arange(n, dtype=np.int64)
    return np.sort(_KEY.numpy().permutation(n)[:_MOST_ROWS]).astype(np.int64)
