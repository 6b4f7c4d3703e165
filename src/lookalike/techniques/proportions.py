"""Intervals for a share of hits."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta, norm

Interval = tuple[float, float]


def clopper_pearson(hits: float, n: int, level: float = 0.95) -> Interval:
    """Return the exact interval of a share; never narrower than stated.

    Args:
        hits: 0 to n.
        n: Tries; none at all leaves everything open.
        level: Coverage, between 0 and 1.

    Source: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.

    Example:
        >>> [round(end, 4) for end in clopper_pearson(0, 10)]
        [0.0, 0.3085]
    """
    if n == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def wilson(hits: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return centre and half width of Wilson's interval of a share.

    Args:
        hits: 0 to n.
        n: Tries, at least 1.
        level: Coverage, between 0 and 1.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Example:
        >>> [round(part, 4) for part in wilson(0, 10)]
        [0.1388, 0.1388]
    """
    z = float(norm.ppf((1 + level) / 2))
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(hits * (n - hits) / n + z * z / 4)
    return float(centre), float(half)
