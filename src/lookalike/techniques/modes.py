"""Modes: kinds of rows within each class, found by clustering real rows; and how many of them other rows reach.

Legend: N rows, D features, K classes, M modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from lookalike.core.rng import Rng
from lookalike.techniques.neighbours import k_nearest

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Features = npt.NDArray[np.float32] | npt.NDArray[np.float64]
LEAST_EXPECTED = 5
_ROOM = 10
_SEEDINGS = 4
_WITHIN = 0.99


@final
@dataclass(frozen=True)
class Modes:
    """Clusters of real rows, each within one class.

    Attributes:
        centre_MD: Their centres.
        radius_M: How far 99 % of the real rows nearest to a centre lie from it at most: beyond, a row is none of them.
        class_M: Class of each.
        number_M: Its number within the class, from 0, the largest first.
        share_KM: Of the real rows with a label, the share that lies nearest to each centre, whatever its class.
        class_share_K: Share of each class among the real rows.
    """

    centre_MD: Features
    radius_M: Values
    class_M: Counts
    number_M: Counts
    share_KM: Values
    class_share_K: Values

    def counts(self, x_ND: Features) -> Counts:
        """Return how many rows lie nearest to each centre: within its radius, and beyond it, [2, M]."""
        distance_N1, near_N1 = k_nearest(x_ND, self.centre_MD, 1)
        beyond_N = distance_N1[:, 0] > self.radius_M[near_N1[:, 0]]
        counts_2M = np.zeros((2, len(self.centre_MD)), dtype=np.int64)
        np.add.at(counts_2M, (beyond_N.astype(np.int64), near_N1[:, 0]), 1)
        return counts_2M

    def expected(self, labels_N: Counts) -> Values:
        """Return how many rows with these labels would lie nearest to each centre if they were real, [M].

        A class that has no row at all is expected in its real share: leaving it out is no way to do without it.
        """
        made_K = np.bincount(labels_N, minlength=len(self.share_KM)).astype(np.float64)
        absent_K = np.where(made_K > 0, 0.0, self.class_share_K)
        wanted_K = made_K * (1 - absent_K.sum()) + absent_K * len(labels_N)
        expected: Values = wanted_K @ self.share_KM
        return expected


def find_modes(x_ND: Features, labels_N: Counts, classes: int, most: int, rows: int, rng: Rng) -> Modes:
    """Return the clusters of each class, by k-means.

    Args:
        x_ND: Real rows, at least one.
        labels_N: Their classes.
        classes: K, at least 1.
        most: Most clusters of one class, at least 1.
        rows: How many rows will be asked about: a class has so few clusters that ten of these rows fall into each.
        rng: Key of the first centres.

    Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489; first centres: Arthur and Vassilvitskii 2007 (k-means++).
    """
    from sklearn.cluster import KMeans

    x_ND = np.asarray(x_ND, dtype=np.float64)
    share_K = np.bincount(labels_N, minlength=classes) / len(labels_N)
    centres: list[Values] = []
    owners: list[int] = []
    numbers: list[int] = []
    for label in np.flatnonzero(share_K):
        own = x_ND[labels_N == label]
        count = max(1, min(most, int(rows * share_K[label] / _ROOM), len(np.unique(own, axis=0))))
        seed = rng.child("class", int(label)).integer() % 2**32
        found = KMeans(count, n_init=_SEEDINGS, random_state=seed).fit(own)
        order = np.argsort(-np.bincount(found.labels_, minlength=count), kind="stable")
        centres.append(found.cluster_centers_[order])
        owners += [int(label)] * count
        numbers += range(count)
    centre_MD = np.concatenate(centres)
    distance_N1, near_N1 = k_nearest(x_ND, centre_MD, 1)
    distance_N, near_N = distance_N1[:, 0], near_N1[:, 0]
    radius_M = np.array([_radius(distance_N[near_N == m]) for m in range(len(centre_MD))])
    table_KM = np.zeros((classes, len(centre_MD)))
    np.add.at(table_KM, (labels_N, near_N), 1)
    table_KM /= np.maximum(table_KM.sum(axis=1, keepdims=True), 1)
    return Modes(centre_MD, radius_M, np.array(owners), np.array(numbers), table_KM, share_K)


def _radius(distance_N: Values) -> float:
    return float(np.quantile(distance_N, _WITHIN, method="higher")) if len(distance_N) else 0.0


def reached(counts_M: Counts | Values, expected_M: Values, fraction: float) -> npt.NDArray[np.bool_]:
    """Return which modes have at least a fraction of their expected rows, and one row at the least, [..., M]."""
    found: npt.NDArray[np.bool_] = counts_M >= np.maximum(1, fraction * expected_M)
    return found


def judged(expected_M: Values) -> npt.NDArray[np.bool_]:
    """Return which modes can be judged, [M]: where fewer than five rows are expected, none may come by chance."""
    enough: npt.NDArray[np.bool_] = expected_M >= LEAST_EXPECTED
    return enough if enough.any() else expected_M >= expected_M.max()
