"""Guesses which column of a table holds the texts and which the labels, and says why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from lookalike.data.texts import LABEL_COLUMNS, TEXT_COLUMNS, plain

MOST_LABELS = 100
_MORE_LABELS = (
    "stars",
    "rating",
    "score",
    "intent",
    "topic",
    "emotion",
    "polarity",
    "spam",
    "toxic",
    "tag",
    "type",
    "y",
)
_MOST_VALUES = 1000
_MOST_COLUMNS = 500
_CLIP = 200
_LONGEST_LABEL = 60
_LONGEST_WORD = 12
_MOSTLY = 0.95
_SURELY = 3
_DIGITS_OF_A_MEASURE = 1 / 3
_MONTHS = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.IGNORECASE)


@final
@dataclass
class Facts:
    """What the cells of one column are like; memory is bounded however many there are.

    Attributes:
        name: The column.
        filled: Cells that are not empty.
        characters: Their characters together.
        words: Their words together.
        numbers: Cells that are numbers.
        structures: Cells that are JSON lists or objects.
        measures: Cells that are no plain numbers but mostly digits, as dates, amounts and telephone numbers are.
        values: How often each value comes, up to 1,000 different ones.
        many: There are more different values than that.
    """

    name: str
    filled: int = 0
    characters: int = 0
    words: int = 0
    numbers: int = 0
    structures: int = 0
    measures: int = 0
    values: Counter[str] = field(default_factory=Counter)
    many: bool = False

    def add(self, cell: object) -> None:
        """Count one cell."""
        text = plain(cell)
        if text is None or not text.strip():
            return
        self.filled += 1
        self.characters += len(text)
        self.words += _words(text)
        is_number = _is_number(text)
        self.numbers += is_number
        self.measures += not is_number and _is_measure(text)
        self.structures += text.lstrip()[:1] in ("[", "{")
        if not self.many:
            text = text.strip()
            # A long cell is kept by its beginning and a hash, so that memory does not grow with its length.
            self.values[text if len(text) <= _CLIP else f"{text[:_CLIP]} {hash(text)}"] += 1
            if len(self.values) > _MOST_VALUES:
                self.many, self.values = True, Counter()

    @property
    def length(self) -> float:
        """Mean characters of a filled cell."""
        return self.characters / max(1, self.filled)

    def text_like(self, rows: int) -> bool:
        """Say whether it may hold the texts: several words, mostly different."""
        odd = self.numbers + self.structures + self.measures
        different = self.many or len(self.values) > self.filled / 2
        return self.filled > rows / 2 and odd < self.filled / 2 and self.words >= 2 * self.filled and different

    def label_like(self, rows: int) -> bool:
        """Say whether it may hold the labels: few short values that repeat."""
        few = not self.many and 2 <= len(self.values) <= min(MOST_LABELS, self.filled / 2)
        return few and self.filled > rows / 2 and max(map(len, self.values)) <= _LONGEST_LABEL

    def told(self) -> str:
        """Return what the column holds, in a few words."""
        if not self.filled:
            return "empty"
        if self.structures >= _MOSTLY * self.filled:
            return "lists or objects"
        if not self.many and len(self.values) <= min(MOST_LABELS, self.filled / 2):
            return f"{len(self.values)} value{'s' if len(self.values) > 1 else ''}"
        if self.numbers >= _MOSTLY * self.filled:
            return "numbers"
        words = self.words / self.filled
        if words < 2:
            return "single words"
        return "dates or amounts" if self.measures >= _MOSTLY * self.filled else f"texts of {words:.0f} words"


@dataclass(frozen=True)
class Choice:
    """A column that was chosen.

    Attributes:
        name: The column; empty when none fits.
        why: The reason, in a few words.
        others: Columns that could be meant too, the likeliest first.
        guessed: Nothing but the cells speaks for it.
    """

    name: str
    why: str
    others: tuple[str, ...] = ()
    guessed: bool = False


def facts_of(records: Iterable[Mapping[str, Any]]) -> tuple[int, dict[str, Facts]]:
    """Return the number of records, and what their columns are like."""
    rows, found = 0, dict[str, Facts]()
    for record in records:
        rows += 1
        for name, cell in record.items():
            if name not in found and len(found) < _MOST_COLUMNS:
                found[name] = Facts(name)
            if name in found:
                found[name].add(cell)
    return rows, found


def choose_text(rows: int, found: Mapping[str, Facts]) -> Choice:
    """Return the column of the texts: one with a usual name, unless another holds much longer texts.

    Args:
        rows: Number of rows.
        found: What each column is like.
    """
    like = sorted((facts for facts in found.values() if facts.text_like(rows)), key=lambda facts: -facts.length)
    named = _by_name(found, TEXT_COLUMNS)
    # A name is believed even where the texts are single words, but not where the cells are numbers.
    named = [facts for facts in named if facts.filled > rows / 2 and facts.numbers < facts.filled / 2]
    if not named and not like:
        return Choice("", "no column holds texts of several words")
    best = named[0] if named else like[0]
    why = "by its name"
    if like and (not named or like[0].length > _SURELY * best.length):
        best, why = like[0], "it holds the longest texts"
    others = {facts.name: None for facts in (*named, *like) if facts is not best}
    return Choice(best.name, why, tuple(others))


def choose_label(rows: int, found: Mapping[str, Facts], text: str) -> Choice:
    """Return the column of the labels: one with a usual name, else the one with the fewest values that repeat.

    Args:
        rows: Number of rows.
        found: What each column is like.
        text: The column of the texts, which it is not.
    """
    like = [facts for facts in found.values() if facts.name != text and facts.label_like(rows)]
    named = [facts for facts in _by_name(found, (*LABEL_COLUMNS, *_MORE_LABELS)) if facts in like]
    # Where no name speaks for a column, a value that comes only once speaks against it.
    guesses = [facts for facts in like if min(facts.values.values()) > 1]
    if not named and not guesses:
        return Choice("", f"no other column has 2 to {MOST_LABELS} short values that repeat")
    best = named[0] if named else min(reversed(guesses), key=lambda facts: len(facts.values))
    why = "by its name" if named else f"its {len(best.values)} values repeat"
    others = {facts.name: None for facts in (*named, *guesses) if facts is not best}
    return Choice(best.name, why, tuple(others), not named)


def _by_name(found: Mapping[str, Facts], names: Sequence[str]) -> list[Facts]:
    """Return the columns that have one of some names, whatever their case, in the order of the names."""
    return [facts for name in names for facts in found.values() if facts.name.strip().casefold() == name]


def _words(text: str) -> int:
    """Return about how many words a text has; scripts without spaces have one for every two characters."""
    words = len(text.split())
    return words if text.isascii() or words * _LONGEST_WORD > len(text) else len(text) // 2


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _is_measure(text: str) -> bool:
    """Say whether a third of a cell, apart from spaces and months, are digits."""
    letters = "".join(_MONTHS.sub("", text[:_CLIP]).split())
    return sum(map(str.isdigit, letters)) > _DIGITS_OF_A_MEASURE * len(letters)
