"""A leaky ReLU between two linear maps along the axes of images, by products with band matrices.

Images are worked on a few at a time, so that the middle, which is several times larger, stays in the cache of the
processor; only its signs are kept for the backward pass. Every derivative is of the same kind, so there are as many
as one likes.
Legend: N images, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

# Numbers of the middle that are worked on at a time.
_IN_CACHE = 200_000
# Rows of a band matrix that are multiplied at once: fewer touch fewer zeros, more keep the product efficient.
_BLOCK_ROWS = 56


@dataclass(frozen=True)
class _Block:
    """Part of a band matrix: these outputs depend on these inputs only."""

    after: slice
    before: slice
    matrix: Tensor


@final
@dataclass(frozen=True)
class AxisMaps:
    """The linear map X -> sum over k of H_k X W_k^T, of `rank` terms, for a stack of images.

    Attributes:
        tall: H_k along the height; where `wide_first`, column i * rank + k is column i of H_k, else rows are so.
        wide: W_k along the width; where `wide_first`, all rows of one term after those of another, else columns.
        rank: Number of terms, at least 1.
        wide_first: Whether W gives the terms side by side and H adds them, or H gives them and W adds them.
        dtype: Of the images.
        device: Of the images.
    """

    tall: npt.NDArray[np.float64]
    wide: npt.NDArray[np.float64]
    rank: int
    wide_first: bool
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of_terms(
        cls, tall: npt.NDArray[np.float64], wide: npt.NDArray[np.float64], dtype: torch.dtype, device: torch.device
    ) -> AxisMaps:
        """Return the map of the terms H_k [rank, after, before] and W_k [rank, after, before]."""
        rank, rows, columns = tall.shape
        together = tall.transpose(1, 2, 0).reshape(rows, columns * rank)
        return cls(together, wide.reshape(-1, wide.shape[2]), rank, True, dtype, device)

    @cached_property
    def adjoint(self) -> AxisMaps:
        """The transposed map."""
        return AxisMaps(self.tall.T, self.wide.T, self.rank, not self.wide_first, self.dtype, self.device)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width of the result."""
        terms = (1, self.rank) if self.wide_first else (self.rank, 1)
        return len(self.tall) // terms[0], len(self.wide) // terms[1]

    @cached_property
    def _tall_blocks(self) -> list[_Block]:
        rows, columns = self.tall.shape
        longest = max(rows, columns // self.rank) if self.wide_first else max(rows // self.rank, columns)
        return self._blocks(self.tall, max(1, longest // _BLOCK_ROWS))

    @cached_property
    def _wide_blocks(self) -> list[_Block]:
        rows, columns = self.wide.shape
        if self.wide_first:
            return self._blocks(self.wide, self.rank * max(1, max(rows // self.rank, columns) // _BLOCK_ROWS))
        return self._blocks(self.wide, max(1, max(rows, columns // self.rank) // _BLOCK_ROWS))

    def _blocks(self, matrix: npt.NDArray[np.float64], count: int) -> list[_Block]:
        edges = [len(matrix) * k // count for k in range(count + 1)]
        blocks = []
        for first, last in pairwise(edges):
            used = np.flatnonzero(matrix[first:last].any(axis=0))
            before = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
            part = torch.from_numpy(np.ascontiguousarray(matrix[first:last, before]))
            blocks.append(_Block(slice(first, last), before, part.to(self.device, self.dtype)))
        return blocks

    def apply(self, x_NHW: Tensor, out_NHW: Tensor) -> None:
        """Write the result for images that lie without gaps in memory."""
        if self.wide_first:
            z = x_NHW.new_empty(len(x_NHW) * x_NHW.shape[1], len(self.wide))
            self._along_width(x_NHW.view(-1, x_NHW.shape[2]), z)
            self._along_height(z.view(len(x_NHW), -1, out_NHW.shape[2]), out_NHW)
        else:
            z = x_NHW.new_empty(len(x_NHW), len(self.tall), x_NHW.shape[2])
            self._along_height(x_NHW, z)
            self._along_width(z.view(-1, self.wide.shape[1]), out_NHW.view(-1, out_NHW.shape[2]))

    def _along_width(self, x: Tensor, out: Tensor) -> None:
        for block in self._wide_blocks:
            torch.mm(x[:, block.before], block.matrix.T, out=out[:, block.after])

    def _along_height(self, x: Tensor, out: Tensor) -> None:
        for block in self._tall_blocks:
            torch.bmm(block.matrix.expand(len(x), -1, -1), x[:, block.before], out=out[:, block.after])


@final
@dataclass(frozen=True)
class MapPair:
    """Two linear maps, with something pointwise between them.

    Attributes:
        first: From the input to the middle.
        second: From the middle to the output.
    """

    first: AxisMaps
    second: AxisMaps

    @cached_property
    def adjoint(self) -> MapPair:
        """The pair backwards: what a gradient passes through."""
        return MapPair(self.second.adjoint, self.first.adjoint)

    def run(self, x_NHW: Tensor, between: Callable[[Tensor, slice], None]) -> Tensor:
        """Apply both maps; `between(z, part)` changes in place the middle of the images that `part` names."""
        x_NHW = x_NHW.contiguous()
        out = x_NHW.new_empty(len(x_NHW), *self.second.size)
        height, width = self.first.size
        count = max(1, _IN_CACHE // (height * width)) if x_NHW.device.type == "cpu" else max(1, len(x_NHW))
        middle = x_NHW.new_empty(min(count, len(x_NHW)), height, width)
        for begin in range(0, len(x_NHW), count):
            part = slice(begin, min(begin + count, len(x_NHW)))
            z = middle[: part.stop - part.start]
            self.first.apply(x_NHW[part], z)
            between(z, part)
            self.second.apply(z, out[part])
        return out


def lrelu_between(x_NHW: Tensor, pair: MapPair, slope: float, clamp: float | None) -> Tensor:
    """Return second(clamp(leaky_relu(first(x)))).

    Args:
        x_NHW: Images.
        pair: The linear maps.
        slope: Of the negative side, in [0, 1].
        clamp: Largest magnitude after the leaky ReLU, above 0; None = no limit.

    Returns:
        [N, height, width] as the second map gives.
    """
    result: Tensor = _Activated.apply(x_NHW, pair, slope, clamp)  # type: ignore[no-untyped-call]
    return result


class _Context(Protocol):
    """What autograd keeps between the two passes."""

    pair: MapPair
    slope: float
    exact: bool
    needs_input_grad: tuple[bool, ...]
    saved_tensors: tuple[Tensor, ...]

    def save_for_backward(self, *tensors: Tensor | None) -> None: ...


@final
class _Activated(torch.autograd.Function):
    """Two linear maps with leaky ReLU between them, a few images at a time."""

    @staticmethod
    def forward(ctx: _Context, x_NHW: Tensor, pair: MapPair, slope: float, clamp: float | None) -> Tensor:
        kept: Tensor | None = None
        if ctx.needs_input_grad[0]:
            # Zeros and ones are exact in bfloat16, which is read and written faster than bool is.
            kind = torch.bfloat16 if clamp is None else x_NHW.dtype
            kept = torch.empty(len(x_NHW), *pair.first.size, dtype=kind, device=x_NHW.device)

        def between(z: Tensor, part: slice) -> None:
            if kept is not None:
                # A comparison that writes floats is faster than one that writes bool.
                rising = torch.gt(z, 0, out=torch.empty_like(z))
                if clamp is not None:
                    rising.mul_(1 - slope).add_(slope).mul_((z < clamp) & (z > -clamp / max(slope, 1e-30)))
                kept[part].copy_(rising)
            F.leaky_relu_(z, slope)
            if clamp is not None:
                z.clamp_(-clamp, clamp)

        y_NHW = pair.run(x_NHW, between)
        ctx.pair, ctx.slope, ctx.exact = pair, slope, clamp is not None
        ctx.save_for_backward(kept)
        return y_NHW

    @staticmethod
    def backward(ctx: _Context, grad_NHW: Tensor) -> tuple[Tensor | None, ...]:
        (kept,) = ctx.saved_tensors
        return _Masked.apply(grad_NHW, kept, ctx.pair.adjoint, ctx.slope, ctx.exact), None, None, None  # type: ignore[no-untyped-call]


@final
class _Masked(torch.autograd.Function):
    """Two linear maps with a fixed pointwise factor between them; its derivative is of the same kind."""

    @staticmethod
    def forward(ctx: _Context, x_NHW: Tensor, kept: Tensor, pair: MapPair, slope: float, exact: bool) -> Tensor:
        def between(z: Tensor, part: slice) -> None:
            if exact:
                z.mul_(kept[part])
            else:
                rising = kept[part].to(z.dtype)
                torch.addcmul(z * slope, z, rising, value=1 - slope, out=z)

        ctx.pair, ctx.slope, ctx.exact = pair, slope, exact
        ctx.save_for_backward(kept)
        return pair.run(x_NHW, between)

    @staticmethod
    def backward(ctx: _Context, grad_NHW: Tensor) -> tuple[Tensor | None, ...]:
        (kept,) = ctx.saved_tensors
        y = _Masked.apply(grad_NHW, kept, ctx.pair.adjoint, ctx.slope, ctx.exact)  # type: ignore[no-untyped-call]
        return y, None, None, None, None
