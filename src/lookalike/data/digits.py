"""What the numbers of a column are like, counted batch by batch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
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
ONE_VALUE = "one value only"
_EXACT = 2.0**53
_MOST_DECIMALS = 9
_MOST_SIGNIFICANT = 6
_PLAIN = re.compile(r"-?[\d.][\d.eE+-]*", re.ASCII)
_GENERAL = re.compile(r"general(\d)")
_SCIENTIFIC = re.compile(r"([eE])(\+?)(\d)\.(\d+)")


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
        plus: A number above 0 has a plus sign.
        unsigned: One has none.
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
    plus: bool = False
    unsigned: bool = False
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
        signed = np.asarray(pc.starts_with(words, "+"))
        self.plus |= bool((signed & (values > 0)).any())
        self.unsigned |= bool((~signed & (values > 0)).any())
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


def way_of_digits(words: Iterable[str], numbers: Numbers) -> str:
    """Return the way of writing numbers by so many significant digits, or all with an exponent; empty = another.

    Args:
        words: All of them; with marks they are written otherwise.
        numbers: What they are like.

    Example:
        >>> found = Numbers()
        >>> _ = found.add(pa.array(["43.2", "1.16e+04"]), np.array([1, 1]))
        >>> way_of_digits(["43.2", "1.16e+04"], found)
        'general3'
    """
    listed = list(words)
    if not all(map(_PLAIN.fullmatch, listed)):
        return ""
    values = [float(word) for word in listed]
    if numbers.exponents == numbers.count:
        letter, plus = ("E" if "E" in listed[0] else "e"), ("+" if any("+" in word[1:] for word in listed) else "")
        parts = [re.split("[eE][+-]?", word) for word in listed]
        points = max(len(mantissa.partition(".")[2]) for mantissa, _ in parts)
        way = f"{letter}{plus}{min(len(exponent) for _, exponent in parts)}.{points}"
        if write_way(np.array(values), way) == listed:
            return way
    before = len(f"{max(abs(numbers.low), abs(numbers.high)):.0f}")
    for digits in range(1, _MOST_SIGNIFICANT + 1):
        if numbers.exponents or before + numbers.decimals > digits + 1:
            if all(f"{value:.{digits}g}" == word for value, word in zip(values, listed, strict=True)):
                return f"general{digits}"
    return ""


def write_way(values: npt.NDArray[np.float64], way: str) -> list[str] | None:
    """Return numbers written in such a way, [N]; None = the way is another.

    Example:
        >>> write_way(np.array([25000.0, 0.001]), "e1.1"), write_way(np.array([25000.0]), "E+2.1")
        (['2.5e4', '1e-3'], ['2.5E+04'])
    """
    if match := _GENERAL.fullmatch(way):
        return [f"{value:.{match[1]}g}" for value in values.tolist()]
    if not (match := _SCIENTIFIC.fullmatch(way)):
        return None
    letter, plus, digits, points = match.groups()
    found = []
    for value in values:
        word = np.format_float_scientific(value, precision=int(points), trim="-", exp_digits=int(digits))
        found.append(word.replace("e+", f"e{plus}").replace("e", letter))
    return found


def all_whole(found: Numbers) -> bool:
    """Say whether all numbers are whole, in whatever way they are written: 5.0."""
    return found.whole == found.count or (found.step >= 0 and found.step % 10**found.decimals == 0)


def range_told(found: Numbers, what: str) -> str:
    """Return the range of numbers in words.

    Args:
        found: What the numbers are like; there is one at least.
        what: What to call them, such as `whole numbers`.
    """
    low, high = (f"{end:,.0f}" if 1e4 <= abs(end) < _EXACT else f"{end + 0.0:g}" for end in (found.low, found.high))
    return f"{ONE_VALUE}, {low}" if found.low == found.high else f"{what} from {low} to {high}"
