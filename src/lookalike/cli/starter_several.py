"""The first recipe for several tables that refer to each other by keys: a folder of CSV files, or an SQLite file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lookalike.cli.opening import Opening, flow, plural, quoted
from lookalike.cli.starter_families import Family, families
from lookalike.cli.starter_tables import csv_writer
from lookalike.core.errors import DataError
from lookalike.data.composite import titled
from lookalike.data.detect_tables import has_rows, named_label
from lookalike.data.keyed import circles
from lookalike.data.kinship import Kinship, Reference, Sources, kinship, tables_in
from lookalike.data.pixels import shown

_SCANTY = 20
_LISTED = 5
_HEAD = """\
# Made by looking at {where}: {tables}, {references} from one to another.
# What each column is taken for, and why:   lookalike schema {file}
{head}
data:
  read: tables
  tables:
"""
_REST = """\
generator: tables.nested  # the root first, then the rows that belong to it, owner by owner
sample:
  rows: {rows}  # of {root}, each with all that belongs to it; as many as there are to learn from
{write}
"""
_MEASURED = """\
measure:
  - {{use: tables.joined, table: {table}}}  # can a model tell a row with its owner from a real one?
  - {{use: tables.joined, table: {table}, measure: tabular.column_shape, per_family: null}}
{fitting}{trained}  - tables.key_integrity  # does every key refer to a row?
  - tables.children  # as many rows for one owner as in the data?
  - tables.siblings  # rows of one owner as alike as in the data?
audits:
  - {{use: tables.joined, table: {table}, measure: tabular.closest_record}}  # copies
"""
_TRAINED = """\
  # is a model that learns {label} from such rows as good on real ones?
  - {{use: tables.joined, table: {table}, measure: tabular.train_on_synthetic}}
"""
_FITTING = """\
  # do rows fit the shared rows that they refer to?
  - {{use: tables.joined, table: {table}, shared: true, measure: tabular.pair_trend, per_family: null}}
