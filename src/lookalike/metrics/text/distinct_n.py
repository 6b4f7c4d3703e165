"""How many different runs of words synthetic texts hold."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.repetition import distinct_share, repetition_score


@final
class DistinctN(Method):
    """Different runs of n words as a share of all runs, 0 to 1: high is varied.

    Floor: the same for as many real texts. Ceiling: one text again and again. It falls as a set grows.

    Source: Li et al. 2016, arXiv:1510.03055, section 5.2.

    Differs from the paper: the floor of as many real texts stands beside it.
    """

    verdict: ClassVar[str] = "diversity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    n: int = Field(default=2, ge=1, le=8, description="Words of a run.")
    rows: int = Field(default=10_000, ge=2, description="Most texts of each kind.")

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the share; higher is better.

        Raises:
            DataError: There are too few synthetic texts.
        """
        return repetition_score(
            lambda texts: distinct_share(texts, self.n), real, synthetic, self.rows, "higher", f"distinct-{self.n}", rng
        )
