"""How much two texts have in common: longest common subsequence of words, and where a quotation stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_MOST_WORDS = 2000


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case; at most its first 2,000."""
    return _WORD.findall(text.casefold())[:_MOST_WORDS]


def rouge_l(one: str, other: str) -> float:
    """Return ROUGE-L, the F-measure of the longest common subsequence of words, 0 to 1.

    Source: Lin 2004, ROUGE: A package for automatic evaluation of summaries (W04-1013).
    Differs from the paper: words are runs of letters and digits in lower case, without stemming; beta = 1.

    Example:
        >>> round(rouge_l("the cat sat", "The cat ran away"), 3)
        0.571
    """
    a, b = words_of(one), words_of(other)
    common = _common(a, b)
    return 2 * common / (len(a) + len(b)) if common else 0.0


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the length of the longest common subsequence, by bits of a Python integer for each word of a.

    Source: Hyyro 2004, Bit-parallel LCS-length computation revisited.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(a):
        places[word] = places.get(word, 0) | (1 << place)
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        found = row & places.get(word, 0)
        row = ((row + found) | (row - found)) & full
    return len(a) - row.bit_count()


def place_of(quotation: str, text: str) -> tuple[int, int] | None:
    r"""Return where a quotation stands in a text, as the first and the last position plus one; None = it does not.

    Case and the length of white space do not count.

    Example:
        >>> place_of("a  Dog", "It is a\ndog.")
        (6, 11)
    """
    parts = quotation.split()
    if not parts:
        return None
    found = re.search(r"\s+".join(re.escape(part) for part in parts), text, re.IGNORECASE)
    return found.span() if found else None
