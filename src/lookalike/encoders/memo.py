"""Keeps prepared extractors and embedded rows for the life of the process, so that several metrics share one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Generic, TypeVar, final

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Dataset, Features, Method
from lookalike.core.registry import find
from lookalike.core.store import digest

_FEATURE_BYTES = 1 << 29
_PREPARED = 8
V = TypeVar("V")


@final
class Memo(Generic[V]):
    """A bounded table of results by key: what was used longest ago goes first.

    Args:
        limit: Total size that is kept; a single larger result is returned but not kept.
        size: Size of one result, in the unit of `limit`.
    """

    def __init__(self, limit: int, size: Callable[[V], int]) -> None:
        """Make an empty table."""
        self._limit = limit
        self._size = size
        self._held: OrderedDict[str, V] = OrderedDict()
        self._total = 0
        self._lock = RLock()

    def get(self, key: str, make: Callable[[], V]) -> V:
        """Return the result of that key, making it first when it is not held."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            value = make()
            if self._size(value) > self._limit:
                return value
            self._held[key] = value
            self._total += self._size(value)
            while self._total > self._limit:
                _, gone = self._held.popitem(last=False)
                self._total -= self._size(gone)
            return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._total = 0


@final
class Growing:
    """Keeps one figure for each row of sets that grow at their end, as the candidates of a run do from round to round.

    Args:
        limit: Most bytes of one set that is kept.
        sets: Most sets that are kept.
    """

    def __init__(self, limit: int, sets: int = 4) -> None:
        """Hold nothing yet."""
        self._limit, self._sets = limit, sets
        self._held: OrderedDict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]] = OrderedDict()
        self._lock = RLock()

    def get(
        self,
        key: str,
        rows_ND: npt.NDArray[np.float32],
        make: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]],
    ) -> npt.NDArray[np.float64]:
        """Return the figure of each row, [N]; only rows that were not at the same place last time are asked for.

        Args:
            key: Tells the set, and all else that figures depend on.
            rows_ND: The rows.
            make: rows [M, D] -> their figures [M], each from its row alone.
        """
        with self._lock:
            found = np.empty(len(rows_ND))
            known = np.zeros(len(rows_ND), dtype=np.bool_)
            if key in self._held and self._held[key][0].shape[1] == rows_ND.shape[1]:
                rows, figures = self._held[key]
                both = min(len(rows), len(rows_ND))
                known[:both] = (rows[:both] == rows_ND[:both]).all(axis=1)
                found[known] = figures[:both][known[:both]]
            if not known.all():
                found[~known] = make(rows_ND[~known])
            self._held.pop(key, None)
            if rows_ND.nbytes <= self._limit:
                self._held[key] = (rows_ND, found.copy())
            while len(self._held) > self._sets:
                self._held.popitem(last=False)
            return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()


_prepared: Memo[Features[Any]] = Memo(_PREPARED, lambda _: 1)
_embedded: Memo[npt.NDArray[np.float32]] = Memo(_FEATURE_BYTES, lambda rows: rows.nbytes)


def prepared(encoder: str | Method, train: Dataset, options: Mapping[str, object] | None = None) -> Features[Any]:
    """Return the extractor of an encoder for these training rows, made at most once per process.

    Args:
        encoder: Registry name such as `image.task_cnn`, or a configured encoder.
        train: Real training rows.
        options: Settings of an encoder given by name.
    """
    method: Any = find("encoders", encoder)(**(options or {})) if isinstance(encoder, str) else encoder
    kind = f"{type(method).__module__}.{type(method).__qualname__}"
    key = digest([kind, method.model_dump(mode="json"), train.fingerprint()])
    return _prepared.get(key, lambda: method.prepare(train))


def embedded(features: Features[Any], data: Dataset) -> npt.NDArray[np.float32]:
    """Return the features of rows, [N, dimension], read-only; computed at most once while memory allows."""

    def make() -> npt.NDArray[np.float32]:
        rows = features.embed(data)
        rows.flags.writeable = False
        return rows

    return _embedded.get(digest([features.name, features.digest, data.fingerprint()]), make)


def forget() -> None:
    """Drop everything that is held; the next call computes again."""
    _prepared.clear()
    _embedded.clear()
