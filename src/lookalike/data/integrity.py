"""Whether the keys of several tables are what they should be: each names one row, or refers to one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import pyarrow as pa
import pyarrow.compute as pc

from lookalike.core.schema import Member
from lookalike.data.composite import joined_words, titled
from lookalike.data.relations import Relations
from lookalike.data.table import CODED, Table


@final
@dataclass(frozen=True)
class Keys:
    """What was found in one column of keys.

    Attributes:
        table: The table.
        column: Its column.
        refers: The table that the keys are of; empty = they name the rows themselves.
        cells: Keys in the column.
        wrong: Those that are missing, come twice, or refer to no row.
    """

    table: str
    column: str
    refers: str
    cells: int
    wrong: int


def keys_of(data: Relations) -> list[Keys]:
    """Return what was found in every column of keys; a link may be missing where its column may be."""
    own = {member.name: member.key for member in data.schema.tables}
    found = []
    for member in data.schema.tables:
        table = data.tables[member.name]
        if member.key is not None:
            keys = _words(table, member.key)
            there = keys.drop_null()
            different = len(pc.unique(there))
            found.append(Keys(member.name, member.key, "", len(keys), len(keys) - different))
        found += _together(data, member)
        foreign = [(member.column, member.parent)] if member.column is not None else []
        for column, other in (*foreign, *member.links):
            keys = _words(table, column)
            there = keys if column == member.column else keys.drop_null()
            known = _words(data.tables[str(other)], str(own[str(other)])).combine_chunks()
            wrong = len(there) - (pc.sum(pc.is_in(there, known.drop_null())).as_py() or 0)
            found.append(Keys(member.name, column, str(other), len(there), wrong))
        found += _of_owner(data, member)
    return found


def _together(data: Relations, member: Member) -> Iterator[Keys]:
    """Yield what was found in keys of several columns."""
    table = data.tables[member.name]
    if member.keys:
        keys = joined_words(table, member.keys)
        yield Keys(member.name, titled(member.keys), "", len(keys), len(keys) - len(pc.unique(keys.drop_null())))
    if member.columns:
        owner = next(one for one in data.schema.tables if one.name == member.parent)
        keys, known = joined_words(table, member.columns), joined_words(data.tables[owner.name], owner.keys)
        wrong = len(keys) - (pc.sum(pc.is_in(keys, known.drop_null())).as_py() or 0)
        yield Keys(member.name, titled(member.columns), owner.name, len(keys), wrong)


def _of_owner(data: Relations, member: Member) -> Iterator[Keys]:
    """Yield what was found in columns of keys that say what a column of the owner says: wrong are those that do not."""
    for column, other in member.inherited:
        if member.rows.column(column).kind == "id" and column not in member.columns:
            beside = data.tables[str(member.parent)].select([other]).take(data.owners(member.name))
            pairs = zip(data.tables[member.name].strings(column), beside.strings(other), strict=True)
            wrong = sum(mine != its for mine, its in pairs)
            yield Keys(member.name, column, _source(data, member, other), len(beside), wrong)


def _source(data: Relations, member: Member, other: str) -> str:
    """Return the table whose keys a column of the owner holds: its own, or one that it has them of."""
    parent = next(one for one in data.schema.tables if one.name == member.parent)
    if other in dict(parent.inherited):
        return _source(data, parent, dict(parent.inherited)[other])
    return str(parent.parent) if other == parent.column else dict(parent.links).get(other, parent.name)


def _words(table: Table, name: str) -> pa.ChunkedArray:
    column = table.schema.column(name)
    values = table.table.column(name)
    if column.kind not in CODED:
        return values
    return pa.array(column.categories, pa.large_string()).take(values.combine_chunks())
