"""A small convolutional classifier: the downstream model that utility is measured with."""

from __future__ import annotations

from typing import Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.networks.convnet import ConvNet, trained_convnet
from lookalike.techniques.classification import Training, apply, probabilities


@final
class Cnn(Method):
    """A convolutional network trained for a fixed number of steps, so that sets of any size get the same budget."""

    steps: int = Field(default=400, ge=1, description="Optimiser steps; the same for any number of rows.")
    batch: int = Field(default=128, ge=1, description="Images per step.")
    width: int = Field(default=32, ge=1, le=512, description="Channels of the first convolution.")
    rate: float = Field(default=3e-3, gt=0, description="Peak learning rate.")
    smoothing: float = Field(default=0.05, ge=0, lt=1, description="Label smoothing, share of probability.")
    shift: float = Field(default=0.0, ge=0, le=0.5, description="Largest random shift, as a share of each side.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Arithmetic of convolutions in training; auto = bfloat16 where the processor has it.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where to train; auto = a GPU if any.")

    def fit(
        self, data: Images, weight: npt.NDArray[np.float64] | None, unlabelled_target: Images | None, rng: Rng
    ) -> _FittedCnn:
        """Train on labelled rows.

        Args:
            data: Labelled rows, at least 1.
            weight: [N], at least 0, the share of each row in the loss; None = equal.
            unlabelled_target: Not used: this learner does not adapt to another domain.
            rng: Key of the parameters and the batches.

        Returns:
            The fitted classifier.

        Raises:
            DataError: There is no row, or the weights do not fit.
        """
        del unlabelled_target
        training = Training(**self.model_dump(exclude={"width", "device"}))
        return _FittedCnn(trained_convnet(data, weight, self.width, training, self.device, rng), data.classes)


@final
class _FittedCnn:
    """A trained network and the names of its outputs."""

    def __init__(self, network: ConvNet, classes: tuple[str, ...]) -> None:
        self.network = network
        self.classes = classes
        self._device = next(network.parameters()).device

    def predict_proba(self, data: Images) -> npt.NDArray[np.float64]:
        if not len(data):
            return np.zeros((0, len(self.classes)))
        return probabilities(apply(self.network, data.pixels, self._device))

    def predict(self, data: Images) -> npt.NDArray[np.int64]:
        number: npt.NDArray[np.int64] = self.predict_proba(data).argmax(axis=1).astype(np.int64)
        return number
