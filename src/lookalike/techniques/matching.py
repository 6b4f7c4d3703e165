"""Choosing rows so that the histograms of what is chosen match given ones.

Shape suffixes: N rows, H histograms, C cells of all histograms together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.int32]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_SHRINK = 0.6
_GROW = 1.2
_PATIENCE = 30


def mismatch(counts_C: Values, wanted_C: Values) -> float:
    """Return how far counts are from wanted ones, in rows beyond what chance would give; 0 is best.

    Small differences count as their squares and large ones as they are, as total variation counts them: squares alone
    would spend all rows on the few cells that cannot be mended.

    Example:
        >>> mismatch(np.array([4.0, 0.0]), np.array([4.0, 0.0]))
        0.0
    """
    noise_C = np.sqrt(wanted_C + 1)
    return float((np.hypot(counts_C - wanted_C, noise_C) - noise_C).sum())


def matched(cells_NH: Cells, wanted_C: Values, n: int, draw: np.random.Generator, rounds: int = 80) -> Flags:
    """Return which rows to choose, [N], so that their histograms come near the wanted ones.

    Many rows are exchanged at a time: those that leaving helps most for those that entering helps most, each among a
    random half. An exchange that does not help is taken back, and fewer rows are tried.

    Args:
        cells_NH: Cell of each row in each histogram; cells of all histograms are numbered together.
        wanted_C: Rows wanted in each cell; those of one histogram add up to n.
        n: Rows to choose, 0 to N.
        draw: Where to start, and the halves.
        rounds: Exchanges that are tried.
    """
    chosen_N = np.zeros(len(cells_NH), dtype=np.bool_)
    chosen_N[draw.permutation(len(cells_NH))[:n]] = True
    free = min(n, len(cells_NH) - n)
    counts_C = _counted(cells_NH[chosen_N], len(wanted_C))
    loss, size, failed = mismatch(counts_C, wanted_C), free / 4, 0
    for _ in range(rounds):
        if free == 0 or failed > _PATIENCE:
            break
        gap_C = np.hypot(counts_C - wanted_C, np.sqrt(wanted_C + 1))
        slope_N = ((counts_C - wanted_C) / gap_C)[cells_NH].sum(axis=1)
        # A row's own weight in its cells: to second order what it changes there whichever way it moves.
        own_N = ((wanted_C + 1) / (2 * gap_C**3))[cells_NH].sum(axis=1)
        half_N = draw.random(len(cells_NH)) < 1 / 2
        leave = _least(own_N - slope_N, chosen_N & half_N, max(1, int(size)))
        enter = _least(own_N + slope_N, ~chosen_N & half_N, max(1, int(size)))
        pairs = min(len(leave), len(enter))
        leave, enter = leave[:pairs], enter[:pairs]
        moved_C = _counted(cells_NH[enter], len(wanted_C)) - _counted(cells_NH[leave], len(wanted_C))
        after = mismatch(counts_C + moved_C, wanted_C)
        if after < loss:
            loss, counts_C = after, counts_C + moved_C
            chosen_N[leave], chosen_N[enter] = False, True
            size, failed = min(size * _GROW, free / 4), 0
        else:
            size, failed = size * _SHRINK, failed + 1
    return chosen_N


def _counted(cells_NH: Cells, size: int) -> Values:
    return np.bincount(cells_NH.ravel(), minlength=size).astype(np.float64)


def _least(score_N: Values, among_N: Flags, k: int) -> npt.NDArray[np.int64]:
    """Return the k rows of lowest score among some, the lowest first."""
    rows = np.flatnonzero(among_N)
    return rows[np.argsort(score_N[rows], kind="stable")[:k]]
