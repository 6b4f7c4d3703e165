"""From tables that were read one by one to tables that belong together: keys are checked, rows come to their owners.

Legend: N rows of a table, P rows of its parent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.core.constraints import Formula
from lookalike.core.errors import DataError
from lookalike.core.schema import Column, Member
from lookalike.data.composite import check_columns, check_made, check_together, joined_words, named_together, titled
from lookalike.data.inherited import copied, inherited
from lookalike.data.keyed import WHOLE, Keyed, circles, in_order
from lookalike.data.pixels import shown
from lookalike.data.relations import Relations, relations_schema
from lookalike.data.table import CODED, NUMERIC, Codes, Table

Flags = npt.NDArray[np.bool_]
_COUNT = re.compile(r"0|-?[1-9]\d{0,14}")
"""A whole number as a program writes it."""


def related(tables: Mapping[str, Table], keyed: Mapping[str, Keyed]) -> tuple[Relations, list[str]]:
    """Return tables with their keys checked and their rows in the order of their owners, and what was dropped.

    Args:
        tables: As read: keys of kind id, columns with keys of an owner or of a shared table of kind text, with those
            of kept tables of kind category.
        keyed: How they belong together, in an order that `in_order` takes.

    Raises:
        DataError: A key is missing or refers to no row, or values of an order are missing.
    """
    names = in_order(keyed)
    done = {name: _with_key(name, tables[name], keyed[name]) for name in names}
    sizes: dict[str, Codes] = {}
    pairs: dict[str, dict[str, str]] = {}
    members, notes = [], []
    for name in (name for name in names if keyed[name].keep):
        notes += _link(name, done, keyed)
        notes.append(f"{name}: kept; its {len(done[name]):,} real rows are given out as they are")
    shared = [name for name in names if keyed[name].shared]
    circle = circles({name: keyed[name].links for name in shared})
    # Rows that are left out can be those that others, of the same table too, refer to.
    while told := [line for name in shared for line in _link(name, done, keyed, circle[name])]:
        notes += told
    for name in (name for name in names if not keyed[name].whole):
        one, told = keyed[name], _link(name, done, keyed)
        if one.owner is not None:
            table, sizes[name], lost = _owned(name, done[name], done[one.owner[0]], keyed)
            done[name], pairs[name] = _inheriting(
                name, table, done[one.owner[0]], sizes[name], one, keyed[one.owner[0]]
            )
            # What a formula gives is not copied.
            given = {rule.column for rule in one.constraints if isinstance(rule, Formula)}
            told += [*lost, *(f"{name}: {mine} is {other} of the owner: copied" for mine, other in pairs[name].items()
                              if mine not in given)]  # fmt: skip
        if isinstance(one.key, tuple):
            done[name], column = _named(name, done[name], one, pairs.get(name, {}))
            told += [f"{name}: {column} gets the new keys of {titled(one.key)}"] if column else []
        check_made(name, done[name], one.order, pairs.get(name, {}))
        notes += told
    for name in names:
        one, owner = keyed[name], keyed[name].owner or (None, ())
        single, several = one.key if isinstance(one.key, str) else None, one.keys if len(one.keys) > 1 else ()
        members.append(
            Member(name=name, rows=done[name].schema, key=single, keys=several, parent=owner[0],
                   column=owner[1][0] if len(owner[1]) == 1 else None, columns=owner[1] if len(owner[1]) > 1 else (),
                   order=one.order, links=one.foreign, inherited=tuple(pairs.get(name, {}).items()), keep=one.keep,
                   shared=one.shared)
        )  # fmt: skip
    return Relations(done, sizes, relations_schema(members)), notes


def _link(name: str, done: dict[str, Table], keyed: Mapping[str, Keyed], circle: Collection[str] = ()) -> list[str]:
    """Check the keys of kept and shared tables in a table, replace it by its rows that stay, and say what was lost.

    Of tables in a `circle` with this one unknown keys go and rows stay: else all rows would go that refer to them.
    """
    one, notes = keyed[name], []
    for column, other in one.foreign:
        keys = _keys(done[other], keyed[other])
        if other in circle:
            done[name], lost = _without_unknown(name, done[name], column, keys, other, one)
            notes += lost
        link = _shared_link if keyed[other].shared else _linked
        table, lost = link(name, done[name], column, keys, other, one)
        stored = _stored(table, column, done[other], keyed[other])
        done[name] = _replaced(table, column, {"stored": stored}, table.table.column(column))
        notes += lost
    return notes


def _keys(table: Table, one: Keyed) -> pa.ChunkedArray:
    return table.table.column(str(one.key))


def _with_key(name: str, table: Table, one: Keyed) -> Table:
    """Return the table, of which no key is missing."""
    if one.key is None:
        return table
    if isinstance(one.key, tuple):
        check_together(name, table, one.key, one.owner[1] if one.owner else ())
        return table
    lacking = table.table.column(one.key).null_count
    if lacking:
        raise DataError(f"table {name}: {lacking:,} of {len(table):,} rows have no key in {one.key}; fill them")
    return table


def _named(name: str, table: Table, one: Keyed, pairs: Mapping[str, str]) -> tuple[Table, str | None]:
    """Return the table with a key of several columns that no made rows share, and the column that gets new ones."""
    owned = one.owner[1] if one.owner else ()
    taken = {column: f"is declared as {said.get('kind') or 'a number with bounds'}"
             for column, said in _declared(one).items()
             if said.get("kind") not in (None, "id") or {"low", "high"} & {*said}}  # fmt: skip
    taken |= dict.fromkeys(pairs, "is copied from the owner") | dict.fromkeys(owned, "holds keys of the owner")
    taken |= {column: f"holds keys of {other}" for column, other in one.foreign}
    return named_together(name, table, one.key or (), owned, taken)


def _declared(one: Keyed) -> dict[str, Mapping[str, Any]]:
    """Return what is declared of columns."""
    return {name: said for name, said in one.options.get("columns", {}).items() if isinstance(said, Mapping)}


def _where_from(name: str, column: str, other: str, gone: Flags, missing: int, one: Keyed) -> list[str]:
    """Refuse keys that refer to no row, or say how many rows go for it."""
    lost, unknown = int(gone.sum()), int(gone.sum()) - missing
    if not lost:
        return []
    told = " and ".join(
        part
        for part in (f"{unknown:,} that {other} lacks" if unknown else "", f"{missing:,} missing" if missing else "")
        if part
    )
    if one.orphans == "stop":
        raise DataError(
            f"table {name}: of {len(gone):,} keys in {column}, found {told}; correct them, or set orphans: drop for "
            f"{name} to leave such rows out"
        )
    return [f"{name}: dropped {lost:,} of {len(gone):,} rows whose {column} refers to no row of {other}: {told}"]


def _linked(
    name: str, table: Table, column: str, keys: pa.ChunkedArray, other: str, one: Keyed
) -> tuple[Table, list[str]]:
    """Return the rows whose key is missing or one of a kept table."""
    categories = table.schema.column(column).categories
    known = np.asarray(pc.is_in(pa.array(categories, pa.large_string()), keys.combine_chunks()).to_numpy(False))
    codes = table.codes(column)
    gone = (codes >= 0) & ~np.append(known, True)[codes]
    notes = _where_from(name, column, other, gone, 0, one)
    if gone.any():
        table = table.take(np.flatnonzero(~gone))
    return _only_used(table, column, known), notes


def _shared_link(
    name: str, table: Table, column: str, keys: pa.ChunkedArray, other: str, one: Keyed
) -> tuple[Table, list[str]]:
    """Return the rows whose key is missing or one of a shared table; new keys will stand there."""
    words = _words(table.table.column(column), keys)
    known = pc.or_(pc.is_null(words), pc.is_in(words, keys.combine_chunks()))
    gone = ~np.asarray(known.to_numpy(False))
    notes = _where_from(name, column, other, gone, 0, one)
    changes = {"kind": "id", "optional": bool(words.null_count)}
    return _replaced(table, column, changes, words).take(np.flatnonzero(~gone)), notes


def _without_unknown(
    name: str, table: Table, column: str, keys: pa.ChunkedArray, other: str, one: Keyed
) -> tuple[Table, list[str]]:
    """Return the rows without keys that a shared table lacks."""
    words = _words(table.table.column(column), keys)
    unknown = pc.and_(pc.is_valid(words), pc.invert(pc.is_in(words, keys.combine_chunks())))
    lost = int(pc.sum(unknown).as_py() or 0)
    if not lost or one.orphans == "stop":
        return table, []
    told = f"{name}: {lost:,} of {len(table):,} keys in {column} that {other} lacks are missing now; their rows stay"
    return _replaced(table, column, {"optional": True}, pc.if_else(unknown, None, words)), [told]


def _words(column: pa.ChunkedArray, keys: pa.ChunkedArray) -> pa.Array:
    """Return keys as they stand in the other table: 101.0, as whole numbers with gaps are often written, is 101."""
    words = pc.utf8_trim_whitespace(column).combine_chunks()
    if not pc.any(pc.is_in(words, keys.combine_chunks().drop_null())).as_py():
        whole = pc.replace_substring_regex(words, WHOLE, r"\1")
        return whole if pc.any(pc.is_in(whole, keys.combine_chunks().drop_null())).as_py() else words
    return words


def _only_used(table: Table, name: str, known: Flags) -> Table:
    """Return the table without those categories of a column that are not known."""
    if known.all():
        return table
    column = table.schema.column(name)
    kept = tuple(category for category, there in zip(column.categories, known, strict=True) if there)
    codes = np.append(np.cumsum(known) - 1, -1)[table.codes(name)]
    return _replaced(table, name, {"categories": kept}, pa.array(codes.astype(np.int32), mask=codes < 0))


def _replaced(table: Table, name: str, changes: Mapping[str, Any], values: pa.Array) -> Table:
    columns = tuple(c.model_copy(update=dict(changes)) if c.name == name else c for c in table.schema.columns)
    place = table.table.column_names.index(name)
    return Table(table.table.set_column(place, name, values), table.schema.model_copy(update={"columns": columns}))


def _owned(name: str, table: Table, parent: Table, keyed: Mapping[str, Keyed]) -> tuple[Table, Codes, list[str]]:
    """Return rows in the order of their owners, how many each owner has, and what was dropped."""
    one = keyed[name]
    other, columns = one.owner or ("", ())
    table = table if one.order is None else _counted(table, one.order)
    check_columns(name, table, "parent", columns)
    if len(columns) == 1:
        keys = _keys(parent, keyed[other]).combine_chunks()
        words = _words(table.table.column(columns[0]), _keys(parent, keyed[other]))
        stored, form = _stored(table, columns[0], parent, keyed[other]), parent.schema.column(keyed[other].keys[0]).form
        table = _replaced(table, columns[0], {"kind": "id", "stored": stored, "form": form}, words)
    else:
        keys, words = joined_words(parent, keyed[other].keys), joined_words(table, columns)
    found = pc.index_in(words, keys)
    gone = np.asarray(pc.is_null(found).to_numpy(False))
    notes = _where_from(name, titled(columns), other, gone, words.null_count, one)
    owner = np.asarray(pc.fill_null(found, 0).to_numpy(False)).astype(np.int64)
    rows = np.flatnonzero(~gone)
    order = np.zeros(len(rows)) if one.order is None else _order(name, table, one.order)[rows]
    index = rows[np.lexsort((order, owner[rows]))]
    return _present(table.take(index), columns), np.bincount(owner[rows], minlength=len(parent)).astype(np.int64), notes


def _present(table: Table, columns: Sequence[str]) -> Table:
    """Return the table with columns that are never missing."""
    changed = tuple(c.model_copy(update={"optional": False}) if c.name in columns else c for c in table.schema.columns)
    return Table(table.table, table.schema.model_copy(update={"columns": changed}))


def _inheriting(
    name: str, table: Table, parent: Table, sizes: Codes, one: Keyed, owner: Keyed
) -> tuple[Table, dict[str, str]]:
    """Return rows with what they have of their owners as those have it, and which columns that are."""
    rows = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    kinds = {name: said.get("kind") for name, said in _declared(one).items()}
    foreign = one.owner[1] if one.owner else ()
    besides = {*foreign, *({one.key} if isinstance(one.key, str) else ())}
    pairs = inherited(table, parent, rows, besides, (dict(one.foreign), dict(owner.foreign)))
    # Who declares a column as something else wants it to be that.
    pairs = {mine: other for mine, other in pairs.items()
             if kinds.get(mine) in (None, parent.schema.column(other).kind)}  # fmt: skip
    if len(foreign) > 1:
        wrong = [mine for mine, its in zip(foreign, owner.keys, strict=True)
                 if kinds.get(mine) not in (None, parent.schema.column(its).kind)]  # fmt: skip
        if wrong:
            raise DataError(
                f"table {name}: column {shown(wrong[0])} holds keys but is declared as {kinds[wrong[0]]}; leave its "
                "kind out"
            )
        pairs = {**dict(zip(foreign, owner.keys, strict=True)), **pairs}
    return copied(table, parent, rows, pairs) if pairs else table, pairs


def _stored(table: Table, column: str, other: Table, one: Keyed) -> str:
    """Return the type that keys are written in: their own, else that of the keys that they refer to."""
    return table.schema.column(column).stored or other.schema.column(str(one.key)).stored


def _counted(table: Table, name: str) -> Table:
    """Return the table with numbers in a column of categories that are whole numbers: in an order they are amounts."""
    if name not in table.table.column_names or table.schema.column(name).kind in NUMERIC:
        return table
    categories = table.schema.column(name).categories
    if not orders(table.schema.column(name)):
        return table
    codes = table.codes(name)
    values = np.array([*map(int, categories), 0], dtype=np.int64)[codes]
    return _replaced(table, name, {"kind": "integer", "categories": ()}, pa.array(values, mask=codes < 0))


def orders(column: Column) -> bool:
    """Say whether a column can give an order: it holds numbers or dates, or categories that are whole numbers."""
    counts = column.kind in CODED and all(_COUNT.fullmatch(one) for one in column.categories)
    return column.kind in NUMERIC or counts


def _order(name: str, table: Table, column: str) -> npt.NDArray[np.float64]:
    if column not in table.table.column_names or table.schema.column(column).kind not in NUMERIC:
        able = [one.name for one in table.schema.columns if one.kind in NUMERIC]
        keys = column in table.table.column_names and table.schema.column(column).kind == "id"
        what = "holds keys" if keys else "is no column of numbers or dates"
        raise DataError(
            f"table {name}: order names {shown(column)}, which {what}; allowed: "
            f"{', '.join(map(shown, able[:20])) or 'none'}"
        )
    lacking = int(table.missing(column).sum())
    if lacking:
        raise DataError(f"table {name}: {lacking:,} rows have no value in {column}, which gives their order; fill them")
    return table.numbers(column)
