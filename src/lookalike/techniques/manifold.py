"""Whether each row of one set lies where the other set is: precision, recall, density and coverage, row by row.

A set is the union of balls around its rows, each reaching to the row's k-th nearest neighbour in the same set. One pass
in float32 decides nearly all pairs; rows that it cannot decide are asked again, exactly, through `neighbours`.
Shape suffixes: N real rows, M synthetic rows, D features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lookalike.core.errors import DataError
from lookalike.techniques.neighbours import count_within, k_nearest, radii

Features = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Values = npt.NDArray[np.float64]
_BLOCK = 2048
_FLOAT32_ERROR = 16 * float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Overlap:
    """How two sets cover each other; each figure is the mean of its rows.

    Attributes:
        precision: 1 where a synthetic row lies in some real ball, [M].
        recall: 1 where a real row lies in some synthetic ball, [N].
        density: Real balls that hold the synthetic row, divided by k, [M]; the mean can exceed 1.
        coverage: 1 where a real row's own ball holds some synthetic row, [N].
    """

    precision: Values
    recall: Values
    density: Values
    coverage: Values

    def columns(self) -> dict[str, Values]:
        """Return the rows of the four figures by name."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "density": self.density,
            "coverage": self.coverage,
        }

    def means(self) -> dict[str, float]:
        """Return the four figures by name."""
        return {name: float(rows.mean()) for name, rows in self.columns().items()}


@dataclass(frozen=True)
class _Bounds:
    """What one pass in float32 proves: counts lie between `surely` and `perhaps`.

    `around`: real balls around each synthetic row, [2, M]; `covered`: some synthetic row in the ball of each real row,
    [2, N]; `reached`: each real row in some synthetic ball, [2, N]. Row 0 is "surely", row 1 is "perhaps".
    """

    around: npt.NDArray[np.int64]
    covered: npt.NDArray[np.bool_]
    reached: npt.NDArray[np.bool_]


def _bounds(real_ND: Features, synthetic_MD: Features, radius_N: Values, radius_M: Values) -> _Bounds:
    """Compare all pairs once, from one matrix product in float32, with a bound on its error."""
    centre_D = real_ND.mean(axis=0, dtype=np.float64)
    r_ND, r_N, reach_N = _prepared(real_ND, centre_D, radius_N)
    s_MD, s_M, reach_M = _prepared(synthetic_MD, centre_D, radius_M)
    # Half the bound of neighbours.py on a squared distance, plus what rounding a squared radius costs.
    error = _FLOAT32_ERROR * float(r_N.max() + s_M.max() + reach_N.max() + reach_M.max())
    around_2M = np.zeros((2, len(s_M)), dtype=np.int64)
    inward_N = torch.full_like(r_N, -torch.inf)
    outward_N = torch.full_like(r_N, -torch.inf)
    for rows in _slices(len(s_M)):
        for columns in _slices(len(r_N)):
            # slack = (radius^2 - distance^2) / 2 of the real ball; not negative means inside.
            bias = reach_N[columns] - r_N[columns]
            slack = torch.addmm(bias, s_MD[rows], r_ND[columns].T).sub_(s_M[rows, None])
            around_2M[0, rows] += np.count_nonzero(slack.numpy() > error, axis=1)
            around_2M[1, rows] += np.count_nonzero(slack.numpy() >= -error, axis=1)
            inward_N[columns] = torch.maximum(inward_N[columns], slack.amax(dim=0))
            outward_N[columns] = torch.maximum(outward_N[columns], slack.add_(reach_M[rows, None]).amax(dim=0))
    outward_N -= reach_N
    covered, reached = (np.stack([(best > error).numpy(), (best >= -error).numpy()]) for best in (inward_N, outward_N))
    return _Bounds(around_2M, covered, reached)


def _prepared(x_ND: Features, centre_D: Values, radius_N: Values) -> tuple[Tensor, Tensor, Tensor]:
    """Return centred rows, half their squared norms and half the squared radii, all float32."""
    x = torch.from_numpy(np.subtract(x_ND, centre_D, dtype=np.float32, casting="same_kind"))
    return x, x.square().sum(dim=1) / 2, torch.from_numpy((np.square(radius_N) / 2).astype(np.float32))


def _slices(rows: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, rows)) for start in range(0, rows, _BLOCK)]


def _distinct(x_ND: Features) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the position of one row of each content, and which of these every row equals: copies cost nothing."""
    rows = np.ascontiguousarray(x_ND)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first, inverse.ravel()


def _exact_counts(query: Features, reference: Features, radius: Values) -> npt.NDArray[np.int64]:
    if not len(query):
        return np.zeros(0, dtype=np.int64)
    first, inverse = _distinct(query)
    return count_within(query[first], reference, radius)[inverse]


def overlap(real_ND: Features, synthetic_MD: Features, k: int) -> Overlap:
    """Return precision, recall, density and coverage of every row.

    Distances are Euclidean; a row is not its own neighbour; the boundary belongs to the ball, so that exact copies of
    rows that occur more than k times are inside. Compare sets of equal size: the balls shrink as a set grows.

    Args:
        real_ND: Features of real rows, more than k.
        synthetic_MD: Features of synthetic rows, more than k.
        k: Which neighbour sets the radius, at least 1.

    Raises:
        DataError: A set has no more than k rows.

    Source: precision and recall Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1-2; density and coverage
        Naeem et al. 2020, arXiv:2002.09797, equations 3-4.
    Differs from the paper: nothing; the reference code of the second paper uses `<` where both papers define `<=`.
    """
    least = min(len(real_ND), len(synthetic_MD))
    if least <= k:
        raise DataError(f"k={k} neighbours need more than {k} rows in each set, found {least}; lower k or add rows")
    radius_N, radius_M = radii(real_ND, k), radii(synthetic_MD, k)
    bounds = _bounds(real_ND, synthetic_MD, radius_N, radius_M)
    around_M, reached_N, covered_N = bounds.around[0], bounds.reached[0], bounds.covered[0]
    open_M = np.flatnonzero(bounds.around[0] != bounds.around[1])
    around_M[open_M] = _exact_counts(synthetic_MD[open_M], real_ND, radius_N)
    open_N = np.flatnonzero(bounds.reached[0] != bounds.reached[1])
    reached_N[open_N] = _exact_counts(real_ND[open_N], synthetic_MD, radius_M) > 0
    open_N = np.flatnonzero(bounds.covered[0] != bounds.covered[1])
    covered_N[open_N] = k_nearest(real_ND[open_N], synthetic_MD, 1)[0][:, 0] <= radius_N[open_N]
    return Overlap(
        precision=(around_M > 0).astype(np.float64),
        recall=reached_N.astype(np.float64),
        density=around_M / k,
        coverage=covered_N.astype(np.float64),
    )
