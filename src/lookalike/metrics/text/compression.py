"""How much a compressor saves on synthetic texts."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.repetition import compression_ratio, repetition_score


@final
class Compression(Method):
    """Bytes of all texts as a multiple of their compressed bytes: low is varied.

    It finds phrases that come again and again, whatever their length. Floor: the same for as many real texts. Ceiling:
    one text again and again. It grows with the set and with the length of the texts.

    Source: Shaib et al. 2024, arXiv:2403.00553, section 2.1.

    Differs from the paper: the floor of as many real texts stands beside it.
    """

    verdict: ClassVar[str] = "diversity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    rows: int = Field(default=10_000, ge=2, description="Most texts of each kind.")

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the ratio, at least about 1; lower is better.

        Raises:
            DataError: There are too few synthetic texts.
        """
        return repetition_score(compression_ratio, real, synthetic, self.rows, "lower", "compression ratio", rng)
