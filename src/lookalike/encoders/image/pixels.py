"""The pixels themselves as features, for distances that need no model."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.store import digest
from lookalike.data.images import Images

_BATCH = 512


@final
class Pixels(Method):
    """Images shrunk by area averaging to a stated size, scaled to [0, 1] and flattened.

    Nothing is learnt, so the features are the same for every data set.
    """

    size: int = Field(
        default=32, ge=1, le=1024, description="Longest side that is kept, in pixels; smaller images stay as they are."
    )

    def prepare(self, train: Images) -> _PixelFeatures:
        """Return the extractor for images of this size; no row is read."""
        shrink = min(1.0, self.size / max(train.height, train.width))
        height, width = (max(1, round(side * shrink)) for side in (train.height, train.width))
        return _PixelFeatures(height, width, train.channels)


@final
class _PixelFeatures:
    """Features [N, height * width * channels] in [0, 1]."""

    name = "pixels"

    def __init__(self, height: int, width: int, channels: int) -> None:
        self._shape = (height, width)
        self.dimension = height * width * channels
        self.digest = digest(["pixels", height, width, channels])

    def embed(self, data: Images) -> npt.NDArray[np.float32]:
        result = np.empty((len(data), self.dimension), dtype=np.float32)
        start = 0
        for part in data.batches(_BATCH):
            x_BCHW = torch.from_numpy(np.array(part.pixels)).permute(0, 3, 1, 2).float() / 255
            result[start : start + len(part)] = self._shrunk(x_BCHW).numpy()
            start += len(part)
        return result

    def see(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self._shrunk((x_BCHW + 1) / 2)

    def _shrunk(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        if x_BCHW.shape[2:] != self._shape:
            x_BCHW = torch.nn.functional.interpolate(x_BCHW, size=self._shape, mode="area")
        return x_BCHW.flatten(1)

    def predict_proba(self, data: Images) -> None:
        """Pixels have no class head."""
        del data
