"""Which image sizes a network that grows by doublings can make."""

from __future__ import annotations

import math

from lookalike.core.errors import ConfigError

SMALLEST_SIDE = 8
LARGEST_SIDE = 1024
_SHORT_START = range(4, 8)
_LONG_START = range(4, 17)


def start_of(height: int, width: int) -> tuple[int, int, int]:
    """Return the size from which doublings lead to an image size.

    Args:
        height: In pixels, from 8 to 1024.
        width: In pixels, from 8 to 1024.

    Returns:
        Height and width of the start and the number of doublings, at least 1. The shorter side of the start is from 4
        to 7, the longer one at most 16; there is never more than one such start.

    Raises:
        ConfigError: No start leads to this size.

    Example:
        >>> start_of(28, 28), start_of(64, 48)
        ((7, 7, 2), (8, 6, 3))
    """
    doublings = max((min(height, width) // _SHORT_START.start).bit_length() - 1, 0)
    tall, wide = height >> doublings, width >> doublings
    exact = (tall << doublings, wide << doublings) == (height, width)
    if doublings < 1 or not exact or max(tall, wide) not in _LONG_START or max(height, width) > LARGEST_SIDE:
        near = " or ".join(f"{h}x{w}" for h, w in _nearest(height, width))
        raise ConfigError(
            f"images of {height}x{width} pixels cannot be made by doublings: each side must be its start times the "
            f"same power of two, the shorter start from 4 to 7 and the longer at most 16; resize the images to {near}"
        )
    return tall, wide, doublings


def _nearest(height: int, width: int) -> list[tuple[int, int]]:
    """Return the two possible sizes with the least change of the sides, as ratios; change of shape counts double."""
    starts = [(h, w) for h in _LONG_START for w in _LONG_START if min(h, w) in _SHORT_START]
    sizes = [(h << k, w << k) for k in range(1, 9) for h, w in starts if max(h << k, w << k) <= LARGEST_SIDE]
    ratios = {(h, w): (math.log(h / height), math.log(w / width)) for h, w in sorted(sizes)}
    return sorted(ratios, key=lambda size: sum(map(abs, ratios[size])) + 2 * abs(ratios[size][0] - ratios[size][1]))[:2]
