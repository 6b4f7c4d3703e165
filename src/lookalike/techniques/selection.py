"""What filters have in common: rows that go, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

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
    index = np.setdiff1d(np.arange(rows, dtype=np.int64), gone)
    reasons = {int(row): f"{name}: {why[int(row)]}" for row in gone}
    return Selection(index, np.ones(len(index)), dict(Counter(why.values())), reasons)
