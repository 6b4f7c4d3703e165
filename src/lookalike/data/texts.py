"""What the text readers share: which columns hold text and label, what is wrong with a text, one flat-memory pass."""

from __future__ import annotations

import shutil
import unicodedata
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.store import write_json
from lookalike.data.classes import check_classes, ordered
from lookalike.data.corpus import LABEL, TEXT, Corpus, text_schema, write_texts
from lookalike.data.pixels import shown
from lookalike.data.reading import Faults

TEXT_COLUMNS = ("text", "sentence", "content", "review", "body", "message", "comment")
LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "sentiment")
_ROWS = 10_000
_NAMES = "_label"
T = TypeVar("T")
Record = tuple[str, Mapping[str, Any]]
"""Where a record stands, for messages, and its values by column."""


class TextReader(Method):
    """Abstract: the settings every text reader has, and how it reads."""

    text: str | None = Field(default=None, description="The text column; None = text, sentence, content, review, ...")
    label: str | None = Field(
        default=None, description="The label column; None = label, labels, class, ... if there is one; '' = no label."
    )
    keep: tuple[str, ...] = Field(default=(), description="Further columns to keep, as strings.")
    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="stop at the first row that cannot be used, or skip such rows and count them."
    )
    max_characters: int = Field(default=1_000_000, ge=1, description="Most characters of one text.")

    @abstractmethod
    def state(self) -> str:
        """Return a cheap hash of what lies at the source."""

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Yield every row of the source."""

    @property
    def where(self) -> str:
        """What messages call the source."""
        return str(getattr(self, "path", type(self).__name__.lower()))

    def columns(self, found: Iterable[str]) -> tuple[str, str | None]:
        """Return the names of the text and label columns among those found.

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
        return str(text), label or None

    def read(self, folder: Path) -> Corpus:
        """Read everything into `folder`: `texts.arrow`, `schema.json` and `notes.json`; memory stays flat.

        Args:
            folder: Existing, empty.

        Returns:
            Texts that are memory-mapped from the folder.

        Raises:
            DataError: The source is not usable; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        faults, whole = Faults(self.on_error == "stop"), folder / "unordered"
        names: set[str] = set()
        whole.mkdir()
        write_texts(self._pieces(faults, names), whole, text_schema((), [*self.keep, _NAMES]))
        found = Corpus.open(whole)
        if not len(found):
            raise DataError(f"{shown(self.where)} holds no text that can be used; give a file with texts")
        classes = ordered(names)
        notes: list[str] = []
        if classes:
            place = {name: number for number, name in enumerate(classes)}
            labels = np.array([place[str(name)] for name in found.column(_NAMES)], dtype=np.int64)
            _, classes, notes = check_classes(labels, classes, self.where, "text")
        write_texts(_labelled(found, classes, self.keep), folder, text_schema(classes, self.keep))
        shutil.rmtree(whole)
        write_json(folder / "notes.json", [*faults.notes(), *notes])
        return Corpus.open(folder)

    def _pieces(self, faults: Faults, names: set[str]) -> Iterator[Corpus]:
        """Yield the usable rows, the name of the label as a further column; names that are met are added to `names`."""
        schema = text_schema((), [*self.keep, _NAMES])
        columns: tuple[str, str | None] | None = None
        for rows in _blocks(self.records()):
            texts: list[str] = []
            further: dict[str, list[str]] = {name: [] for name in (*self.keep, _NAMES)}
            for name, record in rows:
                columns = columns or self.columns(record)
                problem, text, label = self._row(name, record, columns)
                if problem:
                    faults.add(problem, "rows")
                    continue
                texts.append(text)
                further[_NAMES].append(label)
                for column in self.keep:
                    further[column].append(clean(str(record.get(column) if record.get(column) is not None else "")))
            names.update(further[_NAMES] if columns and columns[1] else ())
            yield Corpus.of(texts, np.zeros(len(texts), dtype=np.int64), schema, further)

    def _row(self, name: str, record: Mapping[str, Any], columns: tuple[str, str | None]) -> tuple[str, str, str]:
        """Return what is wrong with a row, its text, and its label."""
        text, label = record.get(columns[0]), record.get(columns[1]) if columns[1] else None
        problem = fault_of(text, self.max_characters)
        if problem:
            return f"{shown(name)} {problem}; correct it, or set on_error: skip", "", ""
        if columns[1] and (label is None or not str(label).strip()):
            return f"{shown(name)} has no label; fill column '{columns[1]}', or set on_error: skip", "", ""
        return "", str(text), clean(str(label).strip()) if columns[1] else ""


def fault_of(text: object, most: int) -> str:
    """Return what makes a text unusable, as the rest of a sentence; empty when nothing does.

    Example:
        >>> fault_of("fine", 10), fault_of(chr(0xD800), 10)
        ('', 'holds a lone surrogate (half of a character)')
    """
    if not isinstance(text, str):
        return "has no text" if text is None else f"holds {type(text).__name__} where a text is expected"
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


def _blocks(records: Iterator[T]) -> Iterator[list[T]]:
    block: list[T] = []
    for record in records:
        block.append(record)
        if len(block) == _ROWS:
            yield block
            block = []
    if block:
        yield block


def _labelled(found: Corpus, classes: Sequence[str], keep: Sequence[str]) -> Iterator[Corpus]:
    """Yield the rows with label numbers in place of names."""
    schema, place = text_schema(classes, keep), {name: number for number, name in enumerate(classes)}
    for start in range(0, len(found), _ROWS):
        part = found.table.slice(start, _ROWS)
        names = part.column(_NAMES).to_pylist()
        labels = pa.array([place[name] for name in names] if classes else [0] * len(names), pa.int64())
        columns = {TEXT: part.column(TEXT), LABEL: labels, **{name: part.column(name) for name in keep}}
        yield Corpus(pa.table(columns), schema)
