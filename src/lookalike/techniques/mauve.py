"""MAUVE: how two clouds of features overlap, as the area under the curve of the two ways in which they can differ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
_POINTS = 100
_SCALE = 5.0


def frontier(first_K: Values, second_K: Values, points: int = _POINTS) -> Values:
    """Return the divergence curve of two histograms, [points + 2, 2]: KL(Q | R) and KL(P | R) for mixtures R of both.

    Args:
        first_K: P, sums to 1.
        second_K: Q, sums to 1.
        points: Mixtures strictly between the two.

    Source: Pillutla et al. 2021, arXiv:2102.01454, equation 1.
    """
    curve = [(0.0, np.inf)]
    for share in np.linspace(0, 1, points + 2)[1:-1]:
        mixed_K = share * first_K + (1 - share) * second_K
        curve.append((_kl(second_K, mixed_K), _kl(first_K, mixed_K)))
    return np.array([*curve, (np.inf, 0.0)])


def area(curve: Values, scale: float = _SCALE) -> float:
    """Return the area under exp(-scale * curve), 0 to 1: 1 for equal histograms.

    Source: Pillutla et al. 2021, arXiv:2102.01454, equation 2, scale 5.
    """
    points = np.exp(-scale * curve)
    order = np.lexsort((-points[:, 1], points[:, 0]))
    return float(np.trapezoid(points[order, 1], points[order, 0]))


def mauve(first_ND: Values, second_MD: Values, clusters: int, seed: int) -> float:
    """Return MAUVE of two clouds of features, 0 to 1: 1 = no difference seen.

    Both are put into clusters together; histograms over the clusters stand for the distributions.

    Source: Pillutla et al. 2021, arXiv:2102.01454, section 2 and appendix C.
    Differs from the paper: no projection before clustering; half a row is added to every cluster of each side
        (Krichevsky-Trofimov, Pillutla et al. 2023, arXiv:2212.14578, section 4.2), since few rows leave clusters empty.
    """
    from sklearn.cluster import KMeans

    both = np.concatenate([first_ND, second_MD]).astype(np.float64)
    number = KMeans(clusters, n_init=1, random_state=seed, max_iter=100).fit_predict(both)
    counts = [
        np.bincount(part, minlength=clusters) + 0.5 for part in (number[: len(first_ND)], number[len(first_ND) :])
    ]
    return area(frontier(*(count / count.sum() for count in counts)))


def _kl(p_K: Values, q_K: Values) -> float:
    inside = p_K > 0
    return float((p_K[inside] * np.log(p_K[inside] / q_K[inside])).sum())
