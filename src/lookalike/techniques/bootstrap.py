"""Intervals for figures: the bootstrap for means over rows, the delete-a-group jackknife for smooth functions of a set.

Shape suffixes: N rows, M columns, B resamples, G groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

Values = npt.NDArray[np.float64]
Interval = tuple[float, float]
_LEVEL = 0.95
_CELLS = 1 << 22


def resampled_means(values_NM: Values, resamples: int, generator: np.random.Generator) -> Values:
    """Return column means of rows drawn with replacement, [B, M].

    Args:
        values_NM: One row per unit that is resampled, N at least 1.
        resamples: B, at least 1.
        generator: Draws the rows.

    Source: Efron 1979, doi:10.1214/aos/1176344552, method 2.
    Differs from the paper: nothing.
    """
    rows = len(values_NM)
    share = np.full(rows, 1 / rows)
    step = max(1, _CELLS // rows)
    parts = [
        generator.multinomial(rows, share, size=min(step, resamples - start)) @ values_NM / rows
        for start in range(0, resamples, step)
    ]
    return np.concatenate(parts)


def percentile_interval(replicates_B: Values, level: float = _LEVEL) -> Interval:
    """Return the central interval of the replicates.

    Args:
        replicates_B: The figure on each resample, [B].
        level: Share of replicates inside, between 0 and 1.
    """
    low, high = np.quantile(replicates_B, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def centred_interval(value: float, replicates_B: Values, level: float = _LEVEL) -> Interval:
    """Return the percentile interval after moving the replicates so that their mean is `value`.

    A resample holds repeated rows, which pushes any distance upwards by its small-sample bias once more; moving the
    replicates takes that second helping off. The interval speaks about the figure at this number of rows.

    Args:
        value: The figure on all rows.
        replicates_B: The figure on each resample, [B].
        level: Share of replicates inside, between 0 and 1.
    """
    low, high = percentile_interval(replicates_B - replicates_B.mean(), level)
    return value + low, value + high


def jackknife_interval(value: float, leave_out_G: Values, level: float = _LEVEL) -> Interval:
    """Return value ± t(G - 1) · standard error from leaving one of G equal groups out.

    No row is ever repeated, so distances keep their small-sample bias as it is, where the bootstrap inflates it. The
    interval speaks about the figure at this number of rows.

    Args:
        value: The figure on all rows.
        leave_out_G: The figure without each group, [G], G at least 2.
        level: Coverage, between 0 and 1.

    Source: Kott 2001, Journal of Official Statistics 17:521-526, equation 1.
    Differs from the paper: nothing.
    """
    groups = len(leave_out_G)
    error = np.sqrt((groups - 1) / groups * np.square(leave_out_G - leave_out_G.mean()).sum())
    width = float(student.ppf((1 + level) / 2, groups - 1) * error)
    return value - width, value + width
