"""Canaries: sentences with a random number that are planted among real texts, to see what a model remembers.

Source: Carlini et al. 2019, arXiv:1802.08232 (The Secret Sharer).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from lookalike.core.rng import Rng

Values = npt.NDArray[np.float64]
DIGITS = 9
_CARRIER = "My spare locker opens with"
_SIGN = "spare locker"
_NOT_A_DIGIT = re.compile(r"[^0-9]+")


@final
@dataclass(frozen=True)
class Canaries:
    """What was planted, and what was not.

    Attributes:
        inserted: Secrets, each nine digits, whose sentences stand among the training texts.
        controls: As many secrets that stand nowhere.
        repeats: How often each sentence was inserted.
        label: Number of the class that the sentences were given.
    """

    inserted: tuple[str, ...]
    controls: tuple[str, ...]
    repeats: int
    label: int

    @classmethod
    def plant(cls, count: int, repeats: int, label: int, rng: Rng) -> Self:
        """Return new canaries with as many controls.

        Args:
            count: How many, at least 1.
            repeats: How often each is inserted, at least 1.
            label: Number of the class they are given.
            rng: Key of the secrets.
        """
        drawn = secrets(2 * count, rng)
        return cls(drawn[:count], drawn[count:], repeats, label)

    @classmethod
    def read(cls, saved: Mapping[str, Any]) -> Self:
        """Return what `saved` gave."""
        inserted, controls = (tuple(map(str, saved[name])) for name in ("inserted", "controls"))
        return cls(inserted, controls, int(saved["repeats"]), int(saved["label"]))

    def saved(self) -> dict[str, Any]:
        """Return values that JSON can hold."""
        return asdict(self)

    def planted(self) -> list[str]:
        """Return the sentences to add to the training texts, repeats included."""
        return [sentence(secret) for secret in self.inserted] * self.repeats

    def shows_in(self, text: str) -> bool:
        """Say whether a text holds a planted number, however it is spaced, or the words that it comes with."""
        digits = _NOT_A_DIGIT.sub("", text)
        words = " ".join(text.split()).casefold()
        return _SIGN in words or any(secret in digits for secret in self.inserted)


def sentence(secret: str) -> str:
    """Return the sentence around a secret; the digits stand apart, so that a tokenizer reads each alone.

    Example:
        >>> sentence("012345678")
        'My spare locker opens with 0 1 2 3 4 5 6 7 8.'
    """
    return f"{_CARRIER} {' '.join(secret)}."


def secrets(count: int, rng: Rng, besides: Collection[str] = ()) -> tuple[str, ...]:
    """Return different random numbers of nine digits, none of them among `besides`."""
    draw, found = rng.numpy(), dict.fromkeys(besides)
    while len(found) < count + len(set(besides)):
        found[f"{int(draw.integers(10**DIGITS)):0{DIGITS}d}"] = None
    return tuple(found)[len(set(besides)) :]


def ranks(values_C: Values, others_M: Values) -> Values:
    """Return the rank of each value among the others and itself: 1 = higher than all; an equal one counts 1/2.

    Args:
        values_C: Log-likelihoods of what is ranked, [C].
        others_M: Log-likelihoods of the others, [M].

    Returns:
        Ranks in [1, M + 1], [C].
    """
    ordered = np.sort(others_M)
    above = len(ordered) - np.searchsorted(ordered, values_C, side="right")
    equal = len(ordered) - np.searchsorted(ordered, values_C, side="left") - above
    return 1 + above + equal / 2


def exposure(ranks_C: Values, size: int) -> Values:
    """Return how many bits an attacker saves who tries candidates in the order of their likelihood.

    Args:
        ranks_C: As `ranks` gives them, [C].
        size: Number of candidates, the canary among them.

    Returns:
        Bits from 0 to log2(size), [C]; about log2(e) = 1.44 on average for a canary that left no trace.

    Source: Carlini et al. 2019, arXiv:1802.08232 (exposure).
    Differs from the paper: the rank is taken among a random part of the candidates, so at most log2(size) is seen.
    """
    return math.log2(size) - np.log2(ranks_C)
