"""What the cells of a column are like, counted batch by batch: memory stays flat however many rows there are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.data.formats import date_formats, parse_dates

MOST_LEVELS = 200_000
"""Different values of a column that are kept; a column with more is no category."""
MOST_NUMBERS = 20_000
"""The same where all values are numbers and nobody declared them as categories."""
_INTEGER = r"^[+-]?\d+$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_CODE = r"^[+-]?0\d"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_EXACT = 2.0**53
_MOST_DECIMALS = 9
_OFFSET = r"(?P<zone>Z|[+-]\d{2}:?\d{2})$"


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


@final
@dataclass
class Facts:
    """What the cells of one column are like.

    Attributes:
        name: The column.
        coded: It is declared as a category, so that numbers are kept like words.
        rows: Cells.
        missing: Cells that hold a token for "missing".
        levels: How often each value comes, as far as there are no more than `MOST_LEVELS` of them.
        many: There are more.
        numbers: What its numbers are like.
        odd: First row, counted from 1, whose value is no number, after numbers were seen or before; 0 = none.
        dates: Formats in which every value so far is a date; None = nothing was seen yet.
        offsets: Zones of the dates, as written.
        part_zoned: Some of the dates have a zone and others have none.
        repeated: Cells whose value was there before.
        characters: Characters of all values together.
        spaces: Spaces in all values together.
        order: Values in order, where the source tells one.
    """

    name: str
    coded: bool = False
    rows: int = 0
    missing: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    many: bool = False
    numbers: Numbers = field(default_factory=Numbers)
    odd: int = 0
    dates: list[str] | None = None
    offsets: set[str] = field(default_factory=set)
    part_zoned: bool = False
    repeated: int = 0
    characters: int = 0
    spaces: int = 0
    order: tuple[str, ...] = ()
    _hashes: list[npt.NDArray[np.uint64]] = field(default_factory=list)

    @property
    def filled(self) -> int:
        """Cells that hold a value."""
        return self.rows - self.missing

    @property
    def different(self) -> int:
        """Different values; at least that many where there are too many to keep."""
        return len(self.levels) if not self.many else max(MOST_NUMBERS + 1, self.filled - self.repeated)

    def add(self, cells: pa.Array) -> None:
        """Count cells: strings, null = missing."""
        before = self.rows
        self.rows += len(cells)
        self.missing += cells.null_count
        if cells.null_count == len(cells):
            return
        found = pc.value_counts(cells.drop_null())
        words, counts = found.field("values"), np.asarray(found.field("counts"))
        numeric = self.numbers.add(words, counts)
        self._count(words, counts)
        if not self.odd and not numeric.all():
            first = words.filter(pa.array(~numeric))[0]
            self.odd = before + int(pc.index(cells, first).as_py()) + 1
        if not numeric.all() or self.dates:
            self._dates(words)
        elif self.dates is None:
            self.dates = []
        self.characters += int((np.asarray(pc.utf8_length(words)) * counts).sum())
        self.spaces += int((np.asarray(pc.count_substring(words, " ")) * counts).sum())

    def _count(self, words: pa.Array, counts: npt.NDArray[np.int64]) -> None:
        if not self.many:
            self.levels.update(dict(zip(words.to_pylist(), counts.tolist(), strict=True)))
            self.repeated = self.filled - len(self.levels)
            plain = self.numbers.count == self.filled and not self.coded
            if len(self.levels) > (min(MOST_NUMBERS, MOST_LEVELS) if plain else MOST_LEVELS):
                self._hashes = [] if self.repeated else [_hashed(pa.array(self.levels, pa.large_string()))]
                self.many, self.levels = True, Counter()
            return
        self.repeated += int(counts.sum()) - len(counts)
        # Hashes are kept only as long as the column may be a key: one that repeats in this batch is none.
        if self._hashes and self.repeated <= 0:
            self._hashes.append(_hashed(words))
        elif self.repeated:
            self._hashes = []

    def close(self) -> None:
        """Say that all cells were counted."""
        if self._hashes:
            every = np.concatenate(self._hashes)
            self.repeated = len(every) - len(np.unique(every))
            self._hashes = []

    def _dates(self, words: pa.Array) -> None:
        if self.dates is None:
            self.dates = date_formats(str(words[0].as_py()))
        if not self.dates:
            return
        zoned = pc.extract_regex(words, _OFFSET) if "%z" in self.dates[0] else None
        if zoned is not None:
            self.offsets.update(pc.unique(pc.struct_field(zoned, "zone")).drop_null().to_pylist())
        fit = [form for form in self.dates if not np.isnat(parse_dates(words, form, exact=True)).any()]
        if not fit and _zone_missing(words, self.dates):
            self.part_zoned = True
            return
        self.dates = fit

    def examples(self, most: int) -> list[Any]:
        """Return the commonest values."""
        return [value for value, _ in self.levels.most_common(most)]


def _zone_missing(words: pa.Array, forms: list[str]) -> bool:
    """Say whether the words are dates but some have no zone, or have one where others have none."""
    bare = [form.removesuffix("%z") for form in forms]
    cut = pc.replace_substring_regex(words, _OFFSET, "")
    return any(not np.isnat(parse_dates(cut, form, exact=True)).any() for form in bare)


def _hashed(words: pa.Array) -> npt.NDArray[np.uint64]:
    # Here and not above: images and texts do without its 25 MB.
    import pandas as pd

    return np.asarray(pd.util.hash_array(np.array(words.to_pylist(), dtype=object), categorize=False))
