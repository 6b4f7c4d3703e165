"""Figures of predictions with what every test row adds to them: intervals, and paired differences of two models.

A figure is about its value plus the mean of the influences, which have mean 0; its variance is theirs over N, and that
of a difference of two figures on the same rows is that of the difference of their influences.
Shape suffixes: N test rows, K classes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lookalike.techniques.ranking import placements

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
_Z = 1.959964


def accuracy(label_N: Codes, probability_NK: Values) -> tuple[float, Values]:
    """Return the share of rows whose most probable class is right, and the influences, [N]."""
    hit_N = (probability_NK.argmax(axis=1) == label_N).astype(np.float64)
    return float(hit_N.mean()), hit_N - hit_N.mean()


def auc(label_N: Codes, probability_NK: Values) -> tuple[float, Values]:
    """Return the area under the curve and the influences, [N]; with more than two classes, the mean of one against all.

    Classes without a row, or with all rows, are left out of the mean; without any class left it is one half.

    Source: DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595 (variance from placements).
    """
    n, classes = probability_NK.shape
    inside_K = np.bincount(label_N, minlength=classes)
    usable = [k for k in ((1,) if classes == 2 else range(classes)) if 0 < inside_K[k] < n]
    if not usable:
        return 0.5, np.zeros(n)
    values, influence_N = [], np.zeros(n)
    for k in usable:
        own = label_N == k
        wins, losses = placements(probability_NK[own, k], probability_NK[~own, k])
        value = float(wins.mean())
        values.append(value)
        influence_N[own] += (wins - value) * n / own.sum() / len(usable)
        influence_N[~own] += (losses - value) * n / (~own).sum() / len(usable)
    return float(np.mean(values)), influence_N


def r_squared(target_N: Values, predicted_N: Values) -> tuple[float, Values]:
    """Return the share of the variance that is explained, which can be negative, and the influences, [N]."""
    off_N, spread_N = np.square(target_N - predicted_N), np.square(target_N - target_N.mean())
    error, variance = float(off_N.mean()), float(spread_N.mean())
    if variance == 0:
        return 0.0, np.zeros(len(target_N))
    influence_N = -(off_N - error) / variance + error * (spread_N - variance) / variance**2
    return 1 - error / variance, influence_N


def interval(value: float, influence_N: Values) -> tuple[float, float]:
    """Return the 95 % interval of a figure, by its influences."""
    half = _Z * float(np.sqrt(np.square(influence_N).mean() / len(influence_N)))
    return value - half, value + half
