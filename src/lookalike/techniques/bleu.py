"""BLEU of one text against many, fast: the largest count of every n-gram is kept once for all references.

With as many references as there are texts, counting anew for every pair would cost the square of their number. The
largest and the second largest count of each n-gram, and who holds the largest, also give every text against all others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import ConfigError

ORDER = 4
Words = Sequence[str]
Values = npt.NDArray[np.float64]


def tokenizer() -> Callable[[str], list[str]]:
    """Return sacreBLEU's default tokenizer, 13a.

    Raises:
        ConfigError: The package sacrebleu is not installed.
    """
    try:
        from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
    except ImportError:
        raise ConfigError(
            "BLEU needs the package sacrebleu, which is not installed; pip install 'lookalike[text]'"
        ) from None
    split = Tokenizer13a()
    return lambda text: split(text.rstrip()).split()


@dataclass(frozen=True)
class References:
    """What BLEU needs to know of many references.

    Attributes:
        best: Largest count of an n-gram in one reference, and the position of that reference.
        second: Largest count among the other references.
        lengths: Tokens of each reference, in their order.
        ordered: The same, sorted.
    """

    best: dict[tuple[str, ...], tuple[int, int]]
    second: dict[tuple[str, ...], int]
    lengths: list[int]
    ordered: list[int]


def references(texts: Sequence[Words]) -> References:
    """Count the n-grams of all references, n = 1 to 4."""
    best: dict[tuple[str, ...], tuple[int, int]] = {}
    second: dict[tuple[str, ...], int] = {}
    for place, words in enumerate(texts):
        for gram, count in Counter(_grams(words)).items():
            most = best.get(gram, (0, -1))[0]
            if count > most:
                best[gram], second[gram] = (count, place), most
            elif count > second.get(gram, 0):
                second[gram] = count
    lengths = [len(words) for words in texts]
    return References(best, second, lengths, sorted(lengths))


def sentence_bleu(words: Words, against: References, leave_out: int | None = None) -> float:
    """Return the BLEU of one text against all references, 0 to 100.

    Args:
        words: Its tokens.
        against: At least one reference besides the one left out.
        leave_out: Position of the reference that is this very text; None = none is.

    Source: Papineni et al. 2002, doi:10.3115/1073083.1073135; effective order and exponential smoothing as in
        sacreBLEU, Post 2018, arXiv:1804.08771, whose value this is.
    """
    found, total = [0] * ORDER, [max(0, len(words) - n) for n in range(ORDER)]
    for gram, count in Counter(_grams(words)).items():
        most, holder = against.best.get(gram, (0, -1))
        if holder == leave_out and leave_out is not None:
            most = against.second.get(gram, 0)
        found[len(gram) - 1] += min(count, most)
    if found[0] == 0:
        return 0.0
    smooth, logs = 1.0, []
    for hits, of in zip(found, total, strict=True):
        if of == 0:
            break
        if hits == 0:
            smooth *= 2
        logs.append(log(100 * hits / of if hits else 100 / (smooth * of)))
    nearest = _closest(len(words), against, leave_out)
    penalty = 1.0 if len(words) >= nearest else exp(1 - nearest / len(words))
    return penalty * exp(sum(logs) / len(logs))


def bleus(texts: Sequence[Words], against: References, itself: bool = False) -> Values:
    """Return the BLEU of each text, [N]; with `itself`, the texts are the references, each left out for itself."""
    return np.array([sentence_bleu(words, against, row if itself else None) for row, words in enumerate(texts)])


def _grams(words: Words) -> Iterator[tuple[str, ...]]:
    for n in range(1, ORDER + 1):
        for start in range(len(words) - n + 1):
            yield tuple(words[start : start + n])


def _closest(length: int, against: References, leave_out: int | None) -> int:
    """Return the length of the reference nearest in length, the shorter one of two that are as near."""
    at = bisect_left(against.ordered, length)
    # The text that is left out has this very length: one of the equal ones is skipped.
    above = at if leave_out is None else at + 1
    around = against.ordered[max(0, at - 1) : at] + against.ordered[above : above + 1]
    return min(around, key=lambda other: (abs(other - length), other))
