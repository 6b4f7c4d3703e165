"""Drops, or weights down, synthetic texts whose label is not certain."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from pydantic import Field

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, further_columns
from lookalike.techniques.selection import beyond_share, without


@final
class Confidence(Method):
    """Keeps texts whose label is certain enough by a column of numbers, most certain first; reads no real data.

    `text.prompted` writes such columns when it is asked to judge its texts: `confidence` (calibrated where real labels
    are given), and beside it `stated`, `votes` and `label_probability`. `keep` is a share of each label, so no label is
    emptied because it is hard. With `weight`, a kept text counts in training as much as its label is certain.

    Source: Gao et al. 2023, arXiv:2205.12679 (weights for generated texts); selection by confidence as in Ye et al.
        2022, arXiv:2210.12329.

    Differs from the papers: the certainty is the judge's own, not learnt from a validation set.
    """

    reads_real: ClassVar[bool] = False

    column: str = Field(default="confidence", description="Column with the certainty, 0 to 1.")
    minimum: float = Field(default=0.5, ge=0, le=1, description="Least certainty, 0 to 1.")
    keep: float = Field(default=1.0, gt=0, le=1, description="Share of each label to keep, most certain texts first.")
    weight: bool = Field(default=False, description="Use the certainty as the weight of a kept text.")

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the certain texts; nothing is drawn and no real row is read.

        Raises:
            ConfigError: There is no such column of numbers.
        """
        del real, rng
        try:
            sure_N = data.numbers(self.column)
        except KeyError:
            found = ", ".join(further_columns(data.schema)) or "none"
            raise ConfigError(
                f"text.confidence: no column of numbers '{self.column}', found {found}; let the generator judge "
                "its texts with generator.judge, or name another column"
            ) from None
        why = dict.fromkeys(np.flatnonzero(np.isnan(sure_N)).tolist(), "no confidence could be read")
        low = np.flatnonzero(sure_N < self.minimum)
        why |= dict.fromkeys(low.tolist(), f"{self.column} below {self.minimum:g}")
        for row in beyond_share(data.labels, np.nan_to_num(sure_N, nan=-1.0), self.keep):
            why.setdefault(row, f"not among the most certain {self.keep:.0%} of its label")
        chosen = without(len(data), why, "confidence")
        if not self.weight:
            return chosen
        return Selection(chosen.index, sure_N[chosen.index], chosen.dropped, chosen.reasons)
