"""What a quota counts: rows of each class, or of each class and mix of further attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, final

import numpy as np

from lookalike.core.contracts import Fitted, Index
from lookalike.core.errors import ConfigError
from lookalike.pipeline.plan import Counts, spread


@final
@dataclass(frozen=True)
class Cells:
    """The cells of a quota; cell `k * len(mixes) + m` is mix m of class k.

    Attributes:
        classes: Class names; ("",) when there are none.
        mixes: Values of the further attributes by name; one empty mapping when the quota counts classes alone.
        asked: Accepted rows asked of each cell, [K * M].
    """

    classes: tuple[str, ...]
    mixes: tuple[Mapping[str, str], ...]
    asked: Counts

    def of(self, data: Any) -> Index:  # noqa: ANN401  a dataset with labels and, for mixes, columns
        """Return the cell of each row, [N] int64."""
        labels = np.array(data.labels, dtype=np.int64)
        if len(self.classes) == 1:
            labels[:] = 0
        if len(self.mixes) == 1:
            return labels
        names = list(self.mixes[0])
        place = {tuple(mix[name] for name in names): number for number, mix in enumerate(self.mixes)}
        rows = zip(*(data.column(name) for name in names), strict=True)
        mix = np.array([place[row] for row in rows], dtype=np.int64).reshape(len(labels))
        return np.add(labels * len(self.mixes), mix, dtype=np.int64)

    def where(self, cells: Sequence[int] | Index) -> dict[str, tuple[str, ...]]:
        """Return what to ask of a generator for rows of these cells: `label` and the further attributes."""
        asked: dict[str, tuple[str, ...]] = {}
        if self.classes != ("",):
            asked["label"] = tuple(self.classes[cell // len(self.mixes)] for cell in cells)
        for name in self.mixes[0]:
            asked[name] = tuple(self.mixes[cell % len(self.mixes)][name] for cell in cells)
        return asked

    def by_class(self, counts: Counts) -> Counts:
        """Return the sum over the mixes of each class, [K]."""
        return np.asarray(counts.reshape(len(self.classes), len(self.mixes)).sum(axis=1), dtype=np.int64)

    def name(self, cell: int) -> str:
        """Return a cell in words."""
        label, mix = self.classes[cell // len(self.mixes)], self.mixes[cell % len(self.mixes)]
        return ", ".join([*([label] if label else []), *(f"{key} {value}" for key, value in mix.items())]) or "any"


def cells_of(asked: Counts, classes: tuple[str, ...], per: Sequence[str], fitted: Fitted[Any] | None) -> Cells:
    """Return the cells of a quota.

    Args:
        asked: Accepted rows asked of each class, [K].
        classes: Class names.
        per: Names of further attributes that the rows of each class are spread over evenly.
        fitted: The generator, which knows the attributes' values; needed when `per` names any.

    Raises:
        ConfigError: The generator has no such attribute, or a class has fewer rows than mixes.
    """
    if not per or fitted is None:
        return Cells(classes or ("",), ({},), asked)
    strata: Mapping[str, Sequence[str]] = getattr(fitted, "strata", dict)()
    unknown = sorted(set(per) - set(strata))
    if unknown:
        known = ", ".join(strata) or "none: this generator makes rows by class only"
        raise ConfigError(f"sample.per names {', '.join(unknown)}, which the generator does not know; allowed: {known}")
    mixes = tuple(dict(zip(per, mix, strict=True)) for mix in product(*(strata[name] for name in per)))
    small = [int(count) for count in asked if 0 < count < len(mixes)]
    if small:
        raise ConfigError(
            f"sample.per makes {len(mixes)} mixes of {', '.join(per)}, but a class has only {small[0]} rows; "
            "ask for more rows, name fewer attributes, or give them fewer values"
        )
    parts = [spread(np.full(len(mixes), 1 / len(mixes)), int(count)) for count in asked]
    return Cells(classes or ("",), mixes, np.concatenate(parts))
