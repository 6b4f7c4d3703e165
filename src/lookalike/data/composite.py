"""Keys of several columns: which rows they name, and which column of new ones makes them new.

A row knows its owner by its place, so such a key needs no column of its own: rows copy all of it from their owner.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.core.constraints import Unique
from lookalike.core.errors import DataError
from lookalike.data.declared import Declared
from lookalike.data.facts import Facts
from lookalike.data.holding import repeated
from lookalike.data.infer import infer
from lookalike.data.inherited import words_of
from lookalike.data.pixels import shown
from lookalike.data.table import KINDS, Table

_MARK = "\x1f"
"""Stands between the parts of a key."""


def titled(columns: Sequence[str]) -> str:
    """Return what a key is called in messages.

    Example:
        >>> titled(("region", "number"))
        'region + number'
    """
    return " + ".join(map(shown, columns))


def joined_words(table: Table, columns: Sequence[str]) -> pa.Array:
    """Return the parts of each key as one word, [N]; null where one is missing."""
    parts = []
    for name in columns:
        found = words_of(table, table.schema.column(name))
        # Dates and decimals: no word, but equal ones are written alike.
        parts.append(pc.cast(table.table.column(name).combine_chunks(), pa.large_string()) if found is None else found)
    return pc.binary_join_element_wise(*parts, pa.scalar(_MARK, pa.large_string()))


def check_columns(name: str, table: Table, what: str, columns: Sequence[str]) -> None:
    """Refuse columns that are none.

    Raises:
        DataError: One line that says which.
    """
    known = table.table.column_names
    for column in columns:
        if column not in known:
            raise DataError(
                f"table {name}: {what} names {shown(column)}, which is no column; columns: "
                f"{', '.join(map(shown, known[:20]))}"
            )


def named_together(name: str, table: Table, columns: Sequence[str], owned: Collection[str]) -> Table:
    """Return a table whose rows are named by several columns, and those of made rows too.

    Where the key begins with that of the owner, rows of one owner must differ in the rest, which is a constraint.
    Otherwise the column with most values gets new keys that no two rows share.

    Args:
        name: The table.
        table: Its rows, [N].
        columns: The key.
        owned: Columns that hold the key of the owner.

    Raises:
        DataError: A column is none, a part of a key is missing, or a key comes again.
    """
    check_columns(name, table, "key", columns)
    keys, title = joined_words(table, columns), titled(columns)
    # Without the key of an owner a row is left out or refused later on.
    lacking = joined_words(table, [one for one in columns if one not in owned] or columns).null_count
    if lacking:
        raise DataError(f"table {name}: {lacking:,} of {len(table):,} rows have no key in {title}; fill them")
    again = int(repeated(np.asarray(pc.fill_null(pc.dictionary_encode(keys).indices, -1), dtype=np.int64)).sum())
    if again:
        raise DataError(
            f"table {name}: {again:,} of {len(table):,} rows have the {title} of an earlier row, but a key names one "
            "row; correct them, or name further columns"
        )
    if owned and set(owned) < set(columns):
        rule = Unique(rule="unique", columns=tuple(columns))
        rules = table.schema.constraints
        more = rules if rule in rules else (*rules, rule)
        return Table(table.table, table.schema.model_copy(update={"constraints": more}))
    return _with_new(name, table, [one for one in columns if one not in {*owned, table.schema.label}])


def _with_new(name: str, table: Table, able: Sequence[str]) -> Table:
    """Return the table with the column of most values as one of keys."""
    if not able:
        raise DataError(f"table {name}: its key holds the label and keys of other tables only; give it one of its own")
    different = [len(pc.unique(table.table.column(name))) for name in able]
    column = table.schema.column(able[int(np.argmax(different))])
    words = joined_words(table, [column.name])
    facts = Facts(column.name)
    facts.add(pc.unique(words))
    facts.close()
    typed = column.stored if "int" in column.stored or column.stored.startswith(("string", "large", "dict")) else ""
    new = infer(facts, Declared(kind="id"), typed, False).column
    place = table.table.column_names.index(column.name)
    columns = tuple(new if one.name == new.name else one for one in table.schema.columns)
    values = table.table.set_column(place, new.name, pc.cast(words, KINDS["id"]))
    return Table(values, table.schema.model_copy(update={"columns": columns}))
