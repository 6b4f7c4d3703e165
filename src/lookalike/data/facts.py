"""What the cells of a column are like, counted batch by batch: memory stays flat however many rows there are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.data.dateforms import COMPACT, COMPACT_YEARS, date_formats
from lookalike.data.digits import Numbers
from lookalike.data.formats import parse_dates
from lookalike.data.holding import different
from lookalike.data.keyforms import Shapes
from lookalike.data.marks import Marked

MOST_LEVELS = 200_000
"""Different values of a column that are kept; a column with more is no category."""
MOST_NUMBERS = 20_000
"""The same where all values are numbers and nobody declared them as categories."""
_LONGEST = 40
_OFFSET = r"(?P<zone>Z|[+-]\d{2}:?\d{2})$"


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
        marked: The same where they have a decimal comma, marks between thousands, a currency or a unit.
        shapes: What its strings are alike in, as long as none repeats.
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
    marked: Marked = field(default_factory=Marked)
    shapes: Shapes = field(default_factory=Shapes)
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
        earlier = replace(self.numbers)
        numeric = self.numbers.add(words, counts)
        if not self.coded:
            self.marked.add(words, counts, earlier, self.numbers)
        self._count(words, counts)
        if not self.repeated:
            self.shapes.add(words)
        if not self.odd and not numeric.all():
            first = words.filter(pa.array(~numeric))[0]
            self.odd = before + int(pc.index(cells, first).as_py()) + 1
        self._dates(words)
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
            self.repeated = len(every) - len(different(every))
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
        compact = self.dates[0] in COMPACT
        if compact and not pc.all(pc.match_substring_regex(words, COMPACT_YEARS)).as_py():
            fit = []
        if not fit and not compact and _zone_missing(words, self.dates):
            self.part_zoned = True
            return
        self.dates = fit

    def looks(self) -> str:
        """Return how values are written, without saying any: 9 stands for a digit, a for letters."""
        masks: Counter[str] = Counter()
        for level, count in self.levels.items():
            masks[re.sub(r"[^\W\d_]+", "a", re.sub(r"\d", "9", level))[:_LONGEST]] += count
        return ", ".join(mask for mask, _ in masks.most_common(3)) + (", ..." if len(masks) > 3 else "")

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
