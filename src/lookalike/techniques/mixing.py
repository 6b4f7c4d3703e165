"""Further wishes of rows, spread evenly: every mix of attributes in turn, and rows of one mix together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from lookalike.core.rng import Rng

Labels = npt.NDArray[np.int64]


def mixes_of(
    attributes: Mapping[str, Sequence[str]], labels: Labels, rng: Rng, given: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, str]]:
    """Return the attributes of every row: for each label all mixes in keyed order, again and again.

    Args:
        attributes: Values by name.
        labels: Label of each row, [N].
        rng: Key of the order.
        given: Values that are already chosen, one per row, by name.
    """
    free = {name: values for name, values in attributes.items() if name not in (given or {})}
    grid = [dict(zip(free, mix, strict=True)) for mix in product(*free.values())]
    seen: Counter[int] = Counter()
    orders: dict[tuple[int, int], Labels] = {}
    mixes = []
    for row, label in enumerate(labels.tolist()):
        turn, place = divmod(seen[label], len(grid))
        seen[label] += 1
        if (label, turn) not in orders:
            orders[label, turn] = rng.child("mixes", label).child("turn", turn).numpy().permutation(len(grid))
        chosen = grid[int(orders[label, turn][place])] | {name: values[row] for name, values in (given or {}).items()}
        mixes.append({name: chosen[name] for name in attributes})
    return mixes


def together(labels: Labels, mixes: Sequence[Mapping[str, str]], most: int) -> list[list[int]]:
    """Return rows that share a label and a mix in groups of at most `most`, in the order of their first rows.

    Example:
        >>> together(np.array([0, 1, 0, 0]), [{}, {}, {}, {}], 2)
        [[0, 2], [1], [3]]
    """
    if most == 1:
        return [[row] for row in range(len(labels))]
    rows: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for row, (label, mix) in enumerate(zip(labels.tolist(), mixes, strict=True)):
        rows[label, *mix.items()].append(row)
    groups = [group[first : first + most] for group in rows.values() for first in range(0, len(group), most)]
    return sorted(groups)
