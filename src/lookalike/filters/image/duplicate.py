"""Drops synthetic rows that repeat an earlier synthetic row."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.spatial.distance import cdist

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.encoders.memo import prepared
from lookalike.techniques.neighbours import k_nearest, radii

_BLOCK = 512


@final
class Duplicate(Method):
    """Keeps the first of rows that are alike and drops the later ones; reads no real data.

    Alike means: nearer than a stated share of the median distance of the synthetic rows to their nearest neighbour,
    whatever the labels. Equal pixels always count. The measure comes from the synthetic rows, so a guarantee of
    differential privacy stays as it is. Rows equal to others are left out of the median, or a generator that repeats
    itself would set its own limit to 0.

    Source: ours.
    """

    reads_real: ClassVar[bool] = False

    ratio: float = Field(
        default=0.25, ge=0, le=1, description="Share of the median nearest-neighbour distance; 0 = exact copies only."
    )

    def select(self, data: Images, real: Reference[Images] | None, rng: Rng) -> Selection:
        """Return the first row of every group; nothing is drawn and no real row is read."""
        del real, rng
        alike = np.zeros(len(data), dtype=np.bool_)
        if len(data) > 1:
            x_ND = prepared("image.pixels", data.take(np.zeros(1, dtype=np.int64))).embed(data)
            nearest = radii(x_ND, 1)
            apart = nearest[nearest > 0]
            alike = _repeats(x_ND, self.ratio * float(np.median(apart)) if len(apart) else 0.0)
        index = np.flatnonzero(~alike).astype(np.int64)
        gone = np.flatnonzero(alike)
        reasons = {int(row): "duplicate: like an earlier synthetic row" for row in gone}
        dropped = {"like an earlier synthetic row": len(gone)} if len(gone) else {}
        return Selection(index, np.ones(len(index)), dropped, reasons)


def _repeats(x_ND: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.bool_]:
    """Mark the rows within the threshold of an earlier row that is not marked, [N]."""
    marked = np.zeros(len(x_ND), dtype=np.bool_)
    for start in range(0, len(x_ND), _BLOCK):
        block = x_ND[start : start + _BLOCK]
        here = marked[start : start + _BLOCK]
        kept = np.flatnonzero(~marked[:start])
        if len(kept):
            here |= k_nearest(block, x_ND[kept], 1)[0][:, 0] <= threshold
        close = np.tril(cdist(block, block) <= threshold, k=-1)
        for row in np.flatnonzero(close.any(axis=1)):
            here[row] |= bool((close[row] & ~here).any())
    return marked
