"""Rounds of sampling and filtering until every cell of the quota has its rows, or a stated limit is hit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Dataset, Index, Reference
from lookalike.core.rng import Rng
from lookalike.pipeline.plan import Counts, Named

_SPARE = 1.1
_WORST_RATE = 0.05


@dataclass
class Selected:
    """What filtering made of a pool of candidates.

    Attributes:
        pool: All candidates, in the order they were made.
        accepted: Positions of the delivered rows, sorted, [n] int64.
        weight: Weight of each delivered row, [n] float64.
        reasons: Why a position was rejected.
        dropped: Rejected rows by filter and reason, in the order of the filters.
        rounds: Rounds of sampling.
        short: Rows missing of each cell, [C]; all zero unless the limit was hit.
        passed: Rows of each cell that passed the filters, [C]; those beyond what was asked are not delivered.
        cells: Cell of each position of the pool, [N] int64.
    """

    pool: Any
    accepted: Index
    weight: npt.NDArray[np.float64]
    reasons: dict[int, str]
    dropped: list[dict[str, int]]
    rounds: int
    short: Counts
    passed: Counts = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    cells: Index = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def in_turn(counts: Counts, together: int = 1) -> Index:
    """Return cell numbers, [sum(counts)], cells taking turns so that any prefix is about balanced.

    Args:
        counts: Rows of each cell.
        together: So many rows of one cell follow each other, as long as there are so many left.

    Example:
        >>> in_turn(np.array([2, 1])).tolist(), in_turn(np.array([3, 2]), together=2).tolist()
        ([0, 1, 0], [0, 0, 1, 1, 0])
    """
    turn = np.concatenate([np.arange(count) // together for count in counts]) if len(counts) else np.zeros(0)
    cell = np.repeat(np.arange(len(counts)), counts)
    return cell[np.lexsort((cell, turn))].astype(np.int64)


def apply_filters(
    filters: Sequence[Named], pool: Dataset, real: Reference[Any], rng: Rng
) -> tuple[Index, npt.NDArray[np.float64], dict[int, str], list[dict[str, int]]]:
    """Run filters one after the other, each on what the ones before it kept.

    Rows that the generator itself calls unusable go first.

    Returns:
        Kept positions, their weights (products over the filters), reasons by lost position, counts per filter.
    """
    weight = np.ones(len(pool))
    reasons = dict(pool.problems())
    kept = np.setdiff1d(
        np.arange(len(pool), dtype=np.int64), np.array(sorted(reasons), dtype=np.int64), assume_unique=True
    )
    dropped: list[dict[str, int]] = []
    for place, named in enumerate(filters):
        data = pool if len(kept) == len(pool) else pool.take(kept)
        selection = named.method.select(data, real, rng.child(named.name, place))
        lost = {int(kept[position]): reason for position, reason in selection.reasons.items()}
        reasons.update(lost)
        dropped.append(dict(selection.dropped))
        weight[kept[selection.index]] *= selection.weight
        kept = kept[selection.index]
    return kept, weight[kept], reasons, dropped


def _next_round(missing: Counts, passed: Counts, made: Counts, limit: int) -> Counts:
    rate = np.maximum(passed / np.maximum(made, 1), _WORST_RATE)
    wanted: Counts = np.ceil(missing / rate * _SPARE).astype(np.int64)
    room = limit - int(made.sum())
    if wanted.sum() > room:
        wanted = np.floor(wanted * (room / wanted.sum())).astype(np.int64)
    return wanted


def _first(kept: Index, cells: Index, asked: Counts) -> npt.NDArray[np.bool_]:
    """Mark the first `asked` kept positions of each cell; the rest is surplus."""
    take = np.zeros(len(kept), dtype=np.bool_)
    for number, count in enumerate(asked):
        take[np.flatnonzero(cells[kept] == number)[:count]] = True
    return take


def fill(
    asked: Counts,
    limit: int,
    draw: Callable[[int, int, Index, Index], Any],
    cells_of: Callable[[Any], Index],
    choose: Callable[[Any], tuple[Index, npt.NDArray[np.float64], dict[int, str], list[dict[str, int]]]],
    progress: Callable[[Counts, Counter[str]], None],
    portion: float = 1.0,
    together: int = 1,
) -> Selected:
    """Draw and filter until each cell has its rows.

    Args:
        asked: Accepted rows asked of each cell, [C]; a cell is a class, or a class and a mix of attributes.
        limit: Most candidates to draw in all.
        draw: (round, first row, cells, delivered positions so far) -> the pool of all candidates so far.
        cells_of: pool -> the cell of each row, [N].
        choose: pool -> kept positions, weights, reasons, counts per filter.
        progress: Called after each round with accepted rows by cell and rejections by reason.
        portion: Most of a cell's rows that one round aims at, as a share; below 1 for what learns from round to round.
        together: Rows of one cell that are drawn side by side.

    Returns:
        The selection; `short` counts what is missing when the limit was hit.
    """
    made = np.zeros_like(asked)
    most: Counts = np.ceil(asked * portion).astype(np.int64)
    wanted, rounds, delivered = most.copy(), 0, np.zeros(0, dtype=np.int64)
    while True:
        pool = draw(rounds, int(made.sum()), in_turn(wanted, together), delivered)
        made += wanted
        rounds += 1
        kept, weight, reasons, dropped = choose(pool)
        cells = cells_of(pool)
        passed = np.bincount(cells[kept], minlength=len(asked)).astype(np.int64)
        take = _first(kept, cells, asked)
        delivered = kept[take]
        progress(np.minimum(passed, asked), Counter(reasons.values()))
        short = np.maximum(asked - passed, 0)
        wanted = _next_round(np.minimum(short, most), passed, made, limit)
        if wanted.sum() == 0:
            return Selected(pool, delivered, weight[take], reasons, dropped, rounds, short, passed, cells)
