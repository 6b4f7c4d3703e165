"""What the numbers of a column are like, counted batch by batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_INTEGER = r"^[+-]?\d+$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_CODE = r"^[+-]?0\d"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_EXACT = 2.0**53
_MOST_DECIMALS = 9


@final
@dataclass
class Numbers:
    """What the cells that are numbers are like.

    Attributes:
        count: Cells that are finite numbers.
        whole: Those written without a point or an exponent.
        codes: Those that begin with a zero that a number would not have: 007.
        infinite: Cells that say infinity.
        exponents: Cells with an exponent.
        low: Smallest number.
        high: Largest number.
        decimals: Most digits after the point.
        fewest: Fewest digits after the point.
        padded: A number with two digits or more after the point ends with a zero.
        step: Largest number of units of the last digit that divides every number; 0 = none was seen, -1 = unknown.
    """

    count: int = 0
    whole: int = 0
    codes: int = 0
    infinite: int = 0
    exponents: int = 0
    low: float = math.inf
    high: float = -math.inf
    decimals: int = 0
    fewest: int = 99
    padded: bool = False
    step: int = 0

    def add(self, words: pa.Array, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Count different words, each with how often it comes; return which are numbers."""
        numeric = np.asarray(pc.match_substring_regex(words, _NUMBER))
        infinite = np.asarray(pc.match_substring_regex(words, _INFINITE)) if not numeric.all() else ~numeric
        self.infinite += int(counts[infinite].sum())
        if not numeric.any():
            return numeric
        words, counts = words.filter(pa.array(numeric)), counts[numeric]
        whole = np.asarray(pc.match_substring_regex(words, _INTEGER))
        self.count += int(counts.sum())
        self.whole += int(counts[whole].sum())
        self.codes += int(counts[np.asarray(pc.match_substring_regex(words, _CODE))].sum())
        values = np.asarray(pc.cast(words, pa.float64()))
        self.infinite += int(counts[np.isinf(values)].sum())
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        exponents = np.asarray(pc.match_substring(words, "e", ignore_case=True))
        self.exponents += int(counts[exponents].sum())
        self._digits(words, values)
        return numeric

    def _digits(self, words: pa.Array, values: npt.NDArray[np.float64]) -> None:
        points = np.asarray(pc.find_substring(words, "."))
        digits = np.where(points < 0, 0, np.asarray(pc.utf8_length(words)) - points - 1)
        ends = np.asarray(pc.ends_with(words, "0"))
        self.padded |= bool((ends & (digits >= 2)).any())
        self.fewest = min(self.fewest, int(digits.min()))
        most = max(self.decimals, int(digits.max()))
        if self.exponents or most > _MOST_DECIMALS or self.step < 0:
            self.decimals, self.step = most, -1
            return
        scaled = np.abs(values) * 10.0**most
        if scaled.max() > _EXACT:
            self.decimals, self.step = most, -1
            return
        step = int(np.gcd.reduce(np.rint(scaled).astype(np.int64)))
        self.step, self.decimals = math.gcd(self.step * 10 ** (most - self.decimals), step), most
