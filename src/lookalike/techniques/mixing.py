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


def seeds_in_turn(seed_labels: Labels, labels: Labels, rng: Rng) -> list[int]:
    """Return a seed of the right label for every row: all seeds of a label in keyed order, again and again.

    Args:
        seed_labels: Label of each seed, [S]; every label that is asked has a seed.
        labels: Label of each row, [N].
        rng: Key of the order.
    """
    chosen = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels).tolist():
        seeds, rows = np.flatnonzero(seed_labels == label), np.flatnonzero(labels == label)
        key = rng.child("seeds", label)
        turns = [key.child("turn", turn).numpy().permutation(seeds) for turn in range(-(-len(rows) // len(seeds)))]
        chosen[rows] = np.concatenate(turns)[: len(rows)]
    return [int(place) for place in chosen]
