"""Finds in a folder or file of tables which columns hold keys of another table, and which table owns which."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import pyarrow as pa
import pyarrow.compute as pc

from lookalike.core.registry import find
from lookalike.data.databases import DATABASES, table_names
from lookalike.data.detect_tables import TableDescription, describe_table
from lookalike.data.detect_texts import FORMATS, holds_images
from lookalike.data.infer import Inferred
from lookalike.data.keyed import TABLE_NAME, WHOLE
from lookalike.data.keynames import called_like_a_key, called_like_an_index, stems
from lookalike.data.tabular import TabularSettings, cells
from lookalike.data.together import keys_together

Sources = Mapping[str, tuple[str, Mapping[str, object]]]
"""Reader and its settings of each table, by name."""
_KINDS = ("id", "integer", "text", "category")
"""Kinds of columns that may hold keys."""
_RENEWED = (*_KINDS, "ordinal")
"""Kinds of columns that may get new keys: of several that hold keys together one does."""
_PARTS = (*_RENEWED, "boolean", "datetime")
"""Kinds of columns of which several may hold keys together."""
_ABOVE = frozenset(
    ("parent", "boss", "manager", "supervisor", "superior", "chief", "head", "leader", "lead", "mentor", "master",
     "report", "mother", "father", "predecessor", "replaced", "root", "reply")
)  # fmt: skip
"""Words in the names of columns that say who of the same table stands above, or came before."""
_MOST_LOST = 0.5
_MOST_LOST_UNNAMED = 0.05
_SHORTEST = 2
_ENOUGH = 20
"""Rows from which on a table can be learnt from, and so be the root."""


@final
@dataclass(frozen=True)
class Reference:
    """A column that holds keys of another table, or several that do together.

    Attributes:
        table: Whose column it is.
        column: Its name, or their names.
        other: The table that it refers to.
        key: The column of that which no two rows share, or as many.
        lost: Share of its cells that are no key there, missing ones too.
        used: How many of the keys there are found here.
    """

    table: str
    column: str | tuple[str, ...]
    other: str
    key: str | tuple[str, ...]
    lost: float
    used: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, or all that hold a key together."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def keys(self) -> tuple[str, ...]:
        """The column that is referred to, or all that hold a key together."""
        return (self.key,) if isinstance(self.key, str) else self.key


@final
@dataclass(frozen=True)
class Kinship:
    """How tables belong together, as far as their values and names tell.

    Attributes:
        tables: Every table by its name.
        references: All that were found.
        owners: For each table of the tree but its root, the reference to its owner; owners come first.
        root: The table that no other owns.
        loops: References of tables to themselves, by table.
    """

    tables: Mapping[str, TableDescription]
    references: tuple[Reference, ...]
    owners: Mapping[str, Reference]
    root: str
    loops: Mapping[str, tuple[Reference, ...]]

    @property
    def others(self) -> tuple[str, ...]:
        """Tables that are neither the root nor owned: they are shared, or kept where they are public."""
        return tuple(name for name in self.tables if name != self.root and name not in self.owners)

    def key(self, name: str) -> str | tuple[str, ...] | None:
        """Return the column, or columns, that other tables refer to; None = none does."""
        found = [one.key for one in self.references if one.other == name]
        return max(dict.fromkeys(found), key=found.count) if found else None

    def within(self, name: str) -> list[str]:
        """Return the columns of a table that hold keys of other rows of it."""
        return [str(one.column) for one in self._loops(name)]

    def _loops(self, name: str) -> list[Reference]:
        linked = {column for one in self.references if one.table == name for column in one.columns}
        return [one for one in self.loops[name] if one.column not in linked and one.column != self.key(name)]

    def losing(self, name: str) -> list[tuple[Reference, float]]:
        """Return the references of a table with keys that the other lacks, and the share of rows that have such a key.

        A missing key is one where it names an owner, which must be there; what is linked to need not.
        """
        cells = {one.column.name: one.facts for one in self.tables[name].columns}
        found = []
        for one in (*self.references, *self._loops(name)):
            if one.table == name:
                # Columns of which several hold a key have no missing cells.
                facts = cells[one.columns[0]]
                lost = one.lost - (0 if one == self.owners.get(name) else facts.missing / facts.rows)
                found += [(one, lost)] if lost > 1e-9 else []
        return found

    def referred(self, name: str) -> bool:
        """Say whether a table that is made refers to another one, by itself or through one that is referred to."""
        reached = [table for table in self.tables if table not in self.others]
        for table in reached:
            to = [one.other for one in self.references if one.table == table and one.key == self.key(one.other)]
            reached += [other for other in dict.fromkeys(to) if self.linkable(table, other) and other not in reached]
        return name in reached

    def linkable(self, name: str, to: str) -> bool:
        """Say whether rows of a table can hold keys of another, or of its own, by a link: that one is shared."""
        return to in self.others and not isinstance(self.key(to), tuple)

    def links(self, name: str, to: str) -> list[str]:
        """Return the columns of a table that hold keys of another, or of its own; those of its owner left out."""
        if name == to:
            return self.within(name)
        owner = self.owners.get(name)
        found = [one for one in self.references if (one.table, one.other) == (name, to) and one.key == self.key(to)]
        # Several columns hold keys of the owner only.
        return [one.column for one in found if one != owner and isinstance(one.column, str)]


def tables_in(place: Path) -> Sources:
    """Return the tables of a folder of CSV files, or of an SQLite file, by name; none where it is something else.

    A CSV file called train, or an image anywhere, means something else.

    Raises:
        DataError: The SQLite file is none.
    """
    if place.is_file() and place.suffix.lower() in DATABASES:
        tables = table_names(place)
        found: Sources = {_called(name): ("sql", {"path": str(place), "table": name}) for name in tables}
    elif place.is_dir():
        files = [path for path in sorted(place.iterdir()) if path.is_file() and not path.name.startswith(".")]
        files = [path for path in files if FORMATS.get(path.suffix.lower()) == "csv"]
        tables = [path.stem for path in files]
        found = {_called(path.stem): ("csv", {"path": str(path)}) for path in files}
        if "train" in map(str.casefold, tables) or holds_images(place):
            return {}
    else:
        return {}
    return found if 1 < len(found) == len(tables) and all(re.fullmatch(TABLE_NAME, name) for name in found) else {}


def _called(name: str) -> str:
    """Return a name that a table may have: other characters become a hyphen."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:64]


