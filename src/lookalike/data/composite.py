"""Keys of several columns: which rows they name, and which column of new ones makes them new.

A row knows its owner by its place, so such a key needs no column of its own: rows copy all of it from their owner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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
from lookalike.data.table import KINDS, WORDS, Table

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


def check_together(name: str, table: Table, columns: Sequence[str], owned: Collection[str]) -> None:
    """Refuse several columns that do not name the rows of a table together.

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


def named_together(
    name: str, table: Table, columns: Sequence[str], owned: Collection[str], taken: Mapping[str, str]
) -> tuple[Table, str | None]:
    """Return a table whose made rows are named by several columns too, and the one of them that gets new keys.

    Where the key begins with that of the owner, rows of one owner must differ in the rest, which is a constraint.
    Otherwise the column with most values gets new keys that no two rows share.

    Args:
        name: The table.
        table: Its rows, [N].
        columns: The key, as `check_together` takes it.
        owned: Columns that hold the key of the owner.
        taken: Columns that cannot get new keys, and why.

    Raises:
        DataError: No column can get new keys.
    """
    if owned and set(owned) < set(columns):
        rule = Unique(rule="unique", columns=tuple(columns))
        rules = table.schema.constraints
        more = rules if rule in rules else (*rules, rule)
        return Table(table.table, table.schema.model_copy(update={"constraints": more})), None
    reasons = {one: taken.get(one) or _unable(table, one) for one in columns}
    able = [one for one, reason in reasons.items() if not reason]
    if not able:
        told = ", ".join(f"{shown(one)} {reason}" for one, reason in reasons.items())
        raise DataError(
            f"table {name}: no column of its key can get new ones: {told}; one of whole numbers or words can that is "
            "none of these: add one that numbers the rows, or read the table without a key"
        )
    column = max(able, key=lambda one: len(pc.unique(table.table.column(one))))
    return _with_new(table, column), column


def _unable(table: Table, name: str) -> str:
    """Say why a column cannot get new keys by what it holds; empty = it can."""
    column = table.schema.column(name)
    if name == table.schema.label:
        return "is the label"
    if column.kind == "boolean":
        return "has two values"
    return "holds dates or decimals" if words_of(table, column) is None else ""


def _with_new(table: Table, name: str) -> Table:
    """Return the table with a column as one of keys."""
    column, words = table.schema.column(name), joined_words(table, [name])
    facts = Facts(name)
    facts.add(pc.unique(words))
    facts.close()
    typed = column.stored if column.stored.startswith(("int", "uint", "string", "large", "dict")) else ""
    new = infer(facts, Declared(kind="id"), typed, False).column
    place = table.table.column_names.index(name)
    columns = tuple(new if one.name == name else one for one in table.schema.columns)
    values = table.table.set_column(place, name, pc.cast(words, KINDS["id"]))
    return Table(values, table.schema.model_copy(update={"columns": columns}))


def check_made(name: str, table: Table, order: str | None, copies: Collection[str]) -> None:
    """Refuse rules and an order by columns that hold keys.

    Args:
        name: The table.
        table: Its rows with their keys, [N].
        order: The column that gives the order of rows of one owner.
        copies: Columns that say what one of the owner says.

    Raises:
        DataError: One line that says which.
    """
    for rule in table.schema.constraints:
        keys = [one for one in rule.columns if table.schema.column(one).kind in WORDS]
        if keys and not isinstance(rule, Unique):
            raise DataError(
                f"table {name}: constraint {rule.title} names {shown(keys[0])}, which holds keys: new ones are made "
                "that follow no rule; leave the constraint out"
            )
    if order is not None and table.schema.column(order).kind in WORDS:
        why = "is a key of the owner: all rows of one are alike in it" if order in copies else "gets new keys"
        raise DataError(
            f"table {name}: order names {shown(order)}, which {why}; name another column of numbers or dates, or leave "
            "order out"
        )
