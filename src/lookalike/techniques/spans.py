"""The longest run of words that a text has in common with a set of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint64]
Lengths = npt.NDArray[np.int64]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def words_of(text: str) -> list[str]:
    """Return the words of a text, without case and punctuation."""
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def longest_common(texts: Sequence[str], known: Sequence[str], most: int) -> Lengths:
    """Return for each text the length in words of the longest run that stands in one of the known texts, [N].

    A run of n + 1 common words holds one of n, so lengths are tried upwards until no text is left. Runs are compared by
    64-bit hashes.

    Args:
        texts: What is searched for.
        known: Where it is searched.
        most: Longest run that is told apart; longer ones count as this.
    """
    mine, theirs = _Runs(texts), _Runs(known)
    longest = np.zeros(len(texts), dtype=np.int64)
    for n in range(1, most + 1):
        mine.grow()
        theirs.grow()
        found = np.unique(mine.row[np.isin(mine.code, theirs.code)])
        if not len(found):
            break
        longest[found] = n
        mine.keep(found)
    return longest


class _Runs:
    """All runs of n words of some texts, as hashes; `grow` makes n one larger."""

    def __init__(self, texts: Sequence[str]) -> None:
        split = [words_of(text) for text in texts]
        self._word = np.array([_code(word) for words in split for word in words], dtype=np.uint64)
        # Where the text of a word ends, so that no run goes on into the next text.
        ends = np.cumsum([len(words) for words in split], dtype=np.int64)
        self._start = np.arange(len(self._word))
        self.row = np.repeat(np.arange(len(split)), [len(words) for words in split])
        self._end = ends[self.row] if len(self.row) else np.zeros(0, dtype=np.int64)
        self.code = np.zeros(len(self._word), dtype=np.uint64)
        self._n = 0

    def grow(self) -> None:
        fits = self._start + self._n < self._end
        self._take(fits)
        self.code = (self.code ^ self._word[self._start + self._n]) * _FACTOR
        self.code ^= self.code >> np.uint64(29)
        self._n += 1

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        """Forget all texts but these."""
        self._take(np.isin(self.row, rows))

    def _take(self, which: npt.NDArray[np.bool_]) -> None:
        self._start, self.row, self._end = self._start[which], self.row[which], self._end[which]
        self.code = self.code[which]


def _code(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())