def kinship(sources: Sources) -> Kinship | None:
    """Return how tables belong together; None when no column of one holds keys of another.

    A column refers to a table when at least half of its cells are keys there and its name tells so, or when nearly
    all are, and the keys are words and not mere numbers. Of several ways to put tables under each other, the one with
    many tables and many families in each is taken.

    Args:
        sources: Reader and its settings of each table, by name.

    Raises:
        DataError: One of them is not usable as a table; one line that says why.
    """
    found = {name: describe_table(reader, {**options, "label": ""}) for name, (reader, options) in sources.items()}
    references = tuple(_references(found))
    references = _to_the_end(_both_ways((*references, *_together(found, references)), found))
    if not references:
        return None
    trees = {root: _tree(root, references) for root in dict.fromkeys(one.other for one in references)}
    loops = {name: tuple(_loops(name, table)) for name, table in found.items()}
    # Rows that refer to each other cannot be on two sides of a split.
    root = max(trees, key=lambda name: (*_fit(found[name]), not loops[name], _worth(trees[name])))
    return Kinship(found, references, trees[root], root, loops)


def _references(found: Mapping[str, TableDescription]) -> Iterator[Reference]:
    keys = {name: _possible_keys(table) for name, table in found.items()}
    values = {name: _values(found[name], keys[name]) for name in found}
    for name, table in found.items():
        pairs = [
            (one.column.name, other, key, most)
            for one in table.columns
            if one.column.kind in (*_KINDS, "number") and not called_like_an_index(one.column.name)
            for other in found
            if other != name
            for key in keys[other]
            if (most := _most_lost(one.column.name, other, key, values[other][key])) is not None
        ]
        hits = _hits(table, [(column, values[other][key]) for column, other, key, _ in pairs])
        best: dict[tuple[str, str], Reference] = {}
        for (column, other, key, most), (hit, used) in zip(pairs, hits, strict=True):
            lost = 1 - hit / table.rows
            if lost <= most and ((column, other) not in best or lost < best[column, other].lost):
                best[column, other] = Reference(name, column, other, key, lost, used)
        # A column belongs to one table: one that its name tells, of several the one that knows most of its values.
        for column in dict.fromkeys(column for column, _ in best):
            told = [one for (of, _), one in best.items() if of == column]
            yield min(told, key=lambda one: (not _named(str(one.column), one.other, str(one.key)), one.lost))


