"""What filters have in common: rows that go, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Selection


def without(rows: int, why: Mapping[int, str], name: str) -> Selection:
    """Return the selection that keeps every row except those with a reason to go.

    Args:
        rows: Number of rows.
        why: Reason by position.
        name: Name of the filter, which stands before each reason.

    Example:
        >>> without(3, {1: "too short"}, "format").dropped
        {'too short': 1}
    """
    gone = np.array(sorted(why), dtype=np.int64)
    index = np.setdiff1d(np.arange(rows, dtype=np.int64), gone, assume_unique=True)
    reasons = {int(row): f"{name}: {why[int(row)]}" for row in gone}
    return Selection(index, np.ones(len(index)), dict(Counter(why.values())), reasons)


def beyond_share(labels: npt.NDArray[np.int64], sure_N: npt.NDArray[np.float64], keep: float) -> list[int]:
    """Return the rows of each class beyond its most certain share; among equals the earlier row stays.

    Args:
        labels: Class of each row, [N].
        sure_N: How certain each row is, [N].
        keep: Share of each class that stays, above 0 and at most 1.

    Example:
        >>> beyond_share(np.array([0, 0, 1]), np.array([0.2, 0.9, 0.1]), 0.5)
        [0]
    """
    gone: list[int] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        order = rows[np.argsort(-sure_N[rows], kind="stable")]
        gone += order[int(np.ceil(keep * len(rows))) :].tolist()
    return gone
