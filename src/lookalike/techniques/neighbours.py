"""Exact Euclidean nearest neighbours in blocks: memory stays flat in the number of rows on both sides.

Blocks of squared distances come from one float32 matrix product. That product cancels badly for rows that nearly
coincide, so the candidates' distances are computed again in float64 from the differences: equal rows are exactly 0
apart, and a pair has the same distance whichever side asks. A row whose candidates float32 cannot tell from the rest is
searched again in float64.

Shapes: N query rows, M reference rows, D features, K neighbours, C candidates.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from lookalike.core.errors import DataError

Rows = npt.NDArray[np.floating]
Distance = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_QUERY_BLOCK = 1024
_REFERENCE_BLOCK = 8192
_SPARE = 8
_PAIR_BYTES = 1 << 25
_FLOAT32_ERROR = 16 * float(np.finfo(np.float32).eps)
"""Error of a float32 block, as a share of |q|^2 + |r|^2; several times what rounding gives at D = 10^4."""


def k_nearest(query: Rows, reference: Rows, k: int, exclude_self: bool = False) -> tuple[Distance, Index]:
    """Return the k nearest reference rows of every query row.

    Args:
        query: [N, D], finite.
        reference: [M, D], finite.
        k: Neighbours, 1 to M (to M - 1 with `exclude_self`).
        exclude_self: Query and reference are the same rows, and a row is not its own neighbour. A second row with
            equal content still is.

    Returns:
        Distances [N, K], ascending, and positions in the reference [N, K]; among equal distances the lower position
        comes first.

    Raises:
        DataError: Shapes do not fit, k is out of range, or a value is not finite.
    """
    available = len(reference) - int(exclude_self)
    _check(query, reference)
    if exclude_self and len(query) != len(reference):
        raise DataError(f"exclude_self needs one set of rows twice, found {len(query)} and {len(reference)} rows")
    if not 1 <= k <= available:
        raise DataError(f"k={k} neighbours asked of {available} rows; k must lie in 1..{available}")
    distance = np.empty((len(query), k), dtype=np.float64)
    index = np.empty((len(query), k), dtype=np.int64)
    centre = _centre(reference)
    width = min(k + _SPARE, available)
    for rows in _blocks(len(query), _QUERY_BLOCK):
        own = np.arange(rows.start, rows.stop) if exclude_self else None
        found, certain = _search(query[rows], reference, centre, k=k, width=width, own=own, dtype=torch.float32)
        if not certain.all():
            again = np.flatnonzero(~certain)
            own = None if own is None else own[again]
            part = query[rows][again]
            found[again], _ = _search(part, reference, centre, k=k, width=width, own=own, dtype=torch.float64)
        exact = _pair_distances(query[rows], reference, found)
        order = np.lexsort((found, exact), axis=1)[:, :k]
        distance[rows] = np.take_along_axis(exact, order, axis=1)
        index[rows] = np.take_along_axis(found, order, axis=1)
    return distance, index


def radii(x: Rows, k: int) -> Distance:
    """Return the distance of every row to its k-th nearest other row, [N].

    Args:
        x: [N, D], finite.
        k: 1 to N - 1; a row with k equal copies has radius 0.

    Raises:
        DataError: k is out of range, or a value is not finite.
    """
    distance, _ = k_nearest(x, x, k, exclude_self=True)
    return distance[:, -1]


def count_within(query: Rows, reference: Rows, radius: Distance) -> Index:
    """Count, for every query row, the reference rows in whose ball it lies; the boundary belongs to the ball.

    Args:
        query: [N, D], finite.
        reference: [M, D], finite.
        radius: [M], at least 0, for example from `radii`; a pair at exactly that distance counts.

    Returns:
        Counts, [N] int64, 0 to M.

    Raises:
        DataError: Shapes do not fit, or a value is not finite.
    """
    _check(query, reference)
    if radius.shape != (len(reference),):
        raise DataError(f"{len(reference)} reference rows need as many radii, found shape {radius.shape}")
    centre = _centre(reference)
    count = np.zeros(len(query), dtype=np.int64)
    for rows in _blocks(len(query), _QUERY_BLOCK):
        q_BD = _centred(query[rows], centre, torch.float32)
        for columns in _blocks(len(reference), _REFERENCE_BLOCK):
            r_CD = _centred(reference[columns], centre, torch.float32)
            squared_BC, error_BC = _squared(q_BD, r_CD)
            gap_BC = squared_BC - torch.from_numpy(np.square(radius[columns]).astype(np.float32))
            # The radius itself is rounded to float32 here, so pairs near the boundary are decided exactly below.
            unsure_BC = gap_BC.abs() <= error_BC
            count[rows] += ((gap_BC < 0) & ~unsure_BC).sum(dim=1).numpy()
            left, right = torch.nonzero(unsure_BC, as_tuple=True)
            inside = _decide(query[rows], reference[columns], radius[columns], left.numpy(), right.numpy())
            count[rows] += np.bincount(left.numpy()[inside], minlength=rows.stop - rows.start)
    return count


def _check(query: Rows, reference: Rows) -> None:
    if query.ndim != 2 or reference.ndim != 2 or query.shape[1] != reference.shape[1]:
        raise DataError(f"rows must be [N, D] and [M, D] with equal D, found {query.shape} and {reference.shape}")
    if not len(reference):
        raise DataError("there are no reference rows to search; at least 1 is needed")
    for name, rows in (("query", query), ("reference", reference)):
        for part in _blocks(len(rows), _REFERENCE_BLOCK):
            if not np.isfinite(rows[part]).all():
                raise DataError(f"{name} rows {part.start}..{part.stop - 1} hold values that are not finite")


def _blocks(n: int, size: int) -> Iterator[slice]:
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _centre(reference: Rows) -> Distance:
    """Return the mean row: distances do not change with it, and float32 loses less when it is taken away."""
    total = np.zeros(reference.shape[1], dtype=np.float64)
    for part in _blocks(len(reference), _REFERENCE_BLOCK):
        total += reference[part].sum(axis=0, dtype=np.float64)
    return total / len(reference)


def _centred(rows: Rows, centre: Distance, dtype: torch.dtype) -> torch.Tensor:
    return torch.from_numpy(np.subtract(rows, centre, dtype=np.float64)).to(dtype)


def _squared(q_BD: torch.Tensor, r_CD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return squared distances [B, C] and a bound on their error [B, C]."""
    q_B1 = q_BD.square().sum(dim=1, keepdim=True)
    r_C = r_CD.square().sum(dim=1)
    error_BC = (q_B1 + r_C) * _FLOAT32_ERROR
    return torch.addmm(r_C, q_BD, r_CD.T, alpha=-2.0).add_(q_B1), error_BC


