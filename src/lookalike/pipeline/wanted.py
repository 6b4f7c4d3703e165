"""What every row of a sample is asked to have, checked before anything is learnt or drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lookalike.core.errors import ConfigError
from lookalike.core.registry import find
from lookalike.core.schema import Schema
from lookalike.data import Table
from lookalike.data.asked import asked_values
from lookalike.data.formats import date_format, write_numbers, write_seconds
from lookalike.data.pixels import shown
from lookalike.data.reduced import reduction_of
from lookalike.data.table import CODED
from lookalike.pipeline.plan import Named

Where = Mapping[str, Any]


def check_where(where: Where, generator: Named, train: Any, by_class: bool) -> None:  # noqa: ANN401  a dataset
    """Refuse what no row can be asked for.

    Args:
        where: Column -> the value that every row has; None = missing.
        generator: What makes the rows.
        train: Training rows; of several tables those of the root are looked at.
        by_class: Rows are asked of each class too.

    Raises:
        ConfigError: With what can be asked for instead.
    """
    if not where:
        return
    table, name = _asked_of(train, generator)
    schema = table.schema
    values = asked_values(1, schema, where, name)
    if by_class and schema.label in values:
        raise ConfigError(
            f"where: {schema.label} is the label, and the classes are asked for already; leave out the class here, or "
            "balance and label there"
        )
    others = sorted(set(values) - ({schema.label} if schema.classes else set()))
    if others and getattr(find("generators", name), "label_only", False):
        raise ConfigError(
            f"where: {name} can choose by a label with classes only, not by {others[0]}; use tabular.trees"
        )
    replaced = sorted(set(values) & reduction_of(table).replaced)
    if replaced:
        raise ConfigError(
            f"where: column {replaced[0]} follows from others by a constraint and cannot be chosen; choose those, or "
            "remove the constraint"
        )
    for column, value in values.items():
        _check_seen(table, column, float(np.asarray(value, dtype=np.float64)[0]))


def _asked_of(train: Any, generator: Named) -> tuple[Table, str]:  # noqa: ANN401  a dataset
    """Return the table that rows are asked of, and the name of the generator that makes its rows."""
    if isinstance(train, Table):
        return train, generator.name
    schema: Schema = train.schema
    if schema.modality != "tables":
        raise ConfigError(
            f"where: only rows of tables are asked for by columns, found {schema.modality} data; remove it"
        )
    root = schema.tables[0].name
    maker = getattr(generator.method, "method", None)
    return train.tables[root], maker(root)[0] if maker is not None else generator.name


def _check_seen(table: Table, name: str, value: float) -> None:
    """Refuse a value that no training row leads to."""
    column = table.schema.column(name)
    if np.isnan(value) or (column.kind in CODED and value < 0):
        if not table.missing(name).any():
            raise ConfigError(f"where: {name} is never missing in the training rows; ask for a value of it")
        return
    if column.kind in CODED:
        if not (table.codes(name) == value).any():
            raise ConfigError(f"where: no training row has the value asked of {shown(name)}; ask for one that occurs")
        return
    there = table.numbers(name)
    there = there[~np.isnan(there)]
    if not len(there) or not there.min() <= value <= there.max():
        told = write_seconds(value, date_format(column)) if column.kind == "datetime" else (
            write_numbers(np.array([value]), column)[0])  # fmt: skip
        raise ConfigError(f"where: {name} = {told} lies beyond all training rows; ask for a value between theirs")


def given(words: list[str]) -> dict[str, str | None]:
    """Return columns and values from the command line, written COLUMN=VALUE; an empty value is a missing one.

    Example:
        >>> given(["ward=Kardiologie", "sex="])
        {'ward': 'Kardiologie', 'sex': None}

    Raises:
        ConfigError: A word is not of that form, or a column is named twice.
    """
    found: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ConfigError(f"--where takes COLUMN=VALUE, found '{shown(word)}'")
        if name in found:
            raise ConfigError(f"--where names {shown(name)} twice; every row has one value of it")
        found[name] = value or None
    return found
