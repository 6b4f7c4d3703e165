"""What each column of one table or of several is taken for, and which columns hold keys of another table."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import yaml

from lookalike.cli.opening import Opening, quoted
from lookalike.cli.starter_families import families
from lookalike.cli.starter_several import cuts, findings, references, several_recipe, with_rows
from lookalike.cli.starter_tables import COPIED, KEY, LEFT, table_at
from lookalike.core.contracts import Reader
from lookalike.core.errors import LookalikeError
from lookalike.core.schema import Member
from lookalike.data.detect_tables import TableDescription, describe_table
from lookalike.data.keyed import Keyed
from lookalike.data.kinship import Sources, kinship, tables_in
from lookalike.data.pixels import shown
from lookalike.data.relations import Relations
from lookalike.pipeline.plan import make_plan
from lookalike.pipeline.recipe import load, parse


@final
@dataclass(frozen=True)
class Described:
    """Tables, and how they belong together as far as that was looked for.

    Attributes:
        tables: Every table by its name; one alone has none.
        told: What was seen of all together, in lines.
        links: Columns that hold keys of another table, as plain values.
        together: Whether one recipe reads several of them.
    """

    tables: Mapping[str, TableDescription]
    told: Sequence[str] = ()
    links: Sequence[Mapping[str, object]] = ()
    together: bool = True


def described(data: str) -> Described:
    """Return the table that is there, every table of a recipe that reads several, or those of a folder or database.

    Raises:
        DataError: There is no table.
    """
    path = Path(data).expanduser()
    if path.suffix.lower() in (".yaml", ".yml"):
        plan = make_plan(load(path), path.resolve().parent)
        if plan.reader is not None and plan.reader.name == "tables":
            return Described(_of_recipe(plan.reader.method))
    elif sources := tables_in(path):
        return _found(sources, data)
    return Described({"": table_at(data)})


def _found(sources: Sources, data: str) -> Described:
    """Return tables as a first recipe reads them; as they are where none refers to another."""
    sources, empty = with_rows(sources)
    found = kinship(sources)
    if found is None:
        plain = {name: describe_table(reader, options) for name, (reader, options) in sources.items()}
        told = "no column of one table holds keys of another: each is a data set of its own"
        return Described(plain, [told, *empty], together=False)
    seen = families(found)
    text = several_recipe(found, seen, Opening(data, "share", Path.cwd(), "recipe.yaml"))
    plan = make_plan(parse(yaml.safe_load(text), "recipe.yaml"), Path.cwd())
    assert plan.reader is not None
    read, left = _of_recipe(plan.reader.method), cuts(found, seen)
    tables = {}
    for name, whole in found.tables.items():
        made = read.get(name, whole)
        columns = {one.column.name: one for one in made.columns}
        for one in whole.columns:
            if to := left[name].get(one.column.name):
                columns[one.column.name] = replace(one, reason=f"{LEFT}names real rows of {to}, not made yet")
        # In the order of the table; those that are left out are not read.
        order = [one.column.name for one in whole.columns]
        tables[name] = replace(made, columns=tuple(columns[column] for column in order))
    links = [
        {"table": one.table, "columns": list(one.columns), "refers": one.other, "key": one.keys, "owner": owns,
         "lost": round(lost, 6)}
        for one, owns, lost in references(found)
    ]  # fmt: skip
    how = f"a recipe that says so, and runs: lookalike init {quoted(data)}"
    return Described(tables, [*findings(found, seen), *empty, how], links)


def _of_recipe(reader: Any) -> dict[str, TableDescription]:  # noqa: ANN401  found by its name
    """Return every table of several that a recipe reads."""
    tables, members = reader.tables, _members(reader)
    found = {name: describe_table(tables[name].read, one.model_dump(exclude_unset=True))
             for name, one in reader.readers().items()}  # fmt: skip
    return {name: _told(one, tables[name], members.get(name)) for name, one in found.items()}


def _members(reader: Reader[Relations]) -> dict[str, Member]:
    """Return what is known of tables when they have been read together; nothing where they do not fit."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return {member.name: member for member in reader.read(Path(folder)).schema.tables}
        except LookalikeError:
            # A run says why.
            return {}


def _told(found: TableDescription, one: Keyed, member: Member | None) -> TableDescription:
    """Return a description that says of columns of keys what they are keys of, and which are copied or get new keys."""
    keys: dict[str, str] = {}
    if member is not None:
        keys = {mine: f"{COPIED}{shown(other)} of the owner" for mine, other in member.inherited}
        news = [column for column in member.keys if member.rows.column(column).kind == "id"]
        keys |= {
            column: f"{KEY} of the row, with others: it gets the new ones" for column in news if column not in keys
        }
    keys |= {column: f"{KEY} of a row of {table}" for column, table in one.foreign}
    keys |= dict.fromkeys(one.owner[1], f"{KEY} of the owner in {one.owner[0]}") if one.owner else {}
    keys |= {one.key: f"{KEY} of the row"} if isinstance(one.key, str) else {}
    columns = [replace(each, reason=keys.get(each.column.name, each.reason)) for each in found.columns]
    if isinstance(one.key, tuple):
        # What is a part of a key may be a category or a number too, and is learnt as such.
        columns = [replace(each, reason=f"{each.reason}; part of the key")
                   if each.column.name in set(one.key) - {*keys} else each for each in columns]  # fmt: skip
    return replace(found, columns=tuple(columns))