def _together(found: Mapping[str, TableDescription], known: Sequence[Reference]) -> Iterator[Reference]:
    """Yield references by several columns, to tables that no single column refers to.

    A table that refers to others by single columns, as lines of invoices do to products, has to be called like the one
    that it refers to by several.
    """
    single = {(one.table, column) for one in known for column in one.columns}
    able = {name: [one.column.name for one in table.columns if one.column.kind in _PARTS and not one.facts.missing
                   and (name, one.column.name) not in single] for name, table in found.items()}  # fmt: skip
    refers, referred = {one.table for one in known}, {one.other for one in known}
    pairs = [(name, other) for name in found for other in found if name != other and other not in referred
             and (name not in refers or stems(name) & stems(other))]  # fmt: skip
    for one in keys_together(able, pairs, lambda name, names: _read(found[name], names)):
        kinds = {two.column.kind for two in found[one.other].columns if two.column.name in one.columns}
        if kinds & {*_RENEWED}:
            yield Reference(one.table, one.columns, one.other, one.columns, one.lost, one.used)


def _read(table: TableDescription, names: Sequence[str]) -> list[pa.Array]:
    """Return columns as words."""
    parts: dict[str, list[pa.Array]] = {name: [] for name in names}
    for name, words in _columns(table, names):
        parts[name].append(words)
    return [pa.concat_arrays(parts[name]) for name in names]


def _loops(name: str, table: TableDescription) -> Iterator[Reference]:
    """Yield references of a table to itself: columns of which nearly every cell that is there holds a key of it.

    Where keys are mere numbers, the column has to be called like a key, or like somebody above.
    """
    keys = _possible_keys(table)[:1]
    values = _values(table, keys)
    telling = all(_telling(found) for found in values.values())
    able = [one for one in table.columns if one.column.kind in (*_KINDS, "number") and one.column.name not in keys
            and one.facts.missing < one.facts.rows
            and (telling or called_like_a_key(one.column.name) or _ABOVE & stems(one.column.name))]  # fmt: skip
    hits = _hits(table, [(one.column.name, values[key]) for one in able for key in keys])
    for one, (hit, used) in zip(able, hits, strict=bool(keys)):
        if hit >= (1 - _MOST_LOST_UNNAMED) * (one.facts.rows - one.facts.missing):
            yield Reference(name, one.column.name, name, keys[0], 1 - hit / table.rows, used)


def _possible_keys(table: TableDescription) -> list[str]:
    """Return the columns that no two rows share and no row lacks, those called like a key first."""
    able = [one for one in table.columns if one.column.kind in _KINDS and _is_key(one)]
    return sorted((one.column.name for one in able), key=lambda name: not called_like_a_key(name))


def _is_key(one: Inferred) -> bool:
    facts = one.facts
    return not facts.missing and not facts.repeated and facts.different == facts.rows > 1


def _values(table: TableDescription, names: Sequence[str]) -> dict[str, pa.Array]:
    """Return the different values of columns as words."""
    parts: dict[str, list[pa.Array]] = {name: [] for name in names}
    for name, words in _columns(table, names):
        parts[name].append(words.drop_null())
    return {name: pa.concat_arrays(found) for name, found in parts.items()}


def _hits(table: TableDescription, wanted: Sequence[tuple[str, pa.Array]]) -> list[tuple[int, int]]:
    """Return for pairs of a column and values how many cells hold one of these, and how many of these are held."""
    counted: dict[str, list[pa.StructArray]] = {column: [] for column, _ in wanted}
    for column, words in _columns(table, list(counted)):
        counted[column].append(pc.value_counts(words.drop_null()))
    found = []
    for column, values in wanted:
        # Once for all batches: looking up means to sort all values into a table first.
        cells = pa.concat_arrays(counted[column])
        places, counts = pc.index_in(cells.field("values"), values), cells.field("counts")
        found.append((pc.sum(counts.filter(places.is_valid())).as_py() or 0, len(pc.unique(places.drop_null()))))
    return found