"""


def several(opening: Opening) -> tuple[str, list[str]] | None:
    """Return a commented recipe for several tables, and what was seen in lines; None = it is something else.

    Args:
        opening: What the recipe is for.

    Raises:
        DataError: A table is not usable, or none refers to another; one line that says what to do.
    """
    every = tables_in(Path(opening.data).expanduser())
    if not every:
        return None
    sources, empty = with_rows(every)
    found = kinship(sources)
    if found is None:
        listed = ", ".join(map(shown, list(sources)[:_LISTED])) + (", ..." if len(sources) > _LISTED else "")
        raise DataError(
            f"{shown(opening.data)} holds {plural(len(sources), 'table')} with rows: {listed}; no column of one holds "
            "keys of another, so write a recipe for one of them, or one with read: tables that says how they belong "
            "together"
        )
    seen = families(found)
    told = [*findings(found, seen), *empty, f"why, and how to change it: lookalike schema {quoted(opening.file)}"]
    return several_recipe(found, seen, opening), told


def with_rows(sources: Sources) -> tuple[Sources, list[str]]:
    """Return the tables that have rows, and a line for each that has none.

    Raises:
        DataError: None has any, or one cannot be read.
    """
    full = {name: one for name, one in sources.items() if has_rows(*one)}
    if not full:
        raise DataError(f"none of the tables {', '.join(map(shown, sources))} has rows; give one that has")
    return full, [f"{name}: no rows, so it is left out" for name in sources if name not in full]


def several_recipe(found: Kinship, seen: Mapping[str, Family], opening: Opening) -> str:
    """Return a commented recipe for tables that refer to each other."""
    rows, largest = found.tables[found.root].rows, max(found.owners, key=lambda name: found.tables[name].rows)
    scanty = rows < _SCANTY
    text = _HEAD.format(
        where=opening.where,
        tables=plural(len(found.tables), "table"),
        references=plural(len(found.references), "reference"),
        file=quoted(opening.file),
        head=opening.head(),
    )
    labels = {name: _label(found, name, seen.get(name, Family())) for name in (found.root, *found.owners)}
    left = cuts(found, seen)
    lines = [*_table(found, found.root, Family(), labels[found.root], left[found.root], opening)]
    for name in found.owners:
        lines += _table(found, name, seen[name], labels[name], left[name], opening)
    for name in found.others:
        lines += _shared(found, name, left[name], opening)
    text += "".join(f"    {line}\n" for line in lines)
    few = f"{plural(rows, 'row')} of {found.root}"
    text += (
        f"  holdout: 0  # {few}: too few to keep some for testing\n"
        if scanty
        else f"  holdout: 0.2  # of {found.root}, with all that belongs to them; nothing that learns sees them\n"
    )
    text += _REST.format(rows=max(1, round(rows * (1 if scanty else 0.8))), root=found.root, write=_write(found))
    return text + (
        f"measure: []  # {few}: too few to be measured\naudits: []\n"
        if scanty
        else _measured(found, largest, {name: label for name, label in labels.items() if label})
    )


def _label(found: Kinship, name: str, family: Family) -> str:
    """Return what is called like a column to be predicted, no key and nothing copied or counted; empty = nothing."""
    keys = [one.columns for one in found.references if one.table == name]
    key = found.key(name) or ()
    besides = {column for columns in keys for column in columns} | set((key,) if isinstance(key, str) else key)
    besides |= {*family.same, *family.numbers, family.order, *found.within(name)}
    return named_label([one for one in found.tables[name].columns if one.column.name not in besides])


def _measured(found: Kinship, table: str, labels: Mapping[str, str]) -> str:
    """Return what is measured: of the largest table if its rows fit the shared ones too, and of labels their use."""
    trained = "".join(_TRAINED.format(table=name, label=shown(label)) for name, label in labels.items())
    shared = any(found.linkable(table, other) and found.links(table, other) for other in found.tables)
    return _MEASURED.format(table=table, fitting=_FITTING.format(table=table) if shared else "",
                            trained=trained)  # fmt: skip


def _write(found: Kinship) -> str:
    """Return the line that gives files back cut as that of the root is; of a database as a comment."""
    root = found.tables[found.root]
    if root.reader != "csv":
        return "# write: [csv]  # a CSV for each table too; [sql] writes into a database"
    return f"write: {flow([csv_writer(root.options)])}  # a CSV for each table too"


def _source(found: Kinship, name: str, opening: Opening) -> list[str]:
    options = {key: value for key, value in found.tables[name].options.items() if key != "label"}
    if key := found.key(name):
        options["key"] = _listed(key)
    read = {"read": found.tables[name].reader, **opening.placed(options)}
    return [f"{each}: {flow(value)}" for each, value in read.items()]


def _table(
    found: Kinship, name: str, family: Family, label: str, cut: Mapping[str, str], opening: Opening
) -> Iterator[str]:
    """Yield the lines of a table that is made anew."""
    owner = found.owners.get(name)
    yield f"{name}:" + ("  # the root, which no other owns" if owner is None else "")
    yield from (f"  {line}" for line in _source(found, name, opening))
    if label:
        yield f"  label: {flow(label)}  # what is to be predicted, by its name; '' = nothing"
    if owner is not None:
        yield f"  parent: {flow({owner.other: _listed(owner.column)})}"
        if family.order:
            yield f"  order: {flow(family.order)}  # {family.why}"
        if copied := [column for column in family.same if column not in cut]:
            yield f"  # as in its row of {owner.other}, so copied from there: {', '.join(map(shown, copied))}"
        rules = {column: pairs for column, pairs in family.once.items() if column not in {*cut, *family.numbers}}
        if rules:
            each = [{"rule": "unique", "columns": [*owner.columns, column]} for column in rules]
            told = ", ".join(f"{shown(column)} (chance: {pairs:,.0f} pairs)" for column, pairs in rules.items())
            yield f"  # never twice under one row of {owner.other}: {told}; to keep that:"
            yield f"  # constraints: {flow(each)}"
    yield from (f"  {line}" for line in _links(found, name, cut))


def cuts(found: Kinship, seen: Mapping[str, Family]) -> dict[str, dict[str, str]]:
    """Return by table the columns that would give real keys or names of other rows away, and of which table.

    These are keys that cannot be made, at every level that copies them, and values of any column that names rows of
    another table.
    """
    left: dict[str, dict[str, str]] = {}
    for name in (found.root, *found.owners, *found.others):
        owner, family = found.owners.get(name), seen.get(name, Family())
        made = {column for other in found.tables if found.linkable(name, other) for column in found.links(name, other)}
        refers = {column: one.other for one in found.references if one.table == name for column in one.columns}
        refers |= dict.fromkeys(found.within(name), name)
        above = {} if owner is None else left[owner.other]
        copied = {mine for mine, other in family.same.items() if other not in above}
        besides = made | copied | set(() if owner is None else owner.columns)
        left[name] = {column: other for column, other in refers.items() if column not in besides}
        left[name] |= {mine: above[other] for mine, other in family.same.items() if other in above}
    return left


def _links(found: Kinship, name: str, cut: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of links, of keys that refer to nothing, and of columns that are left out."""
    links = {other: columns for other in found.tables if (columns := found.links(name, other))}
    able = {other: one[0] if len(one) == 1 else one for other, one in links.items() if found.linkable(name, other)}
    if able:
        yield f"links: {flow(able)}"
    circle = circles({other: [to for to in found.others if found.links(other, to)] for other in found.others})
    needed = [pair for pair in found.losing(name) if pair[0] == found.owners.get(name) or pair[0].other in able]
    rows = [_lost(*pair) for pair in needed if pair[0].other not in circle.get(name, ())]
    keys = [_lost(*pair) for pair in needed if pair[0].other in circle.get(name, ())]
    if rows or keys:
        told = [f"{' and '.join(rows)}: such rows are left out, and counted"] if rows else []
        told += [f"{' and '.join(keys)}: such keys are missing then"] if keys else []
        yield f"orphans: drop  # {'; '.join(told)}"
    if cut:
        of = {other: [column for column, to in cut.items() if to == other] for other in cut.values()}
        told = [f"{', '.join(map(shown, columns))} {'name' if len(columns) > 1 else 'names'} real rows of {other}"
                for other, columns in of.items()]  # fmt: skip
        yield f"leave_out: {flow(list(cut))}  # {' and '.join(told)}: not made yet"


