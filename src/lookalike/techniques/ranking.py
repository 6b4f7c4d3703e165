"""How well scores tell two groups apart: area under the curve, and the true-positive rate at few false positives.

Shape suffixes: P rows of the one group, N of the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.techniques.proportions import clopper_pearson

Values = npt.NDArray[np.float64]
_Z = 1.959964


def placements(positive_P: Values, negative_N: Values) -> tuple[Values, Values]:
    """Return the share of the other group that each row beats, [P], and that beats it, [N]; a tie counts one half.

    The mean of either is the area under the curve.

    Source: DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595, equations 3-4 (structural components).
    """
    low, high = np.sort(positive_P), np.sort(negative_N)
    wins = np.searchsorted(high, positive_P, "left") + np.searchsorted(high, positive_P, "right")
    losses = np.searchsorted(low, negative_N, "left") + np.searchsorted(low, negative_N, "right")
    return wins / (2 * len(high)), 1 - losses / (2 * len(low))


def auc_interval(wins_P: Values, losses_N: Values) -> tuple[float, tuple[float, float]]:
    """Return the area under the curve and its 95 % interval, from the placements.

    Source: DeLong et al. 1988, equation 5. Differs from the paper: where the groups do not overlap, or hardly, the
        variance of half a row keeps the interval from vanishing.
    """
    value = float(wins_P.mean())
    parts = [
        max(float(rows.var(ddof=1)) if len(rows) > 1 else 0.25, 0.25 / len(rows)) / len(rows)
        for rows in (wins_P, losses_N)
    ]
    half = _Z * float(np.sqrt(sum(parts)))
    return value, (max(0.0, value - half), min(1.0, value + half))


def rate_at(positive_P: Values, negative_N: Values, false_positives: float) -> dict[str, Any]:
    """Return the true-positive rate at the threshold that at most so many of the others pass, with exact intervals.

    Args:
        positive_P: Scores of the group to be found.
        negative_N: Scores of the others, at least 1.
        false_positives: Share of the others that may pass, 0 to 1.
    """
    allowed = int(np.floor(false_positives * len(negative_N) + 1e-9))
    ordered = np.sort(negative_N)[::-1]
    threshold = ordered[allowed] if allowed < len(ordered) else -np.inf
    found, wrong = int((positive_P > threshold).sum()), int((negative_N > threshold).sum())
    return {
        "tpr": found / len(positive_P),
        "interval": list(clopper_pearson(found, len(positive_P))),
        "fpr": wrong / len(negative_N),
        "fpr_interval": list(clopper_pearson(wrong, len(negative_N))),
    }


def advantage(positive_P: Values, negative_N: Values, threshold: float) -> tuple[float, tuple[float, float]]:
    """Return true-positive minus false-positive rate at a threshold that was chosen elsewhere, and its 95 % interval.

    Source: Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.
    """
    ends, shares = [], []
    for scores in (positive_P, negative_N):
        n, share = len(scores), float((scores > threshold).mean())
        root = _Z * np.sqrt(_Z * _Z + 4 * n * share * (1 - share))
        ends.append([(2 * n * share + _Z * _Z + sign * root) / (2 * (n + _Z * _Z)) for sign in (-1, 1)])
        shares.append(share)
    value = shares[0] - shares[1]
    low = value - np.hypot(shares[0] - ends[0][0], ends[1][1] - shares[1])
    high = value + np.hypot(ends[0][1] - shares[0], shares[1] - ends[1][0])
    return value, (float(low), float(high))


def best_threshold(positive_P: Values, negative_N: Values) -> float:
    """Return the threshold with the greatest true-positive minus false-positive rate; a score above it is positive."""
    tried = np.unique(np.concatenate([positive_P, negative_N]))
    tried = np.concatenate([[-np.inf], tried])
    up = 1 - np.searchsorted(np.sort(positive_P), tried, "right") / len(positive_P)
    wrong = 1 - np.searchsorted(np.sort(negative_N), tried, "right") / len(negative_N)
    return float(tried[np.argmax(up - wrong)])
