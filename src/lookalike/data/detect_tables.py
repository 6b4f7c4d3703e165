"""Looks at a table: what each column is and why, which one could be the label, and whether it rather holds texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from lookalike.core.errors import DataError
from lookalike.core.registry import find
from lookalike.data.columns import text_columns_of
from lookalike.data.infer import Inferred
from lookalike.data.pixels import shown
from lookalike.data.tables import TableReader
from lookalike.data.tabular import LABELS, TabularSettings, learn
from lookalike.data.text_columns import choose_text, facts_of
from lookalike.data.texts import TEXT_COLUMNS, TextColumns, TextReader

_LOOKED_AT = 2000
_FEW_COLUMNS = 5
_WORDS_OF_A_TEXT = 3
_MOST_CLASSES = 20
_MORE_LABELS = (
    "income",
    "survived",
    "churn",
    "default",
    "outcome",
    "result",
    "price",
    "diagnosis",
    "species",
    "quality",
)
_CLASSES = ("category", "boolean", "ordinal")


@dataclass(frozen=True)
class TableDescription:
    """What table lies at a path.

    Attributes:
        reader: Name of the reader that fits, for `data.read`.
        options: Its settings, for the rest of `data`.
        rows: Its rows.
        columns: What each column is, and why.
        label: The column that could be predicted; empty = none stands out.
        why: The reason for that.
        notes: What was skipped or decided, in sentences.
    """

    reader: str
    options: Mapping[str, object]
    rows: int
    columns: tuple[Inferred, ...]
    label: str
    why: str
    notes: tuple[str, ...] = ()


def holds_texts(name: str, options: Mapping[str, object]) -> bool:
    """Say whether a source of columns is rather one of texts.

    It is where a column has a usual name for them, or where there are few columns and one of them holds different texts
    of three words on the average: names of people and of streets have fewer.
    """
    reader = find("readers", name)(**options)
    if isinstance(reader, TextReader):
        records = (record for _, record in reader.records())
        rows, facts = facts_of(islice(records, _LOOKED_AT))
        columns = len(facts)
    else:
        table: Any = reader.opened()
        strings, columns = text_columns_of(table.features), len(table.features)
        if not strings:
            return False
        records = (record for _, record in table.texts(TextColumns(strings[0], None), strings))
        rows, facts = facts_of(islice(records, _LOOKED_AT))
    if not rows:
        # The names alone say what was meant.
        return name != "csv" or not reader.tabular()
    text = choose_text(rows, facts)
    if not text.name or text.name in TEXT_COLUMNS:
        return bool(text.name)
    found = facts[text.name]
    return columns <= _FEW_COLUMNS and found.words >= _WORDS_OF_A_TEXT * found.filled


def has_rows(name: str, options: Mapping[str, object]) -> bool:
    """Say whether a table has any rows.

    Args:
        name: Name of the reader.
        options: Its settings.

    Raises:
        DataError: It cannot be read.
    """
    reader: Any = find("readers", name)(**options)
    return any(batch.num_rows for batch in reader.rows().batches())


def describe_table(name: str, options: Mapping[str, object]) -> TableDescription:
    """Say what a reader would find.

    Args:
        name: Name of the reader.
        options: Its settings.

    Raises:
        DataError: The source is not usable as a table; one line that says why.
    """
    if "table" in find("readers", name).model_fields and issubclass(find("readers", name), TextReader | TableReader):
        options = {**options, "table": True}
    reader = find("readers", name)(**options)
    if not isinstance(reader, TabularSettings):
        where = shown(str(options.get("path", "")))
        raise DataError(
            f"{where or 'this'} holds no table (reader {name}); give a csv or Parquet file, a folder of them, an "
            "SQLite file or a recipe; `lookalike init` is for images and texts"
        )
    given = reader.label is not None
    plain = reader if given else reader.model_copy(update={"label": ""})
    rows = plain.rows()
    found, label = learn(rows, plain)
    chosen, why = (label or "", "as told") if given else _label(found)
    if chosen and not given:
        found, _ = learn(rows, reader.model_copy(update={"label": chosen}))
    notes = [f"column {shown(one.column.name)}: {one.reason}" for one in found if ";" in one.reason]
    if len(found) <= _FEW_COLUMNS:
        notes += [f"to make texts like those of column {shown(one.column.name)}, call that column text in the data"
                  for one in found if one.column.kind == "text"]  # fmt: skip
    description = TableDescription(
        name, options, found[0].facts.rows, tuple(found), chosen, why, (*dict.fromkeys(rows.notes), *notes)
    )
    return _usable(description, tuple(rows.names))


def _usable(found: TableDescription, names: tuple[str, ...]) -> TableDescription:
    """Leave `table: true` out of the settings where the columns say as much."""
    if found.reader == "csv" and not set(TEXT_COLUMNS) & set(names):
        return replace(found, options={key: value for key, value in found.options.items() if key != "table"})
    return found


def _label(found: Sequence[Inferred]) -> tuple[str, str]:
    """Return the column that could be predicted, and why it was chosen: by its name, or the last one with classes."""
    if name := named_label(found):
        return name, "by its name"
    last = found[-1]
    if _predictable(last) and last.column.kind in _CLASSES:
        return last.column.name, "the last column, with classes"
    names = {one.column.name.lower(): one for one in reversed(found)}
    if called := next((names[name] for name in (*LABELS, *_MORE_LABELS) if name in names), None):
        return "", f"column {shown(called.column.name)} is called like one, but {_unfit(called)}"
    return "", "no column is called like one, and the last one has no classes"


def _unfit(one: Inferred) -> str:
    """Return why a column cannot be predicted as it is."""
    facts = one.facts
    if facts.missing == facts.rows or facts.different < 2:
        return "it has one value at most"
    if facts.missing:
        cells = f"{facts.missing:,} of its {facts.rows:,} cells {'is' if facts.missing == 1 else 'are'}"
        return f"{cells} empty: on_error: skip leaves such rows out"
    if one.column.kind not in _CLASSES:
        return f"it is of kind {one.column.kind}"
    if len(facts.levels) > _MOST_CLASSES:
        return f"it has {len(facts.levels):,} classes"
    single = sum(count == 1 for count in facts.levels.values())
    return f"{single} of its {len(facts.levels)} classes {'has' if single == 1 else 'have'} one row only"


def named_label(found: Sequence[Inferred]) -> str:
    """Return the column that could be predicted and is called so; empty = none is."""
    able = {one.column.name.lower(): one.column.name for one in reversed(found) if _predictable(one)}
    return next((able[name] for name in (*LABELS, *_MORE_LABELS) if name in able), "")


def _predictable(one: Inferred) -> bool:
    facts, kind = one.facts, one.column.kind
    if facts.missing or facts.different < 2:
        return False
    if kind in _CLASSES:
        return len(facts.levels) <= _MOST_CLASSES and min(facts.levels.values()) >= 2
    return kind in ("number", "integer")
