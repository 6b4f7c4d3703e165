"""EfficientNet-Lite0: mobile inverted bottlenecks without squeeze-and-excitation, for images from 32 pixels a side.

Shapes: B images, C channels, H and W pixels.
"""

from __future__ import annotations

from typing import final

import torch
from torch import nn
from torch.nn import functional as F

FEATURES = 1280
CLASSES = 1000
_STEM = 32
_MOMENTUM = 0.01
_EPSILON = 1e-3

# Blocks, kernel, stride of the first block, expansion, output channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


@final
class _Convolution(nn.Conv2d):
    """A convolution that pads as TensorFlow's SAME: the odd pixel goes to the right and the bottom."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups, bias=False)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        down, right = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x_BCHW.shape[2:])
        return super().forward(F.pad(x_BCHW, (right // 2, right - right // 2, down // 2, down - down // 2)))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=_MOMENTUM)


@final
class _Block(nn.Module):
    """Expand, filter each channel, project; added to the input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expands = expansion > 1
        self.adds = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = _Convolution(inputs, inner, 1)
            self._bn0 = _norm(inner)
        self._depthwise_conv = _Convolution(inner, inner, kernel, stride, groups=inner)
        self._bn1 = _norm(inner)
        self._project_conv = _Convolution(inner, outputs, 1)
        self._bn2 = _norm(outputs)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        y_BCHW = F.relu6(self._bn0(self._expand_conv(x_BCHW))) if self.expands else x_BCHW
        y_BCHW = F.relu6(self._bn1(self._depthwise_conv(y_BCHW)))
        y_BCHW = self._bn2(self._project_conv(y_BCHW))
        result: torch.Tensor = x_BCHW + y_BCHW if self.adds else y_BCHW
        return result


@final
class EfficientNetLite0(nn.Module):
    """The network whose ImageNet weights are published; the names of its parameters are those of the weights.

    Parameters hold nothing until `load_state_dict` fills them.

    Source: Tan & Le 2019, arXiv:1905.11946, table 1; EfficientNet-Lite (Liu 2020, TensorFlow TPU models): no
        squeeze-and-excitation, ReLU6 in place of swish, stem and head of fixed width.
    Differs from the paper: no dropout and no drop-connect, which act in training only.
    """

    def __init__(self) -> None:
        """Build the layers without drawing parameters."""
        super().__init__()
        with torch.device("meta"):
            self._conv_stem = _Convolution(3, _STEM, 3, 2)
            self._bn0 = _norm(_STEM)
            blocks, inputs = [], _STEM
            for count, kernel, stride, expansion, outputs in _STAGES:
                for place in range(count):
                    blocks.append(_Block(inputs, outputs, kernel, stride if place == 0 else 1, expansion))
                    inputs = outputs
            self._blocks = nn.ModuleList(blocks)
            self._conv_head = _Convolution(inputs, FEATURES, 1)
            self._bn1 = _norm(FEATURES)
            self._fc = nn.Linear(FEATURES, CLASSES)
        self.to_empty(device="cpu")

    def features(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Return pooled features, [B, 1280].

        Args:
            x_BCHW: RGB images, (value - 127) / 128 for values from 0 to 255.
        """
        x_BCHW = F.relu6(self._bn0(self._conv_stem(x_BCHW)))
        for block in self._blocks:
            x_BCHW = block(x_BCHW)
        x_BCHW = F.relu6(self._bn1(self._conv_head(x_BCHW)))
        return x_BCHW.mean(dim=(2, 3))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Return logits of the 1000 ImageNet classes, [B, 1000]."""
        logits: torch.Tensor = self._fc(self.features(x_BCHW))
        return logits
