"""Do synthetic texts repeat long passages of training texts, more than unseen real texts do?"""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.bootstrap import percentile_interval
from lookalike.techniques.spans import longest_common, words_of

_MOST = 100
_RESAMPLES = 1000
_SHOWN = 10
_CLIP = 300
Lengths = npt.NDArray[np.int64]


@final
class Verbatim(Method):
    """Share of texts with a passage of so many words that stands in one training text, beside that of the holdout.

    A text that is shorter than the passage counts when all of it, and at least 4 words, stands there. Floor: the same
    share among holdout texts, which nothing has copied. Ceiling: 1, a copier. `detail` also holds the longest passages
    and the share of whole copies. A low share is no proof of privacy: facts leak in other words too.

    Source: Carlini et al. 2021, arXiv:2012.07805; Lee et al. 2022, arXiv:2107.06499 (exact substrings).

    Differs from the papers: passages in words, calibrated by the holdout.
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted", "unfiltered")

    words: int = Field(default=8, ge=4, le=_MOST, description="Words of a passage that is too long to be chance.")

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng) -> Score:
        """Return the share of texts with a copied passage; lower is better.

        Raises:
            DataError: There are no synthetic texts.
        """
        if not len(synthetic):
            raise DataError("a search for copied passages needs synthetic texts, found none")
        if not len(real.train):
            told = {"not_estimated": "there are no real texts that could have been copied"}
            return Score(float("nan"), None, 0, len(synthetic), None, None, "lower", told)
        train, texts = real.train.texts(), synthetic.texts()
        longest = longest_common(texts, train, _MOST)
        copied, whole = self._copied(longest, texts)
        detail: dict[str, Any] = {
            "title": f"texts with {self.words} words in a row from a training text",
            "unit": "share",
            "whole_copies": float(whole.mean()),
            "longest": int(longest.max()),
            "longest_reaches_limit": bool(longest.max() == _MOST),
            "interval": "bootstrap over synthetic texts",
            "passages": _shown(longest, texts, synthetic),
        }
        floor = None
        if len(real.holdout):
            held = real.holdout.texts()
            unseen = longest_common(held, train, _MOST)
            floor = float(self._copied(unseen, held)[0].mean())
            detail["longest_holdout"] = int(unseen.max())
            detail["expected"] = floor
        else:
            detail["not_estimated"] = "no holdout: what unseen real texts have in common with training texts is unknown"
        again = rng.child("bootstrap").numpy().binomial(len(copied), copied.mean(), _RESAMPLES) / len(copied)
        interval = percentile_interval(again)
        if not copied.any():
            # The rule of three: no copy among n leaves room for 3 / n.
            interval = (0.0, min(1.0, 3 / len(copied)))
        n_real = len(real.holdout)
        return Score(float(copied.mean()), interval, n_real, len(synthetic), floor, 1.0, "lower", detail)

    def _copied(self, longest: Lengths, texts: list[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return which texts hold a copied passage, and which are copies as a whole."""
        length = np.array([len(words_of(text)) for text in texts])
        whole = (longest >= np.minimum(length, _MOST)) & (length >= 4)
        return (longest >= self.words) | whole, whole


def _shown(longest: Lengths, texts: list[str], synthetic: Corpus) -> list[dict[str, Any]]:
    order = np.argsort(-longest, kind="stable")[:_SHOWN]
    names = synthetic.classes or ("",)
    return [
        {"row": int(row), "words": int(longest[row]), "label": names[synthetic.labels[row]], "text": texts[row][:_CLIP]}
        for row in order
    ]
