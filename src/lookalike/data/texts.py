"""What the text readers share: which columns hold text and label, what is wrong with a text, one flat-memory pass."""

from __future__ import annotations

import json
import math
import shutil
import unicodedata
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.store import write_json
from lookalike.data.classes import MIN_CLASSES, check_classes, ordered
from lookalike.data.corpus import LABEL, TEXT, Corpus, text_schema, write_texts
from lookalike.data.pixels import shown
from lookalike.data.reading import Faults
from lookalike.data.table import Table

TEXT_COLUMNS = ("text", "sentence", "content", "review", "body", "message", "comment")
LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "sentiment")
MOST_CHARACTERS = 1_000_000
_ROWS = 10_000
_CHARACTERS = 1 << 24
_NAMES = "_label"
T = TypeVar("T")
Record = tuple[str, Mapping[str, Any]]
"""Where a record stands, for messages, and its values by column; an error in place of a text says why there is none."""


@dataclass(frozen=True)
class TextColumns:
    """Which columns of a source hold what.

    Attributes:
        text: Column of the texts.
        label: Column of the labels; None = no label.
        classes: Class names in order, when the source tells them; None = those that are met, sorted.
    """

    text: str
    label: str | None
    classes: tuple[str, ...] | None = None


class TextSettings(Method):
    """Abstract: the settings of everything that reads texts."""

    text: str | None = Field(default=None, description="The text column; None = text, sentence, content, review, ...")
    label: str | None = Field(
        default=None, description="The label column; None = label, labels, class, ... if there is one; '' = no label."
    )
    keep: tuple[str, ...] = Field(default=(), description="Further columns to keep, as strings.")
    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="stop at the first row that cannot be used, or skip such rows and count them."
    )
    max_characters: int = Field(default=MOST_CHARACTERS, ge=1, description="Most characters of one text.")

    @model_validator(mode="after")
    def _kept_once(self) -> Self:
        taken = sorted({name for name in self.keep if name in (TEXT, LABEL, _NAMES) or self.keep.count(name) > 1})
        if taken:
            raise ValueError(
                f"keep must name each column once, and none that is called {TEXT}, {LABEL} or {_NAMES}, which hold "
                f"the text and its label; found {', '.join(map(shown, taken))}; rename that column"
            )
        return self

    @abstractmethod
    def state(self) -> str:
        """Return a cheap hash of what lies at the source."""

    @property
    def where(self) -> str:
        """What messages call the source."""
        return str(getattr(self, "path", type(self).__name__.lower()))

    def columns_among(self, found: Iterable[str]) -> TextColumns:
        """Return the text and label columns among those found.

        Raises:
            DataError: No such column.
        """
        names = list(found)
        text = self.text or next((name for name in TEXT_COLUMNS if name in names), None)
        label = next((name for name in LABEL_COLUMNS if name in names), None) if self.label is None else self.label
        for name, option in ((text, "text"), (label or None, "label"), *((name, "keep") for name in self.keep)):
            if name not in names and (name is not None or option == "text"):
                what = f"no column '{shown(name)}'" if name else "no text column"
                listed = ", ".join(map(shown, names[:20]))
                raise DataError(f"{shown(self.where)} has {what}; found {listed}; set {option}: COLUMN")
        return TextColumns(str(text), label or None)


class TextReader(TextSettings):
    """Abstract: what reads texts and nothing else."""

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Yield every row of the source."""

    def read(self, folder: Path) -> Corpus | Table:
        """Read everything into `folder`: `texts.arrow`, `schema.json` and `notes.json`; memory stays flat.

        Args:
            folder: Existing, empty.

        Returns:
            Texts that are memory-mapped from the folder; of `csv` also a table.

        Raises:
            DataError: The source is not usable; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        return read_texts(self.records(), self, folder)


def read_texts(
    records: Iterator[Record], settings: TextSettings, folder: Path, columns: TextColumns | None = None
) -> Corpus:
    """Read rows into a folder, as `TextReader.read` says.

    Args:
        records: Every row of the source.
        settings: What counts as usable, and what is kept.
        folder: Existing, empty.
        columns: Which columns hold what; None = found in the first row by the settings.
    """
    faults, whole = Faults(settings.on_error == "stop"), folder / "unordered"
    names: set[str] = set()
    whole.mkdir()
    pieces = _pieces(records, settings, faults, names, columns)
    write_texts(pieces, whole, text_schema((), [*settings.keep, _NAMES]))
    found = Corpus.open(whole)
    if not len(found):
        raise DataError(f"{shown(settings.where)} holds no text that can be used; give a file with texts")
    classes = (columns.classes if columns else None) or ordered(names)
    notes: list[str] = []
    if classes:
        labels = np.asarray(pc.index_in(found.table.column(_NAMES), pa.array(classes, pa.large_string())))
        _, classes, notes = check_classes(labels.astype(np.int64), classes, settings.where, "text", MIN_CLASSES)
    write_texts(_labelled(found, classes, settings.keep), folder, text_schema(classes, settings.keep))
    shutil.rmtree(whole)
    write_json(folder / "notes.json", [*faults.notes(), *notes])
    return Corpus.open(folder)


