"""Drops synthetic texts that stand in the real data."""

from __future__ import annotations

from typing import ClassVar, final

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.selection import without


@final
class Leak(Method):
    """Drops copies of real texts, of the training rows and of the holdout: a model may have read both before.

    Case and spaces do not count. Without it, a copy of a test row would make every score of usefulness too good.

    Source: ours.
    """

    reads_real: ClassVar[bool] = True

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the texts that stand in neither part of the real rows; nothing is drawn."""
        del rng
        sides = () if real is None else (("holdout", real.holdout), ("training", real.train))
        known = {name: {_key(text) for text in rows.texts()} for name, rows in sides}
        why = {}
        for row, text in enumerate(data.texts()):
            side = next((name for name, texts in known.items() if _key(text) in texts), None)
            if side:
                why[row] = f"copy of a {side} row"
        return without(len(data), why, "leak")


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
