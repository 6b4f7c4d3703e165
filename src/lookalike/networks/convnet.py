"""A small convolutional network that suits images from 8 to 256 pixels a side.

Shapes: B images, C channels, H and W pixels, D features, K classes.
"""

from __future__ import annotations

from typing import final

import torch
from torch import nn
from torch.nn import functional as F

from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.techniques.classification import Training, Weights, train_classifier
from lookalike.techniques.hardware import choose_device
from lookalike.techniques.training import torch_generator

_WORKING_SIDE = 16
_SMALL_SIDE = 6


def convolution(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Return convolution, batch normalisation and ReLU, with the size kept."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Set every parameter and buffer of convolutions, linear layers and batch normalisation from a keyed generator.

    Args:
        network: Changed in place; parameters may hold anything before.
        generator: The only source of randomness.

    Source: He et al. 2015, arXiv:1502.01852, equation 10 (fan-out), for convolutions.
    Differs from the paper: linear layers draw from N(0, 1/fan_in), since no ReLU follows them.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
        bias = getattr(layer, "bias", None)
        if isinstance(layer, nn.Conv2d | nn.Linear) and bias is not None:
            nn.init.zeros_(bias)


class _Residual(nn.Module):
    """Two convolutions beside a straight path."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return F.relu(x_BCHW + self.norm(self.second(self.first(x_BCHW))))


@final
class ConvNet(nn.Module):
    """Space-to-depth, two resolutions with one residual block each, pooling, and a linear head.

    The image is folded so that its longer side is at most 16 cells before the first convolution: nearly all the cost of
    a small image lies at its full resolution, and nearly all the accuracy does not.

    Args:
        height: Of the images, at least 1 pixel.
        width: Of the images, at least 1 pixel.
        channels: 1 or 3.
        classes: K, at least 1.
        base: Channels of the first convolution, at least 1; features have 4 times as many.
    """

    def __init__(self, height: int, width: int, channels: int, classes: int, base: int = 32) -> None:
        """Build the layers without drawing parameters; `initialise` must follow."""
        super().__init__()
        self.fold = -(-max(height, width) // _WORKING_SIDE)
        self.dimension = 4 * base
        with torch.device("meta"):
            self.stem = convolution(channels * self.fold**2, base)
            self.early = convolution(base, 2 * base)
            self.late = nn.Sequential(convolution(2 * base, 4 * base), _Residual(4 * base))
            self.head = nn.Linear(4 * base, classes)
        self.to_empty(device="cpu")

    def features(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Return the penultimate features, [B, D].

        Args:
            x_BCHW: Images in [-1, 1].
        """
        height, width = x_BCHW.shape[2:]
        if self.fold > 1:
            x_BCHW = F.pad(x_BCHW, (0, -width % self.fold, 0, -height % self.fold), value=-1.0)
            x_BCHW = F.pixel_unshuffle(x_BCHW, self.fold).contiguous(memory_format=torch.channels_last)
        x_BCHW = self.early(self.stem(x_BCHW))
        if min(x_BCHW.shape[2:]) >= _SMALL_SIDE:
            x_BCHW = F.avg_pool2d(x_BCHW, 2, ceil_mode=True)
        x_BCHW = self.late(x_BCHW)
        return x_BCHW.float().mean(dim=(2, 3))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Return logits, [B, K], for images in [-1, 1]."""
        logits: torch.Tensor = self.head(self.features(x_BCHW))
        return logits.float()


def trained_convnet(
    data: Images, weight: Weights | None, base: int, training: Training, device: str, rng: Rng
) -> ConvNet:
    """Return a network trained on labelled images.

    Args:
        data: At least 1 row.
        weight: [N], at least 0, the share of each row in the loss; None = equal.
        base: Channels of the first convolution.
        training: Budget and schedule.
        device: Where to train: auto, cpu or cuda.
        rng: Key of the parameters and of the batches.

    Raises:
        DataError: There is no row, or the weights do not fit.
        ConfigError: The device is not there.
    """
    network = ConvNet(data.height, data.width, data.channels, len(data.classes), base)
    initialise(network, torch_generator(rng.child("parameters"), "cpu"))
    network.to(choose_device(device))
    train_classifier(network, data.pixels, data.labels, weight, training, rng.child("training"))
    return network