def _columns(table: TableDescription, names: Sequence[str]) -> Iterator[tuple[str, pa.Array]]:
    if not names:
        return
    reader = find("readers", table.reader)(**table.options)
    assert isinstance(reader, TabularSettings)
    rows = reader.rows()
    for batch in rows.batches():
        for name in names:
            words = cells(batch.column(rows.names.index(name)), reader.missing)
            # 101.0, as whole numbers with gaps are often written, is the key 101.
            yield name, pc.replace_substring_regex(words, WHOLE, r"\1")


def _most_lost(column: str, other: str, key: str, values: pa.Array) -> float | None:
    """Return the share of cells that need not be keys; None when nothing but chance speaks for a reference."""
    if _named(column, other, key):
        return _MOST_LOST
    return _MOST_LOST_UNNAMED if _telling(values) else None


def _telling(values: pa.Array) -> bool:
    """Say whether keys are words: numbers from 1 on are keys everywhere, and so is a single letter."""
    lengths = pc.min_max(pc.utf8_length(values)).as_py()
    numbers = pc.all(pc.match_substring_regex(values, r"^[-+]?[0-9.,]+$")).as_py()
    return not numbers and lengths["min"] >= _SHORTEST


def _named(column: str, other: str, key: str) -> bool:
    """Say whether a column is called like a table or like its key; words that any key has tell nothing.

    Example:
        >>> _named("customerId", "customers", "id"), _named("ship_to", "countries", "code"), _named("id", "items", "id")
        (True, False, False)
    """
    return bool(stems(column) & (stems(other) | stems(key)))


def _both_ways(references: tuple[Reference, ...], found: Mapping[str, TableDescription]) -> tuple[Reference, ...]:
    """Return references without the worse of two that go to and fro between the same keys of two tables."""
    kept = list(references)
    for one in references:
        back = [
            two for two in kept
            if (two.table, two.other, two.column, two.key) == (one.other, one.table, one.key, one.column)
        ]  # fmt: skip
        for two in back:
            worse = max((one, two), key=lambda each: (each.lost, -found[each.other].rows, each.table))
            if worse in kept:
                kept.remove(worse)
    return tuple(kept)


def _to_the_end(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """Return references past keys that are themselves keys of another table: a key names one row."""
    found = []
    for one in references:
        beyond = {(two.table, two.column): two for two in references}
        for _ in references:
            if two := beyond.get((one.other, one.key)):
                one = replace(one, other=two.other, key=two.key)  # noqa: PLW2901
        found.append(one)
    return tuple(one for one in found if one.table != one.other)


def _fit(table: TableDescription) -> tuple[bool, int]:
    """Say whether a table can be the root: a list of names says nothing, and of a few rows nothing can be learnt."""
    says = any(one.column.kind not in ("id", "text") and not _is_key(one) for one in table.columns)
    return says, min(table.rows, _ENOUGH)


def _worth(tree: Mapping[str, Reference]) -> int:
    """Return the product of the numbers of families: many tables count, but not one that three rows own together."""
    return math.prod(one.used for one in tree.values())


def _tree(root: str, references: Sequence[Reference]) -> dict[str, Reference]:
    """Return the owner of every table under a root: the one furthest from it, of several that with most families."""
    owners: dict[str, Reference] = {}
    depth = {root: 0}
    for _ in references:
        for one in references:
            if one.table == root or one.other not in depth or one.table in _above(one.other, owners):
                continue
            deeper, owner = depth[one.other] + 1, owners.get(one.table)
            if owner is None or (deeper, one.used) > (depth[one.table], owner.used):
                owners[one.table], depth[one.table] = one, deeper
    return {name: owners[name] for name in sorted(owners, key=lambda name: depth[name])}


def _above(name: str, owners: Mapping[str, Reference]) -> set[str]:
    found = {name}
    while name in owners and owners[name].other not in found:
        name = owners[name].other
        found.add(name)
    return found
