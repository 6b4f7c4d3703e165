"""How alike single columns, pairs of columns and whole patterns are in two sets of rows.

Numbers are float64 with NaN = missing. Shape suffixes: N rows, F columns, P pairs of columns, G groups of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.techniques.bootstrap import jackknife_interval

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_GROUPS = 20


def kolmogorov(first_N: Values, second_N: Values) -> float:
    """Return the largest difference of the two distribution functions; a missing value counts as the lowest of all.

    Source: Kolmogorov 1933, Smirnov 1948, doi:10.1214/aoms/1177730256.

    Example:
        >>> kolmogorov(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6]))
        0.5
    """
    one, two = (np.sort(np.where(np.isnan(rows), -np.inf, rows)) for rows in (first_N, second_N))
    places = np.concatenate([one, two])
    below = np.searchsorted(one, places, "right") / len(one) - np.searchsorted(two, places, "right") / len(two)
    return float(np.abs(below).max())


def total_variation(first_N: Codes, second_N: Codes) -> float:
    """Return half the sum of the absolute differences of the shares of every code, codes being at least 0.

    Source: for example Levin, Peres and Wilmer 2009, Markov Chains and Mixing Times, proposition 4.2.

    Example:
        >>> total_variation(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]))
        0.5
    """
    size = 1 + int(max(first_N.max(), second_N.max()))
    one, two = (np.bincount(rows, minlength=size) / len(rows) for rows in (first_N, second_N))
    return float(np.abs(one - two).sum() / 2)


def column_distances(first_NF: Values, second_NF: Values, ordered_F: Flags) -> Values:
    """Return the distance of each column, [F]: Kolmogorov-Smirnov of ordered ones, total variation of the others."""
    return np.array(
        [
            kolmogorov(first_NF[:, f], second_NF[:, f])
            if ordered
            else total_variation(filled(first_NF[:, f]), filled(second_NF[:, f]))
            for f, ordered in enumerate(ordered_F)
        ]
    )


def filled(codes_N: Values) -> Codes:
    """Return codes from 1, with 0 for a missing value."""
    return np.where(np.isnan(codes_N), -1, codes_N).astype(np.int64) + 1


def bins(column_N: Values, ordered: bool, most: int) -> Values:
    """Return what divides a column into bins: edges of an ordered one, kept codes of another.

    Args:
        column_N: Values that the bins are measured on.
        ordered: Whether larger and smaller mean something.
        most: Bins at most, not counting the one for missing values, at least 2.

    Returns:
        Of an ordered column edges, ascending, the first of them the lowest value: a bin reaches up to and with an edge,
        so that a spike at the lowest value has a bin of its own. Of another column its most frequent codes.
    """
    known = column_N[~np.isnan(column_N)]
    if not len(known):
        return np.zeros(0)
    if ordered:
        edges = np.quantile(known, np.linspace(0, 1, most + 1)[:-1], method="inverted_cdf")
        return np.unique(edges)
    codes, counts = np.unique(known, return_counts=True)
    return np.sort(codes[np.argsort(-counts, kind="stable")[: most - 1]])


def binned(column_N: Values, marks: Values, ordered: bool) -> Codes:
    """Return the bin of each row, from 1; 0 = missing, and the last one is for what is not kept."""
    gone = np.isnan(column_N)
    if ordered:
        place = np.searchsorted(marks, np.where(gone, 0.0, column_N), "left") + 1
        return np.where(gone, 0, place)
    place = np.searchsorted(marks, np.where(gone, -1.0, column_N))
    known = (place < len(marks)) & (np.append(marks, np.nan)[place] == column_N)
    return np.where(gone, 0, np.where(known, place + 1, len(marks) + 1))


def pair_distances(first_NF: Codes, second_NF: Codes, pairs_P2: Codes) -> Values:
    """Return the total variation distance of the joint shares of each pair of binned columns, [P]."""
    width_F = 1 + np.maximum(first_NF.max(axis=0), second_NF.max(axis=0))
    return np.array(
        [
            total_variation(
                first_NF[:, one] * width_F[two] + first_NF[:, two], second_NF[:, one] * width_F[two] + second_NF[:, two]
            )
            for one, two in pairs_P2
        ]
    )


def pair_of_columns(columns: int, most: int, generator: np.random.Generator) -> Codes:
    """Return pairs of different columns, [P, 2]; of more than `most` that many, drawn without replacement."""
    total = columns * (columns - 1) // 2
    chosen = np.arange(total) if total <= most else np.sort(generator.choice(total, most, replace=False))
    # Pair number t lies in the row of the larger column, of which the first is t = l (l - 1) / 2.
    larger = np.floor((1 + np.sqrt(1 + 8 * chosen)) / 2).astype(np.int64)
    return np.stack([chosen - larger * (larger - 1) // 2, larger], axis=1).astype(np.int64)


def grouped_interval(
    value: float, figure: Callable[..., float], sets: Sequence[npt.NDArray[Any]]
) -> tuple[float, float] | None:
    """Return the 95 % interval of a figure from 0 to 1, by leaving out one of 20 groups of rows of each set at a time.

    Args:
        value: The figure on all rows.
        figure: Of the sets.
        sets: Rows of each.

    Returns:
        Low and high; None when a set has fewer than 2 rows.
    """
    groups = min(_GROUPS, *(len(rows) for rows in sets))
    if groups < 2:
        return None
    left = [figure(*(rows[np.arange(len(rows)) % groups != g] for rows in sets)) for g in range(groups)]
    low, high = jackknife_interval(value, np.array(left))
    return max(0.0, low), min(1.0, high)
