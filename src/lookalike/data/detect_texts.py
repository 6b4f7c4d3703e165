"""Looks at texts: which reader and which columns fit, how many of each label there are, how long they are."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.classes import MIN_CLASSES, check_classes, ordered
from lookalike.data.columns import text_columns_of
from lookalike.data.pixels import SUFFIXES, shown
from lookalike.data.reading import Faults
from lookalike.data.tables import TableReader
from lookalike.data.text_columns import Choice, Facts, choose_label, choose_text, facts_of
from lookalike.data.texts import Record, TextColumns, TextReader, usable_rows

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "txt"}
"""Reader of texts by the ending of a file's name."""
_OTHER_ENCODING = "cp1252"
_FILES_OF_A_LABEL = 3
_LISTED = 5
Lengths = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TextDescription:
    """What texts lie at a path.

    Attributes:
        reader: Name of the reader that fits, for `data.read`.
        options: Its settings, for the rest of `data`.
        rows: Rows that can be used.
        counts: Rows of each label, by name, in order; empty = no labels.
        columns: What each column holds, by name, in a few words; empty for plain text files.
        text: Why the column of the texts was chosen, and what else could be meant.
        label: The same for the labels.
        characters: Length of each text in characters, [N], sorted.
        words: Its length in words, parted by spaces, [N], sorted.
        size: Its length in bytes of UTF-8, [N], sorted.
        notes: What would be skipped or was decided, in sentences.
        test: Settings of a test part that lies beside the data and has the same labels; None = there is none.
    """

    reader: str
    options: Mapping[str, object]
    rows: int
    counts: Mapping[str, int]
    columns: Mapping[str, str]
    text: Choice
    label: Choice
    characters: Lengths
    words: Lengths
    size: Lengths
    notes: tuple[str, ...] = ()
    test: Mapping[str, object] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Label names in order."""
        return tuple(self.counts)


def holds_images(place: Path) -> bool:
    """Say whether an image lies in a folder, or in folders of it, two below at most."""
    return any(path.suffix.lower() in SUFFIXES for depth in ("*", "*/*", "*/*/*") for path in place.glob(depth))


def guess_texts(place: Path) -> tuple[str, dict[str, object]] | None:
    """Return the reader of texts that fits a folder, and its settings; None when it holds images, or no texts.

    Raises:
        DataError: Several tables lie there, and none is called train.
    """
    if holds_images(place):
        return None
    tables = sorted(path for path in place.iterdir() if FORMATS.get(path.suffix.lower(), "txt") != "txt")
    tables = [path for path in tables if path.is_file() and not path.name.startswith(".")]
    train = [path for path in tables if path.stem.casefold() == "train"]
    if len(tables) == 1 or len(train) == 1:
        chosen = (train or tables)[0]
        return FORMATS[chosen.suffix.lower()], {"path": str(chosen)}
    if tables:
        listed = ", ".join(shown(path.name) for path in tables[:_LISTED]) + (", ..." if len(tables) > _LISTED else "")
        raise DataError(
            f"{shown(place)} holds {len(tables)} tables: {listed}; give one of them, or, where they refer to each "
            "other, the recipe that lookalike init makes of all"
        )
    if (place / "train").is_dir() and next((place / "train").glob("*/*.txt"), None):
        place /= "train"
    return ("txt", _texts_in(place)) if next(place.glob("*.txt"), None) or next(place.glob("*/*.txt"), None) else None


def _texts_in(place: Path) -> dict[str, object]:
    """Return the settings for a folder of .txt files: many files are one text each, few hold one text a line."""
    files = Counter(path.parent for path in (*place.glob("*.txt"), *place.glob("*/*.txt")))
    per_file = np.median(list(files.values())) >= _FILES_OF_A_LABEL
    return {"path": str(place), **({"per": "file"} if per_file else {})}


def describe_texts(name: str, options: Mapping[str, object]) -> TextDescription:
    """Say what a reader of texts would find.

    Args:
        name: Name of the reader.
        options: Its settings, at least `path`.

    Raises:
        DataError: Nothing there can be used as texts; one line that says why.
    """
    try:
        return _described(name, dict(options))
    except DataError as error:
        # The commonest other encoding; it reads nearly everything, so it is tried only where UTF-8 failed.
        if name not in ("csv", "txt") or "is not utf-8-sig text" not in str(error):
            raise
        try:
            found = _described(name, {**options, "encoding": _OTHER_ENCODING})
        except DataError:
            raise error from None
        note = f"not UTF-8, so read as {_OTHER_ENCODING}: look whether letters such as ü and é are right"
        return replace(found, notes=(note, *found.notes))


def _described(name: str, options: dict[str, object]) -> TextDescription:
    where = str(options.get("path", name))
    rows, facts, told = _columns(name, options)
    text, label = Choice("", "each file" if options.get("per") == "file" else "each line"), Choice("", "the sub-folder")
    if name != "txt":
        text = choose_text(rows, facts)
        if not text.name:
            listed = "; ".join(f"{shown(one.name)}: {one.told()}" for one in list(facts.values())[:_LISTED])
            raise DataError(
                f"{shown(where)} holds no texts that can be found: {text.why}; {listed or 'it has no rows'}; write a "
                f"recipe with data: {{read: {name}, text: COLUMN}} as docs/texts.md shows"
            )
        label = choose_label(rows, facts, text.name)
        if told and text.name not in told:
            others = tuple(other for other in (*told[1:], label.name, *label.others) if other and other != told[0])
            label = Choice(told[0], "its class names are told", tuple(dict.fromkeys(others)))
        options |= {"text": text.name, "label": label.name}
    counts, lengths, notes = _counted(name, options)
    if notes:
        options["on_error"] = "skip"
    columns = {one.name: one.told() for one in facts.values()} if name != "txt" else {}
    characters, words, size = lengths
    description = TextDescription(
        name, options, len(size), counts, columns, text, label, characters, words, size, notes
    )
    return replace(description, test=_test_part(description))


def _columns(name: str, options: Mapping[str, object]) -> tuple[int, dict[str, Facts], list[str]]:
    """Return the number of rows, what the columns are like, and those of which a table tells the class names."""
    reader = find("readers", name)(**options)
    if isinstance(reader, TextReader):
        return (*facts_of(record for _, record in reader.records()), [])
    table = reader.opened()
    strings = text_columns_of(table.features)
    if not strings:
        raise DataError(f"{shown(options.get('path'))} has no column of strings; found {', '.join(table.features)}")
    told = [column for column, kind in table.features.items() if kind.get("_type") == "ClassLabel"]
    records = table.texts(TextColumns(strings[0], None), list(table.features))
    rows, facts = facts_of(record for _, record in records)
    for column in facts.keys() - set(strings):
        # Moments are words only once they are printed, and nothing but strings can be read as texts.
        facts[column].measures = facts[column].filled
    return rows, facts, told


def _opened(reader: TextReader | TableReader) -> tuple[Iterator[Record], TextColumns | None]:
    """Return the rows of a configured reader, and their columns where the source tells them."""
    if isinstance(reader, TextReader):
        return reader.records(), None
    table = reader.opened()
    columns = reader.columns_in(table.features, table.where)
    return table.texts(columns, ()), columns


def _counted(name: str, options: Mapping[str, object]) -> tuple[dict[str, int], Lengths, tuple[str, ...]]:
    """Return the usable rows of each label, [3, N] sorted lengths in characters, words and bytes, and what is skipped.

    Raises:
        DataError: No row can be used, or the labels cannot carry a model.
    """
    reader = find("readers", name)(**options)
    records, columns = _opened(reader)
    faults, labels = Faults(stop=False), Counter[str]()
    lengths = array("q")
    for row in usable_rows(records, reader, faults, columns):
        labels[row.label] += 1
        lengths.extend((len(row.text), len(row.text.split()), len(row.text.encode())))
    if not lengths:
        raise DataError(f"{shown(reader.where)} holds no text that can be used; give a file with texts")
    names = [one for one in (columns.classes if columns else None) or ordered(set(labels) - {""}) if labels[one]]
    notes = list(faults.notes())
    if names:
        numbers = np.repeat(np.arange(len(names)), [labels[one] for one in names])
        check_classes(numbers, names, reader.where, "text", MIN_CLASSES)
    return (
        {one: labels[one] for one in names},
        np.sort(np.array(lengths, dtype=np.int64).reshape(-1, 3).T, axis=1),
        tuple(notes),
    )


def _test_part(found: TextDescription) -> dict[str, Any] | None:
    """Return the settings that read the file or folder `test` beside one called `train`, if it has the same labels."""
    path = Path(str(found.options["path"]))
    other = path.with_name(path.name.replace(path.stem, "test", 1))
    if path.stem.casefold() != "train" or not other.exists():
        return None
    options = {**found.options, "path": str(other)}
    try:
        counts, _, notes = _counted(found.reader, options)
    except DataError:
        return None
    if tuple(counts) != found.classes:
        return None
    return {**options, **({"on_error": "skip"} if notes else {})}
