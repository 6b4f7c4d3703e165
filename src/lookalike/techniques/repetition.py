"""How much a set of texts repeats itself: distinct runs of words, and what a compressor saves.

Both depend on the size of the set, so they are only compared at equal size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Dataset, Reference, Score
from lookalike.core.rng import Rng
from lookalike.techniques.bootstrap import jackknife_interval
from lookalike.techniques.controls import equally_many
from lookalike.techniques.distances import groups_of

_GROUPS = 20


class Texts(Dataset, Protocol):
    """Rows that are texts."""

    def texts(self) -> list[str]:
        """Return all texts."""
        ...


T = TypeVar("T", bound=Texts)


def distinct_share(texts: Sequence[str], n: int) -> float:
    """Return the number of different runs of n words, as a share of all runs; 0 when there is none.

    Source: Li et al. 2016, arXiv:1510.03055, section 5.2.

    Example:
        >>> distinct_share(["a b", "a c"], 1)
        0.75
    """
    seen: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        words = text.casefold().split()
        runs = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
        total += len(runs)
        seen.update(runs)
    return len(seen) / total if total else 0.0


def compression_ratio(texts: Sequence[str]) -> float:
    """Return the bytes of all texts as a multiple of their compressed bytes: high = repetitive.

    Source: Shaib et al. 2024, arXiv:2403.00553, section 2.1.
    """
    whole = "\n".join(texts).encode("utf-8", "replace")
    return len(whole) / len(zlib.compress(whole, 9)) if whole else 1.0


def repetition_score(
    figure: Callable[[Sequence[str]], float],
    real: Reference[T],
    synthetic: T,
    rows: int,
    better: str,
    title: str,
    rng: Rng,
) -> Score:
    """Return a figure of a whole set beside that of as many real texts, and that of one text again and again.

    Args:
        figure: Texts -> number.
        real: Real texts, or none.
        synthetic: At least 2 texts.
        rows: Most texts of each kind.
        better: "lower" or "higher".
        title: Name of the figure.
        rng: Key of the groups.

    Raises:
        DataError: There are too few synthetic texts.
    """
    made, known, facts = equally_many(real, synthetic, rows)
    texts = made.texts()
    value = figure(texts)
    groups = groups_of(len(texts), min(_GROUPS, len(texts)), rng.child("groups").numpy())
    # The figure of a smaller set is another one; its spread is what the jackknife uses.
    left: npt.NDArray[np.float64] = np.array([figure(_without(texts, group)) for group in groups])
    middle = sorted(texts, key=len)[len(texts) // 2]
    return Score(
        value=value,
        interval=jackknife_interval(value, left),
        n_real=0 if known is None else len(known),
        n_synthetic=len(made),
        floor=None if known is None else figure(known.texts()),
        ceiling=figure([middle] * len(texts)),
        better=better,  # type: ignore[arg-type]
        detail={"title": title, "interval": "delete-a-group jackknife over texts", **facts},
    )


def _without(texts: Sequence[str], group: npt.NDArray[np.int64]) -> list[str]:
    gone = set(group.tolist())
    return [text for row, text in enumerate(texts) if row not in gone]
