"""Drops synthetic texts that share most of their words with an earlier synthetic text."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.minhash import near_copies
from lookalike.techniques.selection import without


@final
class NearDuplicate(Method):
    """Keeps the first of texts whose runs of words are nearly the same; reads no real data.

    Candidates come from MinHash signatures; whether two texts are near is decided on the exact share of common runs
    (Jaccard similarity), so no text goes by a clash of hashes, and memory stays flat in the length of the texts.

    Source: Broder 1997, doi:10.1109/SEQUEN.1997.666900; Leskovec et al. 2020, Mining of Massive Datasets, section 3.4.

    Differs from the papers: candidates are checked exactly.
    """

    reads_real: ClassVar[bool] = False

    similarity: float = Field(default=0.7, gt=0, le=1, description="Least share of common runs of a near copy, 0 to 1.")
    words: int = Field(default=2, ge=1, le=10, description="Words of a run; texts of fewer words are one run.")

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the first text of every group; the hashes are fixed, no real row is read."""
        del real, rng
        near = near_copies(data.texts(), self.similarity, self.words)
        return without(len(data), dict.fromkeys(near, "near copy of an earlier synthetic text"), "near_duplicate")
