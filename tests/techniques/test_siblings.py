"""Every child is made once, after those beside it."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.techniques.siblings import places


def plainly(count: int) -> list[tuple[int, int, int]]:
    """Return step, left and right of each child, one at a time."""
    found = {0: (0, -1, -1)} if count else {}
    if count > 1:
        found[count - 1] = (1, 0, -1)
    gaps, step = [(0, count - 1)], 2
    while gaps:
        after = []
        for left, right in gaps:
            if right - left > 1:
                middle = (left + right) // 2
                found[middle] = (step, left, right)
                after += [(left, middle), (middle, right)]
        gaps, step = after, step + 1
    return [found[place] for place in range(count)]


@pytest.mark.parametrize("sizes", [[], [0], [1], [2], [3], [5, 0, 1, 17, 5, 2, 0]])
def test_places_are_those_of_a_plain_loop(sizes: list[int]) -> None:
    found, start = places(np.array(sizes, dtype=np.int64)), 0
    for size in sizes:
        for place, (step, left, right) in enumerate(plainly(size)):
            row = start + place
            assert found.step[row] == step
            assert found.left[row] == (left if left < 0 else start + left)
            assert found.right[row] == (right if right < 0 else start + right)
        start += size
    assert len(found.step) == start


def test_a_large_family_takes_few_steps() -> None:
    assert places(np.array([1000])).step.max() == 11
