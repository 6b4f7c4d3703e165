"""How alike rows of one family are, column by column, from sums that every family contributes.

The likeness of a column is one less the variance within families over the variance of all rows: 0 where siblings are
as different as strangers, 1 where they are equal. With numbers it is the intraclass correlation; with categories a
value is a corner, and it is the kappa of two siblings.

Source: Fisher 1925, Statistical Methods for Research Workers, section 38 (intraclass correlation); Fleiss and Cuzick
    1979, doi 10.1177/014662167900300410 (categories).
Differs from the papers: the variance of all rows is divided by their number; neighbours in an order are compared too.
Legend: N rows, P families, F columns, S sums.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SUMS = 5
"""Sums of a column: spread within, its degrees of freedom, spread of neighbours, spread of all, rows."""


def sums_of_numbers(values_N: Floats, owner_N: Ints, families: int, centre: float) -> Floats:
    """Return the sums of a column of numbers, [P, SUMS]; NaN = missing, and left out.

    Args:
        values_N: The numbers, rows of one family beside each other.
        owner_N: Family of each row, rising.
        families: P.
        centre: Mean of the rows that all others are compared with.
    """
    known = ~np.isnan(values_N)
    x, owner = values_N[known] - centre, owner_N[known]
    count = np.bincount(owner, minlength=families)
    total, square = (np.bincount(owner, part, families) for part in (x, x**2))
    within = square - total**2 / np.maximum(count, 1)
    beside = owner[1:] == owner[:-1]
    steps = np.bincount(owner[1:][beside], (np.diff(x) ** 2)[beside] / 2, families)
    return np.stack([np.maximum(within, 0), np.maximum(count - 1, 0), steps, square, count], axis=1)


def sums_of_codes(codes_N: Ints, owner_N: Ints, families: int, share_K: Floats) -> Floats:
    """Return the sums of a column of categories, [P, SUMS].

    Args:
        codes_N: Codes from 0, rows of one family beside each other.
        owner_N: Family of each row, rising.
        families: P.
        share_K: Share of each code among the rows that all others are compared with.
    """
    count = np.bincount(owner_N, minlength=families)
    pairs, alike = np.unique(owner_N * len(share_K) + codes_N, return_counts=True)
    same = np.bincount(pairs // len(share_K), alike.astype(np.float64) ** 2, families)
    within = count - same / np.maximum(count, 1)
    beside = owner_N[1:] == owner_N[:-1]
    steps = np.bincount(owner_N[1:][beside], (np.diff(codes_N) != 0)[beside].astype(np.float64), families)
    far = np.bincount(owner_N, 1 - 2 * share_K[codes_N] + (share_K**2).sum(), families)
    return np.stack([within, np.maximum(count - 1, 0), steps, far, count], axis=1)


def likeness(sums_PFS: Floats) -> tuple[Floats, Floats]:
    """Return how alike siblings are, and how alike neighbours among them, [F] each; 0 where nothing can be said."""
    within, free, steps, far, rows = sums_PFS.sum(axis=0).T
    spread = far / np.maximum(rows, 1)
    able = (free > 0) & (spread > 1e-12)
    scale = np.where(able, free * spread, 1)
    return np.where(able, 1 - within / scale, 0.0), np.where(able, 1 - steps / scale, 0.0)
