"""Inception-v3 in the form that the Fréchet Inception distance is defined with.

Shapes: B images, C channels, H and W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import nn
from torch.nn import functional as F

FEATURES = 2048
CLASSES = 1008
SIDE = 299
_EPSILON = 1e-3

Kernel = int | tuple[int, int]
Step = tuple[str, int, Kernel]


@final
class _Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, stride: int = 1, pad: bool = True) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if pad else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=_EPSILON)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x_BCHW)))


class _Mixed(nn.Module):
    """Parallel chains of units, joined along the channels; chain and unit names are those of the weights."""

    def __init__(self, inputs: int, chains: Sequence[Sequence[Step]], reduce: bool = False) -> None:
        super().__init__()
        self._chains: list[list[str]] = []
        for steps in chains:
            width = inputs
            for place, (name, outputs, kernel) in enumerate(steps):
                last = reduce and place == len(steps) - 1
                self.add_module(name, _Unit(width, outputs, kernel, 2 if last else 1, pad=not last))
                width = outputs
            self._chains.append([name for name, _, _ in steps])

    def chain(self, place: int, x_BCHW: torch.Tensor) -> torch.Tensor:
        for name in self._chains[place]:
            x_BCHW = self.get_submodule(name)(x_BCHW)
        return x_BCHW


@final
class _Same(_Mixed):
    """Three or more chains and one behind a 3x3 average that counts no padding; the size is kept."""

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        pooled = F.avg_pool2d(x_BCHW, 3, stride=1, padding=1, count_include_pad=False)
        own = [self.chain(place, x_BCHW) for place in range(len(self._chains) - 1)]
        return torch.cat([*own, self.chain(len(self._chains) - 1, pooled)], dim=1)


@final
class _Halve(_Mixed):
    """Chains that end in a stride of 2, beside a 3x3 maximum."""

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        own = [self.chain(place, x_BCHW) for place in range(len(self._chains))]
        return torch.cat([*own, F.max_pool2d(x_BCHW, 3, stride=2)], dim=1)


@final
class _Wide(nn.Module):
    """The block at 8x8: two chains split into a row and a column filter; the last block pools by maximum."""

    def __init__(self, inputs: int, pool: Literal["average", "maximum"]) -> None:
        super().__init__()
        self._pool = pool
        self.branch1x1 = _Unit(inputs, 320, 1)
        self.branch3x3_1 = _Unit(inputs, 384, 1)
        self.branch3x3_2a = _Unit(384, 384, (1, 3))
        self.branch3x3_2b = _Unit(384, 384, (3, 1))
        self.branch3x3dbl_1 = _Unit(inputs, 448, 1)
        self.branch3x3dbl_2 = _Unit(448, 384, 3)
        self.branch3x3dbl_3a = _Unit(384, 384, (1, 3))
        self.branch3x3dbl_3b = _Unit(384, 384, (3, 1))
        self.branch_pool = _Unit(inputs, 192, 1)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        once = self.branch3x3_1(x_BCHW)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x_BCHW))
        if self._pool == "maximum":
            pooled = F.max_pool2d(x_BCHW, 3, stride=1, padding=1)
        else:
            pooled = F.avg_pool2d(x_BCHW, 3, stride=1, padding=1, count_include_pad=False)
        parts = [self.branch1x1(x_BCHW), self.branch3x3_2a(once), self.branch3x3_2b(once)]
        parts += [self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice), self.branch_pool(pooled)]
        return torch.cat(parts, dim=1)


def _early(inputs: int, pooled: int) -> _Same:
    five: list[Step] = [("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)]
    double: list[Step] = [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)]
    return _Same(inputs, [[("branch1x1", 64, 1)], five, double, [("branch_pool", pooled, 1)]])


def _middle(width: int) -> _Same:
    row, column = (1, 7), (7, 1)
    seven: list[Step] = [("branch7x7_1", width, 1), ("branch7x7_2", width, row), ("branch7x7_3", 192, column)]
    double: list[Step] = [
        ("branch7x7dbl_1", width, 1),
        ("branch7x7dbl_2", width, column),
        ("branch7x7dbl_3", width, row),
        ("branch7x7dbl_4", width, column),
        ("branch7x7dbl_5", 192, row),
    ]
    return _Same(768, [[("branch1x1", 192, 1)], seven, double, [("branch_pool", 192, 1)]])


@final
class Inception(nn.Module):
    """Inception-v3 with the pooling of the 2015 TensorFlow graph; parameters hold nothing until weights are loaded.

    Parameters are named as in torchvision's `inception_v3`: `Conv2d_1a_3x3.conv.weight`, `Conv2d_1a_3x3.bn.*`,
    `Mixed_5b.branch1x1.conv.weight`, ..., `Mixed_7c.branch_pool.bn.*`, `fc.weight` [1008, 2048], `fc.bias` [1008].

    Source: Szegedy et al. 2016, arXiv:1512.00567; Heusel et al. 2017, arXiv:1706.08500.
    Differs from the paper: averages leave padding out and the last block pools by maximum, as the 2015 graph does; the
        auxiliary classifier, which acts in training only, is left out.
    """

    def __init__(self) -> None:
        """Build the layers without drawing parameters."""
        super().__init__()
        with torch.device("meta"):
            self.Conv2d_1a_3x3 = _Unit(3, 32, 3, stride=2, pad=False)
            self.Conv2d_2a_3x3 = _Unit(32, 32, 3, pad=False)
            self.Conv2d_2b_3x3 = _Unit(32, 64, 3)
            self.Conv2d_3b_1x1 = _Unit(64, 80, 1)
            self.Conv2d_4a_3x3 = _Unit(80, 192, 3, pad=False)
            self.Mixed_5b = _early(192, 32)
            self.Mixed_5c = _early(256, 64)
            self.Mixed_5d = _early(288, 64)
            double: list[Step] = [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)]
            self.Mixed_6a = _Halve(288, [[("branch3x3", 384, 3)], double], reduce=True)
            self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = map(_middle, (128, 160, 160, 192))
            three: list[Step] = [("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)]
            seven: list[Step] = [
                ("branch7x7x3_1", 192, 1),
                ("branch7x7x3_2", 192, (1, 7)),
                ("branch7x7x3_3", 192, (7, 1)),
                ("branch7x7x3_4", 192, 3),
            ]
            self.Mixed_7a = _Halve(768, [three, seven], reduce=True)
            self.Mixed_7b = _Wide(1280, "average")
            self.Mixed_7c = _Wide(2048, "maximum")
            self.fc = nn.Linear(FEATURES, CLASSES)
        self.to_empty(device="cpu")

    def features(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Return pooled features, [B, 2048].

        Args:
            x_BCHW: RGB images in [-1, 1], 299 x 299.
        """
        x_BCHW = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x_BCHW)))
        x_BCHW = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x_BCHW, 3, stride=2)))
        x_BCHW = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x_BCHW, 3, stride=2))))
        x_BCHW = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x_BCHW)))))
        x_BCHW = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x_BCHW)))
        return x_BCHW.mean(dim=(2, 3))