def _shared(found: Kinship, name: str, cut: Mapping[str, str], opening: Opening) -> Iterator[str]:
    """Yield the lines of a table whose rows belong to nobody: nobody else can say whether they are public."""
    if not found.referred(name):
        to = [one.other for one in found.references if one.table == name]
        why = f"refers to {' and '.join(dict.fromkeys(to))} only" if to else "refers to no table here"
        yield f"# {name} {why}, and none to it: read it in a run of its own"
        return
    yield f"{name}:"
    yield from (f"  {line}" for line in _source(found, name, opening))
    yield "  shared: true  # made anew; where everybody may see them, keep: true instead gives its real rows out"
    yield from (f"  {line}" for line in _links(found, name, cut))


def _listed(columns: str | tuple[str, ...]) -> str | list[str]:
    return columns if isinstance(columns, str) else list(columns)


def _lost(one: Reference, share: float) -> str:
    return f"{100 * share:.2g} % of {titled(one.columns)} are no keys of {one.other}"


def references(found: Kinship) -> list[tuple[Reference, bool, float]]:
    """Return columns that hold keys of another table or of their own, whether of the owner, and the share unknown."""
    above = [one for name in found.tables for one in found.loops[name] if one.column in found.within(name)]
    # A missing key of a link is none that was lost: a topic at the top has none above it.
    share = {one: lost for name in found.tables for one, lost in found.losing(name)}
    return [(one, found.owners.get(one.table) == one, share.get(one, 0.0)) for one in (*found.references, *above)]


def findings(found: Kinship, seen: Mapping[str, Family]) -> list[str]:
    """Return what was seen of tables that refer to each other, a line each."""
    lines = [f"{name}: {plural(table.rows, 'row')}, {plural(len(table.columns), 'column')}"
             for name, table in found.tables.items()]  # fmt: skip
    for one, owns, lost in references(found):
        holds = f"{'holds' if len(one.columns) == 1 else 'hold'} keys of {one.other}.{titled(one.keys)}"
        told = (" (its owner)" if owns else "") + (f"; {_lost(one, lost)}" if lost else "")
        lines.append(f"{one.table}.{titled(one.columns)} {holds}{told}")
    for name, family in seen.items():
        owner = found.owners[name].other
        lines += [f"{name}.{shown(mine)} is {owner}.{shown(other)} of its owner" for mine, other in family.same.items()]
        lines += [f"{name}.{shown(one)} numbers the rows of each owner from {first:g} on"
                  for one, first in family.numbers.items()]  # fmt: skip
        lines += [f"{name}.{shown(one)} never comes twice under one row of {owner}"
                  for one in family.once if one not in family.numbers]  # fmt: skip
    shared = [name for name in found.others if found.referred(name)]
    return [*lines, f"root: {found.root}; shared by all: {', '.join(shared) or 'none'}"]
