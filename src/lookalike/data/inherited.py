"""Columns of an owned table that say what a column of its owner says, row by row: the key of the customer, a currency.

Legend: N rows of the table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.core.schema import Column
from lookalike.data.formats import boolean_words
from lookalike.data.holding import different
from lookalike.data.table import CODED, NUMERIC, WORDS, Codes, Table

_FEWEST = 20
"""Owners that would differ from their rows, were it chance, from which on equal columns are no chance."""
_TRIED = 100


def inherited(
    table: Table, parent: Table, owner: Codes, besides: Collection[str], links: tuple[Mapping[str, str], ...]
) -> dict[str, str]:
    """Return the columns that equal one of the owner in every row, and that one: of several one of the same name.

    A column says nothing where nearly all owners have the same value, and a column of keys is one of the owner's only
    where both have keys of one table.

    Args:
        table: The rows, [N].
        parent: The table of their owners.
        owner: Which row of that owns each, [N].
        besides: Columns that are no copies: keys of the owner, of the rows themselves, and what is declared otherwise.
        links: Columns with keys of kept or shared tables, and these; of the table and of its owner.
    """
    owners = parent.take(different(owner))
    told = [one for one in parent.schema.columns if _telling(owners, one.name)]
    # Few rows tell most columns apart; only what is the same in these is looked at in all.
    some, theirs = table.take(np.arange(min(_TRIED, len(table)))), parent.take(owner[:_TRIED])
    found = {}
    for column in table.schema.columns:
        if column.name in besides:
            continue
        for other in sorted(told, key=lambda one: one.name != column.name):
            if column.name in links[0] and links[0][column.name] != links[1].get(other.name):
                continue
            ruled = any(column.name in rule.columns for rule in table.schema.constraints)
            ruled = ruled or column.name == table.schema.label
            if (column.kind != other.kind and ruled) or not _same(some, column, theirs, other):
                continue
            if _same(table, column, parent.select([other.name]).take(owner), other):
                found[column.name] = other.name
                break
    return found


def copied(table: Table, parent: Table, owner: Codes, pairs: Mapping[str, str]) -> Table:
    """Return the table with columns as those of the owner are: of their kind, with their categories.

    Args:
        table: The rows, [N].
        parent: The table of their owners.
        owner: Which row of that owns each, [N].
        pairs: What `inherited` gave.
    """
    columns, values = list(table.schema.columns), table.table
    beside = parent.select(list(dict.fromkeys(pairs.values()))).take(owner)
    for place, column in enumerate(columns):
        if column.name in pairs:
            other = beside.schema.column(pairs[column.name])
            # What is written stays as it was: whole numbers of a file that has types are keys of that type.
            kept = column.kind == other.kind or column.stored.startswith(("int", "uint"))
            changes = {"name": column.name, "stored": column.stored if kept else other.stored}
            columns[place] = other.model_copy(update=changes)
            values = values.set_column(place, column.name, beside.table.column(other.name))
    return Table(values, table.schema.model_copy(update={"columns": tuple(columns)}))


def _telling(owners: Table, name: str) -> bool:
    """Say whether enough owners have a value that another does not have."""
    codes = pc.dictionary_encode(owners.table.column(name).combine_chunks(), null_encoding="encode").indices
    share = np.bincount(codes.to_numpy()) / max(len(owners), 1)
    return bool(len(owners) * (1 - float(np.square(share).sum())) >= _FEWEST)


def _same(table: Table, column: Column, beside: Table, other: Column) -> bool:
    """Say whether two columns hold the same, as numbers or as words; whole numbers are words too, as keys are."""
    if column.kind in NUMERIC and other.kind in NUMERIC:
        alike = (column.kind == "datetime") == (other.kind == "datetime")
        return alike and np.array_equal(table.numbers(column.name), beside.numbers(other.name), equal_nan=True)
    if column.kind == other.kind == "boolean":
        return np.array_equal(table.codes(column.name), beside.codes(other.name))
    words = words_of(table, column), words_of(beside, other)
    return words[0] is not None and words[1] is not None and words[0].equals(words[1])


def words_of(table: Table, column: Column) -> pa.Array | None:
    """Return a column of keys, categories or whole numbers as words, [N]; None where it holds dates or decimals."""
    values = table.table.column(column.name).combine_chunks()
    if column.kind == "boolean":
        # As they stand in the file: 0 and 1 may be whole numbers in another table.
        return pa.array(boolean_words(column), pa.large_string()).take(values)
    if column.kind in CODED:
        return pa.array(column.categories, pa.large_string()).take(values)
    if column.kind in WORDS:
        return pc.utf8_trim_whitespace(values)
    if column.kind == "datetime" or np.mod(table.numbers(column.name)[~table.missing(column.name)], 1).any():
        return None
    return pc.cast(pc.cast(values, pa.int64()), pa.large_string())
