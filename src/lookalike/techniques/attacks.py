"""Attacks on synthetic rows: scores that guess membership, predicates that single out, and what an attack is worth.

Shape suffixes: Q rows in question, N rows of a table, F columns, K neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.stats import hypergeom

from lookalike.techniques.neighbours import Rows, k_nearest
from lookalike.techniques.proportions import wilson

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_NEAR = 32
_DENSE = 5
_TINY = 1e-6


def membership_scores(asked_QD: Rows, synthetic_ND: Rows, reference_ND: Rows) -> dict[str, Values]:
    """Return for every attack how sure it is that each row was used in training, [Q].

    - closest: minus the distance to the nearest synthetic row.
    - kernel: a Gaussian kernel over the 32 nearest synthetic rows; its width is the median distance to the nearest.
    - density_ratio: distance to the fifth nearest row of the reference over that to the fifth nearest synthetic one, as
      logarithms: a ratio of densities, so that rows which are common anyway do not look like members.
    - closest_ratio: the same with the nearest.

    Args:
        asked_QD: Places of the rows in question.
        synthetic_ND: Places of synthetic rows, at least 1.
        reference_ND: Places of real rows that are not in question, at least 1.

    Source: Chen et al. 2020, arXiv:1909.03935 (distance to the nearest); Hilprecht et al. 2019,
        doi:10.2478/popets-2019-0067 (Monte Carlo estimate of the density near a row); van Breugel et al. 2023,
        arXiv:2302.12580 (density ratio, DOMIAS).
    Differs from the papers: the kernel is smooth and cut after 32 rows; densities are those of k-nearest neighbours.
    """
    near_QK = k_nearest(asked_QD, synthetic_ND, min(_NEAR, len(synthetic_ND)))[0]
    usual_QK = k_nearest(asked_QD, reference_ND, min(_DENSE, len(reference_ND)))[0]
    width = max(float(np.median(near_QK[:, 0])), _TINY)
    fifth = near_QK[:, min(_DENSE, near_QK.shape[1]) - 1]
    return {
        "closest": -near_QK[:, 0],
        "kernel": np.exp(-np.square(near_QK / width) / 2).sum(axis=1),
        "density_ratio": np.log(usual_QK[:, -1] + _TINY) - np.log(fifth + _TINY),
        "closest_ratio": np.log(usual_QK[:, 0] + _TINY) - np.log(near_QK[:, 0] + _TINY),
    }


@final
@dataclass(frozen=True)
class Risk:
    """What an attack is worth against training rows beyond what it is worth against rows never used.

    Attributes:
        value: 0 = nothing beyond, 1 = every guess that could go wrong is right.
        interval: Its interval.
        attack: Share of right guesses about training rows.
        control: Share of right guesses about rows never used.
        baseline: Share of right guesses of someone who guesses without an attack.
        guesses: Number of guesses about training rows.
    """

    value: float
    interval: tuple[float, float]
    attack: float
    control: float
    baseline: float
    guesses: int

    @property
    def weak(self) -> bool:
        """Whether the attack is no better than guessing, so that a low risk says nothing."""
        return self.attack <= self.baseline


def risk(hits: tuple[float, int], control: tuple[float, int], baseline: tuple[float, int], level: float = 0.95) -> Risk:
    """Return the risk of an attack.

    Args:
        hits: Right guesses about training rows, and all of them, at least 1.
        control: The same about rows never used.
        baseline: The same of someone who guesses without an attack, about training rows.
        level: Coverage of the interval, between 0 and 1.

    Source: Giomi et al. 2023, arXiv:2211.10459: shares with Wilson's interval, the risk
        (attack - control) / (1 - control), and its error by propagation.
    Differs from the paper: only the interval is moved to Wilson's centre, not the value; a risk below 0 is kept.
    """
    (centre, half), (centre_control, half_control) = (wilson(*pair, level) for pair in (hits, control))
    share, share_control = hits[0] / hits[1], control[0] / control[1]
    left = max(1 - centre_control, _TINY)
    middle = (centre - centre_control) / left
    error = float(np.hypot(half / left, half_control * (1 - centre) / left**2))
    value = (share - share_control) / (1 - share_control) if share_control < 1 else 0.0
    low, high = min(value, middle - error), max(value, middle + error)
    return Risk(value, (low, min(1.0, high)), share, share_control, baseline[0] / baseline[1], hits[1])


def widened(columns: int, level: float = 0.95) -> float:
    """Return the level of one interval among so many of which the worst is shown (Bonferroni).

    Example:
        >>> round(widened(10), 3)
        0.995
    """
    return 1 - (1 - level) / max(1, columns)


@final
@dataclass(frozen=True)
class Predicate:
    """A statement that holds for some rows: each column named is missing, equal to, at most, or at least a value."""

    columns: tuple[int, ...]
    signs: tuple[str, ...]
    values: tuple[float, ...]

    def holds(self, rows_NF: Values) -> Flags:
        """Say for which rows it is true, [N]."""
        true = np.ones(len(rows_NF), dtype=np.bool_)
        for column, sign, value in zip(self.columns, self.signs, self.values, strict=True):
            values = rows_NF[:, column]
            if sign == "missing":
                true &= np.isnan(values)
            elif sign == "=":
                true &= values == value
            else:
                true &= values <= value if sign == "<=" else values >= value
        return true


def univariate(rows_NF: Values, ordered_F: Flags) -> list[Predicate]:
    """Return all statements on one column that hold for exactly one row: a unique value, or one beyond all others."""
    found = []
    for column, is_ordered in enumerate(ordered_F):
        known = rows_NF[~np.isnan(rows_NF[:, column]), column]
        if len(known) == len(rows_NF) - 1:
            found.append(Predicate((column,), ("missing",), (np.nan,)))
        values, counts = np.unique(known, return_counts=True)
        found += [Predicate((column,), ("=",), (float(value),)) for value in values[counts == 1]]
        if is_ordered and len(values) > 1:
            found += [Predicate((column,), ("<=",), (float(values[0]),))] if counts[0] == 1 else []
            found += [Predicate((column,), (">=",), (float(values[-1]),))] if counts[-1] == 1 else []
    return found


def multivariate(
    rows_NF: Values, ordered_F: Flags, middle_F: Values, size: int, generator: np.random.Generator
) -> Predicate:
    """Return a statement made of some columns of one row: as extreme as it in ordered columns, equal in others.

    Args:
        rows_NF: Rows that one is drawn from.
        ordered_F: Which columns are ordered.
        middle_F: Medians of the ordered columns; a value above is met with "at least", any other with "at most".
        size: Columns in the statement.
        generator: Draws the row and the columns.
    """
    columns = np.sort(generator.choice(rows_NF.shape[1], size, replace=False)).tolist()
    row = rows_NF[generator.integers(len(rows_NF))]
    signs = [
        "missing" if np.isnan(row[f]) else "=" if not ordered_F[f] else ">=" if row[f] > middle_F[f] else "<="
        for f in columns
    ]
    return Predicate(tuple(columns), tuple(signs), tuple(float(row[f]) for f in columns))


def singling_out(predicates: Sequence[Predicate], rows_NF: Values, size: int) -> Values:
    """Return for each statement the chance that it holds for exactly one of so many rows, drawn from all.

    A statement singles out more or less often in a larger table, so tables are compared at one size.
    """
    counts = np.array([np.count_nonzero(one.holds(rows_NF)) for one in predicates], dtype=np.int64)
    return np.asarray(hypergeom.pmf(1, len(rows_NF), counts, size), dtype=np.float64)


def guessed(guess_Q: Values, truth_Q: Values, room_Q: Values | float) -> Flags:
    """Say which guesses are right: at most so far from the truth, or missing as it is.

    Args:
        guess_Q: NaN = missing.
        truth_Q: NaN = missing.
        room_Q: Largest error that counts as right, at least 0.
    """
    both = np.isnan(guess_Q) & np.isnan(truth_Q)
    right: Flags = both | (np.abs(guess_Q - truth_Q) <= room_Q)
    return right