def _search(
    query: Rows,
    reference: Rows,
    centre: Distance,
    *,
    k: int,
    width: int,
    own: Index | None,
    dtype: torch.dtype,
) -> tuple[Index, npt.NDArray[np.bool_]]:
    """Return `width` candidates of every row [B, C], and whether the k nearest are surely among them [B]."""
    q_BD = _centred(query, centre, dtype)
    best_BC = torch.full((len(query), 0), np.inf, dtype=dtype)
    place_BC = torch.zeros((len(query), 0), dtype=torch.int64)
    largest = torch.zeros((), dtype=dtype)
    for columns in _blocks(len(reference), _REFERENCE_BLOCK):
        r_CD = _centred(reference[columns], centre, dtype)
        r_C = r_CD.square().sum(dim=1)
        largest = torch.maximum(largest, r_C.max())
        squared_BC = torch.addmm(r_C, q_BD, r_CD.T, alpha=-2.0)
        if own is not None:
            here = np.flatnonzero((own >= columns.start) & (own < columns.stop))
            squared_BC[torch.from_numpy(here), torch.from_numpy(own[here] - columns.start)] = np.inf
        near_BC, at_BC = squared_BC.topk(min(width, squared_BC.shape[1]), dim=1, largest=False)
        best_BC = torch.cat((best_BC, near_BC), dim=1)
        place_BC = torch.cat((place_BC, at_BC + columns.start), dim=1)
        if best_BC.shape[1] > width:
            best_BC, keep_BC = best_BC.topk(width, dim=1, largest=False)
            place_BC = place_BC.gather(1, keep_BC)
    best_BC = best_BC.sort(dim=1).values
    error_B = 2 * _FLOAT32_ERROR * (q_BD.square().sum(dim=1) + largest)
    complete = width == len(reference) - int(own is not None)
    certain_B = (best_BC[:, -1] - best_BC[:, k - 1] > error_B) | complete
    return place_BC.numpy(), certain_B.numpy()


def _pair_distances(query: Rows, reference: Rows, found: Index) -> Distance:
    """Return the distances of every row to its candidates [B, C], from the differences in float64."""
    result = np.empty(found.shape, dtype=np.float64)
    step = max(1, _PAIR_BYTES // (8 * found.shape[1] * max(1, query.shape[1])))
    for rows in _blocks(len(query), step):
        difference = np.subtract(reference[found[rows]], query[rows, None, :], dtype=np.float64)
        result[rows] = np.sqrt(np.square(difference, out=difference).sum(axis=2))
    return result


def _decide(query: Rows, reference: Rows, radius: Distance, left: Index, right: Index) -> npt.NDArray[np.bool_]:
    """Say for single pairs (left[i], right[i]) whether the query row lies in the reference row's ball."""
    inside = np.empty(len(left), dtype=np.bool_)
    step = max(1, _PAIR_BYTES // (8 * max(1, query.shape[1])))
    for part in _blocks(len(left), step):
        pairs = _pair_distances(query[left[part]], reference, right[part, None])
        inside[part] = pairs[:, 0] <= radius[right[part]]
    return inside
