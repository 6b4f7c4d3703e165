"""The order in which the children of one parent are made: the first, the last, then the middle of each gap.

A child that lies between two others is made given both, so a family of n is complete after about 2 + log2(n) steps, no
child is more than that many steps away from any other, and what is in order stays in order.

Source: the midpoint construction of Brownian motion, Lévy 1948; as the Brownian bridge in Glasserman 2003, Monte Carlo
    Methods in Financial Engineering, section 3.1.
Legend: N children of all families, in the order of the families, C children of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
FIRST, LAST = 0, 1
"""Steps at which the first and the last child are made; those between follow from step 2 on."""
_SMALL = 1000
"""Largest family that is remembered: these come again and again."""


@final
@dataclass(frozen=True)
class Places:
    """When each child is made, and between which others.

    Attributes:
        step: 0 = the first of its family, 1 = the last, then one for each halving, [N].
        left: Row of the nearest child before it that is made earlier; -1 = none, [N].
        right: Row of the nearest child after it that is made earlier; -1 = none, [N].
    """

    step: Ints
    left: Ints
    right: Ints


def _family(count: int) -> tuple[Ints, Ints, Ints]:
    """Return step, left and right of the children of one family, by position in it, [C] each."""
    step, left, right = (np.full(count, -1, dtype=np.int64) for _ in range(3))
    step[:1], gaps, now = FIRST, np.array([[0, count - 1]]), LAST + 1
    if count > 1:
        step[-1], left[-1] = LAST, 0
    while len(gaps := gaps[gaps[:, 1] - gaps[:, 0] > 1]):
        middle = gaps.sum(axis=1) // 2
        step[middle], left[middle], right[middle] = now, gaps[:, 0], gaps[:, 1]
        gaps = np.concatenate([np.stack([gaps[:, 0], middle], axis=1), np.stack([middle, gaps[:, 1]], axis=1)])
        now += 1
    return step, left, right


_small = lru_cache(maxsize=_SMALL)(_family)


def places(sizes: Ints) -> Places:
    """Return when each child is made and between which rows.

    Args:
        sizes: Children of each family, at least 0.

    Example:
        >>> places(np.array([4])).step.tolist()
        [0, 2, 3, 1]
    """
    start = np.cumsum(sizes) - sizes
    step, left, right = (np.full(int(sizes.sum()), -1, dtype=np.int64) for _ in range(3))
    for count in np.unique(sizes[sizes > 0]).tolist():
        begin = start[sizes == count][:, None]
        own_step, own_left, own_right = _small(count) if count <= _SMALL else _family(count)
        rows = begin + np.arange(count)
        step[rows] = own_step
        left[rows] = np.where(own_left < 0, -1, begin + own_left)
        right[rows] = np.where(own_right < 0, -1, begin + own_right)
    return Places(step, left, right)
