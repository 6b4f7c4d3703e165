"""How much synthetic texts repeat each other's wording."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.bleu import bleus, references, tokenizer
from lookalike.techniques.bootstrap import percentile_interval, resampled_means
from lookalike.techniques.controls import equally_many

_RESAMPLES = 1000


@final
class SelfBleu(Method):
    """Mean BLEU of each synthetic text against all other synthetic texts, 0 to 100: low is varied.

    Floor: the same for as many real texts. Ceiling: 100, one text again and again. It grows with the number of texts:
    figures of sets of different sizes say nothing about each other.

    Source: Zhu et al. 2018, arXiv:1802.01886 (Texygen, section 3.2); Post 2018, arXiv:1804.08771 (sacreBLEU's
        tokenizer, smoothing and effective order).

    Differs from the papers: every text counts instead of a sample, and the floor stands beside it.
    """

    verdict: ClassVar[str] = "diversity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    rows: int = Field(default=2000, ge=2, description="Most texts of each kind.")

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the mean sentence BLEU; lower is better.

        Raises:
            DataError: There are too few synthetic texts.
            ConfigError: The package sacrebleu is not installed.
        """
        made, known, facts = equally_many(real, synthetic, self.rows)
        split = tokenizer()
        value_N, *floor = (
            bleus(words, references(words), itself=True)
            for words in ([split(text) for text in part.texts()] for part in (made, known) if part is not None)
        )
        again = resampled_means(value_N[:, None], _RESAMPLES, rng.child("bootstrap").numpy())[:, 0]
        return Score(
            value=float(value_N.mean()),
            interval=percentile_interval(again),
            n_real=0 if known is None else len(known),
            n_synthetic=len(made),
            floor=float(floor[0].mean()) if floor else None,
            ceiling=100.0,
            better="lower",
            detail={
                "title": "self-BLEU",
                "unit": "points",
                "interval": "bootstrap over texts, the others fixed",
                **facts,
            },
        )
