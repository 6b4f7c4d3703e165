"""What a figure is compared with: equally many real, synthetic, control and shuffled rows.

- real: rows that nothing has seen (the holdout); the synthetic rows are measured against these.
- control: real training rows in the place of the synthetic ones; the figure they get is the floor. When the holdout is
  more than twice as large, its halves are both sides, so that a figure need not stand on few rows. A generator that
  copies its training data reaches the floor, and gains no more.
- shuffled: training rows with every position permuted over the rows on its own: each position keeps its distribution,
  what holds the positions together is gone; the figure they get is the ceiling.

The rows are chosen by fixed keys, not by the caller's: all metrics then stand on the same rows, and features are
computed once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Dataset, Index, Reference
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng

D = TypeVar("D", bound=Dataset)
Rows = npt.NDArray[Any]
_ENOUGH = 50
_CHUNK = 1024
_KEY = Rng(0).child("compared rows")


@dataclass(frozen=True)
class Compared:
    """Arrays of equally many rows; row i of one has nothing to do with row i of another.

    Attributes:
        real: [n, ...] of the holdout, or of the training rows when the holdout is too small to stand on.
        synthetic: [n, ...].
        control: [n, ...] of training rows, disjoint from `real`; None when there is no usable holdout.
        shuffled: [n, ...] of training rows with their positions permuted.
        facts: What a report should say: `reference` (holdout or train), `class_shift` (how far the class shares of the
            compared rows are apart, 0 to 1), and `not_estimated` when there is no control.
    """

    real: Rows
    synthetic: Rows
    control: Rows | None
    shuffled: Rows
    facts: dict[str, Any]

    @property
    def rows(self) -> int:
        """Number of rows in each array."""
        return len(self.real)


def compare(
    real: Reference[D],
    synthetic: D,
    limit: int,
    embed: Callable[[D], Rows],
    shuffle: Callable[[D, np.random.Generator], D],
) -> Compared:
    """Choose equally many rows of each kind and embed them, piece by piece.

    Args:
        real: Training and holdout rows. A holdout below 50 rows is not used: the figure then stands on training rows
            and has no floor, because real rows that the generator has not seen are what a floor needs.
        synthetic: Rows to judge.
        limit: Most rows of each kind, so that memory stays flat for larger sets.
        embed: Rows to an array with one row each.
        shuffle: Rows to as many rows whose positions were permuted over the rows, each on its own.

    Raises:
        DataError: A set is too small to be compared at all.
    """
    reference, control = _sides(real)
    n = min(len(reference), len(synthetic), len(control), limit)
    if n < 4:
        raise DataError(
            f"at least 4 rows of each kind are needed, found {len(synthetic)} synthetic, {len(real.train)} training "
            f"and {len(real.holdout)} holdout rows; sample or read more"
        )
    chosen = _choose(reference, n, "real"), _choose(synthetic, n, "synthetic"), _choose(control, n, "control")
    held = len(real.holdout) >= _ENOUGH
    facts: dict[str, Any] = {
        "reference": "holdout" if held else "train",
        "class_shift": _class_shift(reference, chosen[0], synthetic, chosen[1]),
    }
    if not held:
        facts["not_estimated"] = (
            f"floor: it needs at least {_ENOUGH} real rows that nothing has seen, found {len(real.holdout)}; "
            "raise data.holdout or give more data"
        )
    return Compared(
        real=_embed(embed, reference, chosen[0]),
        synthetic=_embed(embed, synthetic, chosen[1]),
        control=_embed(embed, control, chosen[2]) if held else None,
        shuffled=_embed(embed, control, chosen[2], shuffle),
        facts=facts,
    )


def equally_many(real: Reference[D], synthetic: D, limit: int) -> tuple[D, D | None, dict[str, Any]]:
    """Return synthetic rows and as many real ones, for figures that depend on the number of rows.

    Args:
        real: The larger of its two parts is taken.
        synthetic: Rows to judge, at least 2.
        limit: Most rows of each kind.

    Returns:
        Synthetic rows; real rows, None when there are fewer than 50; what a report should say.

    Raises:
        DataError: Fewer than two synthetic rows.
    """
    if len(synthetic) < 2:
        raise DataError(f"at least 2 synthetic rows are needed, found {len(synthetic)}; sample more")
    held = len(real.holdout) >= len(real.train)
    reference = real.holdout if held else real.train
    if len(reference) < _ENOUGH:
        told = f"floor: it needs at least {_ENOUGH} real rows, found {len(reference)}; give more data"
        return (
            synthetic.take(_choose(synthetic, min(limit, len(synthetic)), "synthetic")),
            None,
            {"not_estimated": told},
        )
    n = min(limit, len(synthetic), len(reference))
    chosen = reference.take(_choose(reference, n, "real"))
    return synthetic.take(_choose(synthetic, n, "synthetic")), chosen, {"reference": "holdout" if held else "train"}


def _sides(real: Reference[D]) -> tuple[D, D]:
    """Return the rows that are measured against, and those in the place of the synthetic ones, which give the floor."""
    if len(real.holdout) < _ENOUGH:
        return real.train, real.train
    if len(real.holdout) <= 2 * len(real.train):
        return real.holdout, real.train
    # Few training rows would make every figure one of few rows; the halves of a large holdout give more.
    order = _KEY.child("halves").numpy().permutation(len(real.holdout))
    half = len(order) // 2
    return real.holdout.take(np.sort(order[:half])), real.holdout.take(np.sort(order[half:]))


def _choose(data: Dataset, n: int, purpose: str) -> Index:
    """Return n row numbers, sorted; the first n of one fixed order, so that a smaller choice lies within a larger."""
    return np.sort(_KEY.child(purpose).numpy().permutation(len(data))[:n]).astype(np.int64)


def _embed(
    embed: Callable[[D], Rows],
    data: D,
    index: Index,
    shuffle: Callable[[D, np.random.Generator], D] | None = None,
) -> Rows:
    parts = []
    for start in range(0, len(index), _CHUNK):
        part = data.take(index[start : start + _CHUNK])
        if shuffle is not None:
            part = shuffle(part, _KEY.child("shuffle", start).numpy())
        parts.append(embed(part))
    return np.concatenate(parts)


def _class_shift(first: Dataset, first_index: Index, second: Dataset, second_index: Index) -> float:
    """Return the total variation distance of the class shares: how much of a distance the mix of classes explains."""
    length = max(1, len(first.schema.classes))
    shares = [
        np.bincount(data.labels[index], minlength=length) / len(index)
        for data, index in ((first, first_index), (second, second_index))
    ]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