def _pieces(
    records: Iterator[Record],
    settings: TextSettings,
    faults: Faults,
    names: set[str],
    columns: TextColumns | None,
) -> Iterator[Corpus]:
    """Yield the usable rows, the name of the label as a further column; names that are met are added to `names`."""
    schema = text_schema((), [*settings.keep, _NAMES])
    usable = usable_rows(records, settings, faults, columns)
    for rows in _blocks(usable, lambda row: len(row.text)):
        further = {name: [row.kept[name] for row in rows] for name in settings.keep}
        further[_NAMES] = [row.label for row in rows]
        names.update(set(further[_NAMES]) - {""})
        yield Corpus.of([row.text for row in rows], np.zeros(len(rows), dtype=np.int64), schema, further)


@dataclass(frozen=True)
class Row:
    """A row that can be used; `label` is empty when there is none."""

    text: str
    label: str
    kept: Mapping[str, str]


def usable_rows(
    records: Iterable[Record], settings: TextSettings, faults: Faults, columns: TextColumns | None = None
) -> Iterator[Row]:
    """Yield the rows that can be used; the others stop the reading or are counted, as `faults` says.

    Raises:
        DataError: A row cannot be used and faults stop, or a column is missing.
    """
    for name, record in records:
        columns = columns or settings.columns_among(record)
        text = record.get(columns.text)
        label = clean(plain(record.get(columns.label)) or "").strip() if columns.label else ""
        problem = fault_of(text, settings.max_characters)
        if problem:
            cure = "raise it" if "max_characters" in problem else "correct it"
            faults.add(f"{shown(name)} {problem}; {cure}, or set on_error: skip", "rows")
        elif columns.label and not label:
            cure = f"fill column '{shown(columns.label)}', or set on_error: skip"
            faults.add(f"{shown(name)} has no label; {cure}", "rows")
        else:
            kept = {column: clean(plain(record.get(column)) or "") for column in settings.keep}
            yield Row(str(text), label, kept)


def fault_of(text: object, most: int) -> str:
    """Return what makes a text unusable, as the rest of a sentence; empty when nothing does.

    Example:
        >>> fault_of("fine", 10), fault_of(chr(0xD800), 10)
        ('', 'holds a lone surrogate (half of a character)')
    """
    if isinstance(text, DataError):
        return str(text)
    if not isinstance(text, str):
        told = "bytes that are no UTF-8 text" if isinstance(text, bytes) else f"{type(text).__name__}, not a text"
        return "has no text" if text is None else f"holds {told}"
    if not text.strip():
        return "has an empty text"
    if len(text) > most:
        return f"is {len(text):,} characters long, more than max_characters={most:,}"
    if "\0" in text:
        return "holds a NUL character"
    return "holds a lone surrogate (half of a character)" if lone_surrogate(text) else ""


def lone_surrogate(text: str) -> bool:
    """Say whether a text holds half of a character, which no file can store as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def clean(text: str) -> str:
    """Return a text that any file can store: composed, without NUL, half characters replaced."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "")
    return unicodedata.normalize("NFC", text)


def plain(value: object) -> str | None:
    """Return a cell of a table or a value of an object as text: strings as they are, others as JSON; None stays None.

    Example:
        >>> plain("a"), plain([1, True]), plain(float("nan"))
        ('a', '[1, true]', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def _blocks(rows: Iterator[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield rows in blocks that are bounded by their number and by the sum of their sizes."""
    block: list[T] = []
    total = 0
    for row in rows:
        block.append(row)
        total += size(row)
        if len(block) == _ROWS or total >= _CHARACTERS:
            yield block
            block, total = [], 0
    if block:
        yield block


def _labelled(found: Corpus, classes: Sequence[str], keep: Sequence[str]) -> Iterator[Corpus]:
    """Yield the rows with label numbers in place of names."""
    schema, names = text_schema(classes, keep), pa.array(classes, pa.large_string())
    for start in range(0, len(found), _ROWS):
        part = found.table.slice(start, _ROWS)
        told = part.column(_NAMES)
        labels = pc.index_in(told, names).cast(pa.int64()) if classes else pa.array([0] * len(told), pa.int64())
        columns = {TEXT: part.column(TEXT), LABEL: labels, **{name: part.column(name) for name in keep}}
        yield Corpus(pa.table(columns), schema)
