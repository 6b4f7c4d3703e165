"""From stated certainties to shares that come true: isotonic calibration, and how far off before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
_BINS = 10
_FOLDS = 5


def calibration_error(sure_N: Values, right_N: Values) -> float:
    """Return the expected calibration error, 0 to 1: mean gap between certainty and share right, over ten bins.

    Args:
        sure_N: Certainties, 0 to 1.
        right_N: 1 where it was right, else 0.

    Source: Naeini et al. 2015, AAAI (10.1609/aaai.v29i1.9602); Guo et al. 2017, arXiv:1706.04599, equation 3.

    Example:
        >>> round(calibration_error(np.array([0.9, 0.9]), np.array([1.0, 0.0])), 3)
        0.4
    """
    rows = reliability(sure_N, right_N)
    return float(sum(one["rows"] * abs(one["sure"] - one["right"]) for one in rows) / max(1, len(sure_N)))


def reliability(sure_N: Values, right_N: Values) -> list[dict[str, Any]]:
    """Return mean certainty, share right and number of rows of each of ten equal bins that is not empty."""
    bin_N = np.minimum((sure_N * _BINS).astype(np.int64), _BINS - 1)
    return [
        {"sure": float(sure_N[here].mean()), "right": float(right_N[here].mean()), "rows": int(here.sum())}
        for here in (bin_N == number for number in range(_BINS))
        if here.any()
    ]


def isotonic(sure_N: Values, right_N: Values) -> tuple[Values, Values]:
    """Return the points of the rising curve that fits best: certainty, and share right; between them it is a line.

    Source: Zadrozny and Elkan 2002, doi:10.1145/775047.775151.
    """
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(sure_N, right_N)
    return np.asarray(fitted.X_thresholds_, dtype=np.float64), np.asarray(fitted.y_thresholds_, dtype=np.float64)


def calibrated(sure_N: Values, curve: tuple[Values, Values]) -> Values:
    """Return certainties on the curve; NaN stays NaN."""
    result: Values = np.where(np.isnan(sure_N), np.nan, np.interp(np.nan_to_num(sure_N), *curve))
    return result


def calibrate(sure_N: Values, right_N: Values, group_N: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return the curve with the calibration error before and after; after is on rows that the curve has not seen.

    Args:
        sure_N: Certainties, 0 to 1, no NaN.
        right_N: 1 where it was right, else 0.
        group_N: Rows of one group (the labels of one text) are never parted between fitting and testing.

    Returns:
        `curve` (two lists), `before` and `after` (error and reliability rows), `rows`.
    """
    out_of_fold = np.empty(len(sure_N))
    fold_N = group_N % min(_FOLDS, len(np.unique(group_N)))
    for fold in np.unique(fold_N):
        here = fold_N == fold
        out_of_fold[here] = calibrated(sure_N[here], isotonic(sure_N[~here], right_N[~here]))
    x, y = isotonic(sure_N, right_N)
    return {
        "curve": [x.tolist(), y.tolist()],
        "rows": len(np.unique(group_N)),
        "before": {"error": calibration_error(sure_N, right_N), "bins": reliability(sure_N, right_N)},
        "after": {"error": calibration_error(out_of_fold, right_N), "bins": reliability(out_of_fold, right_N)},
    }
