"""Does the model remember sentences that were planted among its training texts?"""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Fitted, Method, Reference, Score, TellsLikelihood
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.techniques.bootstrap import percentile_interval, resampled_means
from lookalike.techniques.canaries import Canaries, exposure, ranks, secrets, sentence

_RESAMPLES = 1000
_FIX = "use text.finetuned with canaries: 20"


@final
class Canary(Method):
    """Exposure of random numbers planted in the training texts: how much sooner they are guessed than by chance.

    The model tells the likelihood of each planted sentence and of as many others of the same form as `candidates` says,
    itself included. Floor: the mean exposure of equally many sentences that were never planted, about 1.44 by chance.
    Ceiling: log2 of the number of candidates, always guessed first. Needs a generator that plants sentences and tells
    likelihoods. In bits. A planted sentence stands for a text that occurs as often as it was planted.

    Source: Carlini et al. 2019, arXiv:1802.08232 (rank and exposure).
    Differs from the paper: ranks among a random part of the numbers instead of an extrapolation; ties count one half.
    """

    verdict: ClassVar[str] = "privacy"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)
    reads_model: ClassVar[bool] = True

    candidates: int = Field(
        default=512, ge=16, le=65_536, description="Sentences among which each planted one is ranked, itself included."
    )

    def check(self, name: str, generator: Method) -> None:
        """Refuse a generator that plants nothing.

        Raises:
            ConfigError: There will be no planted sentences to ask about.
        """
        planted = getattr(generator, "canaries", None)
        if not planted:
            found = "canaries: 0" if planted == 0 else "a generator that cannot plant any"
            raise ConfigError(f"audits: text.canary needs sentences planted by {name}, found {found}; {_FIX}")

    def score(self, real: Reference[Corpus], synthetic: Corpus, rng: Rng, model: Fitted[Corpus] | None = None) -> Score:
        """Return the mean exposure of the planted sentences; lower is better.

        Args:
            real: The training texts, among which the sentences were planted.
            synthetic: Not looked at; texts that show a planted sentence were refused.
            rng: Key of the candidates and of the interval.
            model: The fitted generator; without one that can answer, nothing is estimated.
        """
        sizes, ceiling = (len(real.train), len(synthetic)), math.log2(self.candidates)
        planted: Canaries | None = getattr(model, "canaries", None)
        if model is None or planted is None or not isinstance(model, TellsLikelihood):
            told = {"not_estimated": self._missing(model, planted), "title": "exposure of planted sentences"}
            return Score(float("nan"), None, *sizes, None, ceiling, "lower", told)
        inserted_C, control_C = self._exposures(model, planted, real.train.classes, rng)
        draw = [rng.child("bootstrap", place).numpy() for place in range(2)]
        means, means_control = (
            resampled_means(bits[:, None], _RESAMPLES, generator)[:, 0]
            for bits, generator in zip((inserted_C, control_C), draw, strict=True)
        )
        value, floor = float(inserted_C.mean()), float(control_C.mean())
        detail: dict[str, Any] = {
            "title": f"exposure of {len(inserted_C)} sentences planted {planted.repeats} times each",
            "unit": "bits",
            "max": float(inserted_C.max()),
            "each": inserted_C.tolist(),
            "each_control": control_C.tolist(),
            "repeats": planted.repeats,
            "candidates": self.candidates,
            "excess": {"value": value - floor, "interval": list(percentile_interval(means - means_control))},
            "interval": "bootstrap over planted sentences",
        }
        return Score(value, percentile_interval(means), *sizes, floor, ceiling, "lower", detail)

    def _missing(self, model: object, planted: Canaries | None) -> str:
        if model is None:
            return "no fitted model was given, and only the model can be asked"
        what = "plants no sentences" if planted is None else "does not tell how probable a text is"
        return f"the model {what}; {_FIX}"

    def _exposures(
        self, model: TellsLikelihood[Corpus], planted: Canaries, classes: tuple[str, ...], rng: Rng
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the exposure of each planted secret and of each control, among the same other candidates."""
        own = (*planted.inserted, *planted.controls)
        others = secrets(self.candidates - 1, rng.child("candidates"), own)
        texts = [sentence(secret) for secret in (*own, *others)]
        asked = Corpus.of(texts, [planted.label] * len(texts), text_schema(classes))
        likely = model.log_likelihood(asked)
        bits = exposure(ranks(likely[: len(own)], likely[len(own) :]), self.candidates)
        return bits[: len(planted.inserted)], bits[len(planted.inserted) :]
