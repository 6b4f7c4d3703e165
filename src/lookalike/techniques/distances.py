"""Distances between two clouds of feature vectors: Frechet from moments, and the unbiased polynomial MMD.

Shape suffixes: N rows of one set, M rows of the other, D features, G groups of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lookalike.core.errors import DataError

Features = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Values = npt.NDArray[np.float64]
_ROWS = 512
_WIDE = 1024
_CELLS = 1 << 22


@dataclass(frozen=True)
class Moments:
    """Rows, mean and covariance of one set.

    Attributes:
        rows: Number of rows, at least 2.
        mean: [D] float64.
        covariance: [D, D] float64, divided by rows - 1.
    """

    rows: int
    mean: Tensor
    covariance: Tensor


def _check(x_ND: Features, least: int, what: str) -> None:
    if x_ND.ndim != 2 or len(x_ND) < least:
        raise DataError(f"{what} needs at least {least} rows of features, found an array of shape {x_ND.shape}")
    if not all(np.isfinite(x_ND[start : start + _ROWS]).all() for start in range(0, len(x_ND), _ROWS)):
        raise DataError(f"{what} needs finite features, found NaN or infinity; check the extractor and its input")


def _sums(x_ND: Features, shift_D: Tensor) -> tuple[Tensor, Tensor]:
    """Return sum [D] and scatter [D, D] of the rows after taking `shift_D` off, in blocks of rows."""
    total_D = np.zeros(len(shift_D))
    scatter_DD = np.zeros((len(shift_D), len(shift_D)))
    for start in range(0, len(x_ND), _ROWS):
        block = np.subtract(x_ND[start : start + _ROWS], shift_D.numpy(), dtype=np.float64)
        total_D += block.sum(axis=0)
        # numpy sees that both factors are one matrix and multiplies half of it out (syrk); torch does all of it.
        scatter_DD += block.T @ block
    return torch.from_numpy(total_D), torch.from_numpy(scatter_DD)


@contextmanager
def _one_thread(width: int) -> Iterator[None]:
    """Decompose small matrices on one thread: more gain nothing there, and cost ten times as much on a busy machine."""
    before = torch.get_num_threads()
    if width > _WIDE or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _mean(x_ND: Features) -> Tensor:
    return torch.from_numpy(x_ND.mean(axis=0, dtype=np.float64))


def moments(x_ND: Features) -> Moments:
    """Return mean and covariance in float64, reading the rows in blocks.

    Args:
        x_ND: Features, [N, D], N at least 2, finite.

    Raises:
        DataError: Fewer than two rows, or a value that is not finite.
    """
    _check(x_ND, 2, "a covariance")
    # Rows are taken off a nearby point first, so that a large mean costs no digits; one pass over the rows is enough.
    shift_D = torch.from_numpy(x_ND[:_ROWS].mean(axis=0, dtype=np.float64))
    total_D, scatter_DD = _sums(x_ND, shift_D)
    rows, offset_D = len(x_ND), total_D / len(x_ND)
    return Moments(rows, shift_D + offset_D, (scatter_DD - rows * torch.outer(offset_D, offset_D)) / (rows - 1))


def _factor(covariance_DD: Tensor) -> Tensor:
    """Return L [D, R] with L Lᵀ = covariance; of a singular one only the R directions that carry variance."""
    lower_DD: Tensor
    vector_DD: Tensor
    lower_DD, failed = torch.linalg.cholesky_ex(covariance_DD)
    if not failed:
        return lower_DD
    value_D, vector_DD = torch.linalg.eigh(covariance_DD)
    carries = value_D > value_D[-1].clamp(min=0) * len(value_D) * torch.finfo(torch.float64).eps
    factor_DR: Tensor = vector_DD[:, carries] * value_D[carries].sqrt()
    return factor_DR


def frechet(first: Moments, second: Moments) -> float:
    """Return the squared Frechet distance between two Gaussians with these moments.

    |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^1/2. With S1 = L1 L1ᵀ and S2 = L2 L2ᵀ, the eigenvalues of S1 S2 are the
    squared singular values of L1ᵀ L2, so the last trace is their plain sum: no square root of a rounded eigenvalue, no
    complex number, and fewer rows than features are allowed.

    Returns:
        The distance, in squared units of the features; rounding can make it a little less than zero.

    Source: Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X; as a score for generators Heusel et al. 2017,
        arXiv:1706.08500, equation 6.
    Differs from the paper: nothing in the value.
    """
    gap_D = first.mean - second.mean
    with _one_thread(len(gap_D)):
        cross = torch.linalg.svdvals(_factor(first.covariance).T @ _factor(second.covariance)).sum()
    return float(gap_D.square().sum() + first.covariance.trace() + second.covariance.trace() - 2 * cross)


def groups_of(rows: int, groups: int, generator: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """Return a random partition of row numbers into equal groups; sizes differ by at most one.

    Args:
        rows: Number of rows, at least 1.
        groups: Wanted number of groups; fewer rows give fewer groups.
        generator: Decides who goes where.
    """
    return [np.sort(part) for part in np.array_split(generator.permutation(rows), min(groups, rows))]


def _leave_out_moments(x_ND: Features, groups: list[npt.NDArray[np.int64]]) -> Iterator[Moments]:
    mean_D = _mean(x_ND)
    _, scatter_DD = _sums(x_ND, mean_D)
    for group in groups:
        total_D, inside_DD = _sums(x_ND[group], mean_D)
        rows = len(x_ND) - len(group)
        offset_D = -total_D / rows
        covariance = (scatter_DD - inside_DD - rows * torch.outer(offset_D, offset_D)) / (rows - 1)
        yield Moments(rows, mean_D + offset_D, covariance)


def frechet_leave_out(x_ND: Features, y_MD: Features, groups: int, generator: np.random.Generator) -> Values:
    """Return the Frechet distance with each of `groups` groups of rows left out of both sets in turn, [G].

    Args:
        x_ND: Features of one set.
        y_MD: Features of the other.
        groups: Number of groups, at least 2; fewer when a set has fewer rows.
        generator: Deals the rows out to the groups.

    Raises:
        DataError: Fewer than four rows in a set.
    """
    _check(x_ND, 4, "an interval")
    _check(y_MD, 4, "an interval")
    groups = min(groups, len(x_ND), len(y_MD))
    first = _leave_out_moments(x_ND, groups_of(len(x_ND), groups, generator))
    second = _leave_out_moments(y_MD, groups_of(len(y_MD), groups, generator))
    return np.array([frechet(a, b) for a, b in zip(first, second, strict=True)])


def _kernel_sums(x_ND: Features, y_MD: Features, rows: list[npt.NDArray[np.int64]], edges: list[int]) -> Values:
    """Return sums of the kernel between groups of x and groups of y, [G, G]; y is sorted by group, `edges` starts."""
    y = torch.from_numpy(np.asarray(y_MD, dtype=np.float64))
    step = max(1, _CELLS // len(y_MD))
    sums = np.zeros((len(rows), len(edges)))
    for place, group in enumerate(rows):
        for start in range(0, len(group), step):
            x = torch.from_numpy(np.asarray(x_ND[group[start : start + step]], dtype=np.float64))
            kernel = torch.addmm(torch.ones(1, dtype=torch.float64), x, y.T, alpha=1 / x.shape[1])
            column = (kernel * kernel).mul_(kernel).sum(0).numpy()
            sums[place] += np.add.reduceat(column, edges)
    return sums


def _self_sums(x_ND: Features, groups: list[npt.NDArray[np.int64]]) -> Values:
    square = np.einsum("nd,nd->n", x_ND, x_ND, dtype=np.float64) / x_ND.shape[1]
    kernel = (square + 1) ** 3
    return np.array([kernel[group].sum() for group in groups])


@dataclass(frozen=True)
class KernelDistance:
    """The unbiased squared MMD of two sets.

    Attributes:
        value: The figure; it is negative about as often as positive when both sets come from one distribution.
        leave_out: The same with one group of rows left out of both sets, [G].
    """

    value: float
    leave_out: Values


def kernel_distance(x_ND: Features, y_MD: Features, groups: int, generator: np.random.Generator) -> KernelDistance:
    """Return the unbiased squared MMD under the kernel (x·y / D + 1)^3, over all pairs of rows.

    Kernel sums are kept for pairs of groups, from which the figure and all its leave-one-group-out values follow
    without a second pass. Time grows with N·M·D, memory beyond the features does not grow.

    Args:
        x_ND: Features of one set, at least 4 rows.
        y_MD: Features of the other, at least 4 rows.
        groups: Number of groups for `leave_out`, at least 2.
        generator: Deals the rows out to the groups.

    Raises:
        DataError: Fewer than four rows, or a value that is not finite.

    Source: Gretton et al. 2012, JMLR 13:723-773, equation 3; as a score for generators Binkowski et al. 2018,
        arXiv:1801.01401, section 4.
    Differs from the paper: all pairs instead of the mean over random subsets of 1,000 rows: the same expectation, a
        smaller variance.
    """
    _check(x_ND, 4, "the kernel distance")
    _check(y_MD, 4, "the kernel distance")
    groups = min(groups, len(x_ND) // 2, len(y_MD) // 2)
    parts = [groups_of(len(x), groups, generator) for x in (x_ND, y_MD)]
    sizes = [np.array([len(group) for group in part]) for part in parts]
    edges = [[0, *np.cumsum(size)[:-1]] for size in sizes]
    x_sorted, y_sorted = x_ND[np.concatenate(parts[0])], y_MD[np.concatenate(parts[1])]
    xx = _kernel_sums(x_ND, x_sorted, parts[0], edges[0])
    yy = _kernel_sums(y_MD, y_sorted, parts[1], edges[1])
    xy = _kernel_sums(x_ND, y_sorted, parts[0], edges[1])
    xx[np.diag_indices(groups)] -= _self_sums(x_ND, parts[0])
    yy[np.diag_indices(groups)] -= _self_sums(y_MD, parts[1])

    def figure(keep: npt.NDArray[np.bool_]) -> float:
        n, m = sizes[0][keep].sum(), sizes[1][keep].sum()
        pair = np.ix_(keep, keep)
        return float(xx[pair].sum() / (n * (n - 1)) + yy[pair].sum() / (m * (m - 1)) - 2 * xy[pair].sum() / (n * m))

    every = np.arange(groups)
    return KernelDistance(figure(every >= 0), np.array([figure(every != group) for group in every]))
