"""A batch computed in parts, each by a thread of its own: no core waits for another at every operation.

The split does not depend on the number of threads, so neither do the bytes, as long as a part has one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import TypeVar, final

import torch
from torch import Tensor

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
CPU_PARTS = 2


@final
class Parts:
    """Threads that compute the parts of every batch; the caller's number of threads is shared among them.

    Args:
        count: Parts of a batch, at least 1.
        most: Threads of one part at most; 1 makes results independent of the number of threads.
    """

    def __init__(self, count: int, most: int | None = None) -> None:
        """Start nothing yet; threads come with the first piece of work."""
        self.count = count
        threads = torch.get_num_threads()
        workers = min(threads, count)
        each = max(1, threads // count)
        each = each if most is None else min(each, most)
        self._pool = ThreadPoolExecutor(workers, "part", initializer=partial(_take, each))
        self._threads = threads

    def map(self, function: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """Return the function of every item, in order."""
        try:
            return list(self._pool.map(function, items))
        finally:
            torch.set_num_threads(self._threads)

    def gradients(self, loss: Callable[[slice], Tensor], rows: int, parameters: Sequence[Tensor]) -> Tensor:
        """Set the gradients of the mean of a loss over the rows of a batch.

        Args:
            loss: Mean loss of the rows in a slice, a scalar that depends on every parameter.
            rows: Rows of the batch, at least 1.
            parameters: What to differentiate by; their `.grad` is replaced, and lies in memory as they do.

        Returns:
            The mean loss, detached.
        """

        def part(place: slice) -> tuple[Tensor, tuple[Tensor, ...]]:
            with torch.enable_grad():
                value = loss(place) * ((place.stop - place.start) / rows)
            return value.detach(), torch.autograd.grad(value, list(parameters))

        # One part stays in this thread: on a GPU another thread would buy nothing.
        places = split(rows, self.count)
        results = [part(places[0])] if len(places) == 1 else self.map(part, places)
        for position, parameter in enumerate(parameters):
            first, *rest = (gradients[position] for _, gradients in results)
            for other in rest:
                first = first + other
            # Fused Adam walks the memory of both in step; a gradient laid out otherwise, as a convolution of
            # channels_last images gives it, would move other weights than its own.
            parameter.grad = first if first.stride() == parameter.stride() else torch.empty_like(parameter).copy_(first)
        return torch.stack([value for value, _ in results]).sum()


def _take(threads: int) -> None:
    """Give the thread that calls this a number of threads of its own."""
    # A thread takes the last number that was set anywhere when it first computes or is asked for it, even if it was
    # given one of its own before.
    torch.get_num_threads()
    torch.set_num_threads(threads)


def split(rows: int, count: int) -> list[slice]:
    """Return at most `count` consecutive slices of nearly equal length that hold all rows, none empty."""
    edges = [rows * k // count for k in range(count + 1)]
    return [slice(low, high) for low, high in pairwise(edges) if high > low]
