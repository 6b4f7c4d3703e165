"""Normal scores: their correlation, and draws of some given intervals of others.

Legend: N rows, D columns, G given columns, F free columns, T sweeps.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Numbers = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
_SMALLEST = 1e-10


def correlation(scores_ND: Numbers, shrinkage: float) -> Numbers:
    """Return a correlation matrix, [D, D], shrunk towards independence so that it can be inverted.

    Args:
        scores_ND: Scores of nearly unit variance.
        shrinkage: Further share of shrinkage, in [0, 1].

    Source: Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4.
    Differs from the paper: columns are standardised first, and the diagonal is 1 afterwards.
    """
    n, d = scores_ND.shape
    deviation = scores_ND.std(0)
    z = (scores_ND - scores_ND.mean(0)) / np.where(deviation > 0, deviation, 1)
    sample = z.T @ z / n
    distance = float(((sample - np.eye(d)) ** 2).sum())
    # The sum over rows of |z z' - sample|^2, without a D x D matrix for each row.
    spread = float(((z**2).sum(1) ** 2).sum() / n - (sample**2).sum()) / n
    share = 1.0 if distance <= 0 else min(1.0, max(spread, 0.0) / distance)
    share = max(1 - (1 - share) * (1 - shrinkage), _SMALLEST)
    matrix = (1 - share) * sample
    np.fill_diagonal(matrix, 1.0)
    return np.asarray(matrix)


def conditional(matrix: Numbers, given: Index, free: Index) -> tuple[Numbers, Numbers]:
    """Return the regression of free scores on given ones, [F, G], and a root of what is left, [F, F].

    Source: Anderson 2003, An Introduction to Multivariate Statistical Analysis, theorem 2.5.1.
    Differs from the source: nothing.
    """
    across = matrix[np.ix_(free, given)]
    slope = np.linalg.solve(matrix[np.ix_(given, given)], across.T).T if len(given) else across
    rest = matrix[np.ix_(free, free)] - slope @ across.T
    value, vector = np.linalg.eigh((rest + rest.T) / 2)
    return np.asarray(slope, dtype=np.float64), np.asarray(vector * np.sqrt(np.maximum(value, 0)))


def truncated_given(matrix: Numbers, low_NG: Numbers, high_NG: Numbers, uniform_TNG: Numbers) -> Numbers:
    """Return scores of N(0, matrix) given that each lies in an interval, [N, G], by Gibbs sweeps; exact for G = 1.

    Args:
        matrix: Correlations of the given columns, [G, G].
        low_NG: Lower ends.
        high_NG: Upper ends, at least the lower ones.
        uniform_TNG: Uniform numbers: one set for the start and one for each sweep.

    Source: Geweke 1991, Computing Science and Statistics 23, p. 571 (Gibbs sampling of truncated normals).
    Differs from the source: rows are swept together, a fixed number of times.
    """
    columns = low_NG.shape[1]
    z = _between(np.zeros_like(low_NG), 1.0, low_NG, high_NG, uniform_TNG[0])
    if columns < 2:
        return z
    inverse = np.linalg.inv(matrix)
    for uniform in uniform_TNG[1:]:
        for g in range(columns):
            mean = z[:, g] - z @ inverse[g] / inverse[g, g]
            z[:, g] = _between(mean, inverse[g, g] ** -0.5, low_NG[:, g], high_NG[:, g], uniform[:, g])
    return z


def _between(mean: Numbers, deviation: float, low: Numbers, high: Numbers, uniform: Numbers) -> Numbers:
    """Return normal numbers within intervals by the inverse of the distribution function."""
    a, b = (low - mean) / deviation, (high - mean) / deviation
    # In the upper tail the function is too near 1 to tell intervals apart: mirror to the lower one.
    mirrored = a > 0
    first, last = np.where(mirrored, ndtr(-b), ndtr(a)), np.where(mirrored, ndtr(-a), ndtr(b))
    share = np.clip(first + uniform * (last - first), 1e-300, 1 - 1e-16)
    found = mean + deviation * np.where(mirrored, -ndtri(share), ndtri(share))
    return np.asarray(np.clip(found, low, high))
