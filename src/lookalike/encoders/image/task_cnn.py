"""Features of a small classifier that was trained on the real training rows."""

from __future__ import annotations

import hashlib
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.networks.convnet import ConvNet, trained_convnet
from lookalike.techniques.classification import Training, apply, probabilities

_KEY = Rng(0).child("task_cnn")


@final
class TaskCnn(Method):
    """The layer below the classes of a small network trained to tell the real classes apart.

    The key is fixed: one data set gives one extractor whatever the seed of the run, so figures of several runs compare.
    The digest is the hash of the trained weights; another processor or number of threads may round differently and give
    another digest. It sees what separates the classes and may miss the rest.
    """

    needs_classes: ClassVar[bool] = True

    steps: int = Field(default=300, ge=1, description="Optimiser steps.")
    batch: int = Field(default=128, ge=1, description="Images per step.")
    width: int = Field(
        default=32, ge=1, le=512, description="Channels of the first convolution; features have 4 times as many."
    )
    rows: int | None = Field(
        default=None, ge=1, description="Train on a fixed random choice of this many training rows; None = all."
    )

    def prepare(self, train: Images) -> _TaskFeatures:
        """Train the extractor on real training rows.

        Raises:
            DataError: There is no row.
        """
        if not len(train):
            raise DataError("task_cnn is trained on the real training rows, found none; give it data")
        if self.rows is not None and self.rows < len(train):
            train = train.take(np.sort(_KEY.child("rows").numpy().permutation(len(train))[: self.rows]))
        training = Training(steps=self.steps, batch=self.batch)
        return _TaskFeatures(trained_convnet(train, None, self.width, training, "auto", _KEY))


@final
class _TaskFeatures:
    """A frozen network: features [N, 4 * width] and class probabilities [N, K]."""

    name = "task_cnn"

    def __init__(self, network: ConvNet) -> None:
        self._network = network
        self._device = next(network.parameters()).device
        self.dimension = network.dimension
        total = hashlib.sha256()
        for key, value in sorted(network.state_dict().items()):
            total.update(key.encode())
            total.update(value.cpu().contiguous().numpy().tobytes())
        self.digest = total.hexdigest()

    def embed(self, data: Images) -> npt.NDArray[np.float32]:
        if not len(data):
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows: npt.NDArray[np.float32] = apply(self._network.features, data.pixels, self._device).numpy()
        return rows

    def see(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self._network.features(x_BCHW.float().to(self._device, memory_format=torch.channels_last))

    def predict_proba(self, data: Images) -> npt.NDArray[np.float64]:
        if not len(data):
            return np.zeros((0, self._network.head.out_features))
        return probabilities(apply(self._network, data.pixels, self._device))
