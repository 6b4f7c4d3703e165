"""How strongly columns go together, whatever they hold.

Shape suffixes: N rows, F columns, L levels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def associations(rows_NF: Values, ordered_F: Flags) -> Values:
    """Return how each two columns go together, [F, F], symmetric, 1 on the diagonal.

    Two ordered columns: rank correlation, -1 to 1. An ordered and another one: correlation ratio of the ranks, 0 to 1.
    Two others: Cramer's V, 0 to 1. A missing value has the mean rank, or is a level of its own. A constant column goes
    with nothing.

    Args:
        rows_NF: Numbers and codes; NaN = missing.
        ordered_F: Which columns are ordered.

    Source: Spearman 1904, doi:10.2307/1412159; Fisher 1925, Statistical Methods for Research Workers, section 45
        (correlation ratio); Cramer 1946, Mathematical Methods of Statistics, section 21.9.
    """
    columns = rows_NF.shape[1]
    result = np.eye(columns)
    places = np.flatnonzero(ordered_F)
    ranks = np.stack([_ranks(rows_NF[:, f]) for f in places], axis=1) if len(places) else np.zeros((len(rows_NF), 0))
    result[np.ix_(places, places)] = ranks.T @ ranks
    others = {int(f): np.unique(rows_NF[:, f], return_inverse=True)[1].ravel() for f in np.flatnonzero(~ordered_F)}
    for f, codes_N in others.items():
        result[f, places] = result[places, f] = _ratios(codes_N, ranks)
        for g, codes_of_other_N in others.items():
            if g < f:
                result[f, g] = result[g, f] = cramer(codes_N, codes_of_other_N)
    np.fill_diagonal(result, 1.0)
    return result


def _ranks(column_N: Values) -> Values:
    """Return mid-ranks, centred and of length 1, [N]; all 0 for a constant column."""
    known = ~np.isnan(column_N)
    _, inverse, counts = np.unique(column_N[known], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    rank_N = np.zeros(len(column_N))
    if known.any():
        own = middle[inverse.ravel()]
        rank_N[known] = own - own.mean()
    length = np.sqrt(np.square(rank_N).sum())
    return rank_N / length if length > 0 else rank_N


def _ratios(codes_N: Codes, ranks_NF: Values) -> Values:
    """Return the root of the share of the variance of ranks that lies between levels, [F]."""
    counts_L = np.bincount(codes_N)
    sums = [np.bincount(codes_N, weights=ranks_NF[:, f], minlength=len(counts_L)) for f in range(ranks_NF.shape[1])]
    if not sums:
        return np.zeros(0)
    between_F: Values = (np.square(np.stack(sums)) / counts_L).sum(axis=1)
    return np.sqrt(np.clip(between_F, 0.0, 1.0))


def cramer(first_N: Codes, second_N: Codes) -> float:
    """Return Cramer's V of two columns of codes without gaps, 0 to 1; 0 when one is constant."""
    rows, columns = int(first_N.max()) + 1, int(second_N.max()) + 1
    if min(rows, columns) < 2:
        return 0.0
    table = np.bincount(first_N * columns + second_N, minlength=rows * columns).reshape(rows, columns)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(first_N)
    squared = float((np.square(table - expected) / expected).sum())
    return float(np.sqrt(min(1.0, squared / len(first_N) / (min(rows, columns) - 1))))
