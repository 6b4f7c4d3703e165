"""How much the wording of synthetic texts is like that of real ones."""

from __future__ import annotations

from typing import ClassVar, final

from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.data.shuffled import shuffled_words
from lookalike.techniques.bleu import bleus, references, tokenizer
from lookalike.techniques.bootstrap import percentile_interval, resampled_means
from lookalike.techniques.controls import equally_many

_RESAMPLES = 1000


@final
class Bleu(Method):
    """Mean BLEU of each synthetic text against all real texts together, 0 to 100; nearest to the floor is best.

    Floor: each real text against the other real ones. Above it, texts repeat real wording more than real texts repeat
    each other; far below it, they use other words. Ceiling: the real texts' own words, shuffled over the texts. It
    depends on the number of texts, so both sides have equally many.

    Source: Papineni et al. 2002, doi:10.3115/1073083.1073135; Post 2018, arXiv:1804.08771 (sacreBLEU's tokenizer,
        smoothing and effective order).

    Differs from the papers: all real texts are the references of every synthetic one, since there are no pairs.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)

    rows: int = Field(default=2000, ge=2, description="Most texts of each kind.")

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the mean sentence BLEU.

        Raises:
            DataError: There are too few synthetic texts.
            ConfigError: The package sacrebleu is not installed.
        """
        made, known, facts = equally_many(real, synthetic, self.rows)
        detail = {"title": "BLEU against real texts", "unit": "points", **facts}
        if known is None:
            return Score(float("nan"), None, 0, len(made), None, None, "target", detail)
        split = tokenizer()
        against = references([split(text) for text in known.texts()])
        mixed = shuffled_words(known, rng.child("ceiling").numpy())
        value_N = bleus([split(text) for text in made.texts()], against)
        floor_N = bleus([split(text) for text in known.texts()], against, itself=True)
        ceiling_N = bleus([split(text) for text in mixed.texts()], against)
        again = resampled_means(value_N[:, None], _RESAMPLES, rng.child("bootstrap").numpy())[:, 0]
        return Score(
            value=float(value_N.mean()),
            interval=percentile_interval(again),
            n_real=len(known),
            n_synthetic=len(made),
            floor=float(floor_N.mean()),
            ceiling=float(ceiling_N.mean()),
            better="target",
            detail={**detail, "interval": "bootstrap over synthetic texts, the real ones fixed"},
        )
