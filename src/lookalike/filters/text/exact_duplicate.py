"""Drops synthetic texts that repeat an earlier synthetic text."""

from __future__ import annotations

import unicodedata
from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.selection import without


@final
class ExactDuplicate(Method):
    """Keeps the first of equal texts, whatever their labels; reads no real data.

    Source: ours.
    """

    reads_real: ClassVar[bool] = False

    loose: bool = Field(
        default=True, description="Case, spaces and punctuation do not count; false = every character counts."
    )

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the first text of every group; nothing is drawn and no real row is read."""
        del real, rng
        seen: set[str] = set()
        why = {}
        for row, text in enumerate(data.texts()):
            key = _loose(text) if self.loose else text
            if key in seen:
                why[row] = "equal to an earlier synthetic text"
            seen.add(key)
        return without(len(data), why, "exact_duplicate")


def _loose(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if c.isalnum() else " " for c in folded)
    # A text of signs alone is its signs.
    return " ".join(kept.split()) or " ".join(folded.split())
