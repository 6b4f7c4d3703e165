"""Shared tables: made anew as a whole, and found again by what the rows that refer to them ask for.

Legend: M rows of a shared table, N rows that refer to them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from lookalike.core.errors import DataError
from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Member
from lookalike.core.store import write_json
from lookalike.data.arrays import MixedSpace, mixed_space
from lookalike.data.fresh import Places, fresh_words
from lookalike.data.keyed import circles
from lookalike.data.reduced import Reduction
from lookalike.data.relations import Relations
from lookalike.data.table import CODED, Codes, Table, Values, concatenate_tables, table_schema
from lookalike.generators.tables.families.order import Known
from lookalike.generators.tables.families.stage import Columns, inner
from lookalike.techniques.neighbours import k_nearest

_GUIDE = "guide"
_MARK = "\x1f"
"""A separator that no column of a file is called by: a name with it is never one of the user's."""
_MOST_ASSIGNED = 1000
"""Most rows that are assigned to each other exactly: it takes the cube of their number."""
_ROUNDS = 100


@final
@dataclass(frozen=True)
class Shared:
    """A shared table that was made anew.

    Attributes:
        table: Its rows, with new keys, [M].
        guide: What its rows are found by: columns that were learnt, and how often each row is referred to, [M].
        key: The column that names its rows.
        own: Columns of the guide that rows of any table are matched by; the others count references by one link.
    """

    table: Table
    guide: Table
    key: str
    own: tuple[str, ...]

    def save(self, folder: Path) -> None:
        """Write the table, and the guide into a folder of its own."""
        (folder / _GUIDE).mkdir(parents=True)
        self.table.save(folder)
        self.guide.save(folder / _GUIDE)
        write_json(folder / "shared.json", {"own": list(self.own)})

    @classmethod
    def open(cls, folder: Path, key: str) -> Self:
        """Open what `save` wrote."""
        about = json.loads((folder / "shared.json").read_text(encoding="utf-8"))
        return cls(Table.open(folder), Table.open(folder / _GUIDE), key, tuple(about["own"]))


@final
@dataclass(frozen=True)
class Link:
    """A column that refers to a shared table made anew.

    Attributes:
        column: Its name.
        shared: The table.
        number: The column of the guide that counts references by this link.
    """

    column: str
    shared: Shared
    number: str

    @property
    def _names(self) -> tuple[str, ...]:
        return (*self.shared.own, self.number)

    @cached_property
    def _places(self) -> tuple[MixedSpace, Any, Codes, Codes, Codes]:
        """Return the space of the guide, its different places, rows in their order, and first row and rows of each."""
        guide = ranked(self._guide, {name: self._guide.values(name) for name in self._names})
        space = mixed_space(guide, self._names)
        places, member = np.unique(self._weighted(space, guide), axis=0, return_inverse=True)
        size = np.bincount(member.ravel(), minlength=len(places))
        return space, places, self._able[np.argsort(member.ravel(), kind="stable")], np.cumsum(size) - size, size

    @cached_property
    def _able(self) -> Codes:
        """Rows that can be found: what nothing refers to is not among them."""
        return np.flatnonzero(np.asarray(self.shared.guide.numbers(self.number)) > 0)

    @cached_property
    def _guide(self) -> Table:
        return self.shared.guide.take(self._able)

    def find(self, wanted: Columns, rng: Rng) -> Codes:
        """Return the row that is most like what each row asks for, [N]; -1 = it asks for none, or none is referred to.

        Numbers are compared by their ranks, so that those who are referred to most are no class of their own. How often
        a row is referred to counts as much as all its columns together, else busy rows would not stay busy. Of
        rows that are equally like it one is drawn.

        Args:
            wanted: Columns of the guide, named by `asking`, [N] each; a missing number of references asks for no row.
            rng: Key.

        Source: Rubin 1986, doi 10.2307/1391390 (statistical matching to the nearest row).
        """
        if not len(self._able):
            return np.full(len(wanted[asking(self.column, self.number)]), -1, dtype=np.int64)
        space, places, order, first, size = self._places
        asked = ranked(self._guide, {name: wanted[asking(self.column, name)] for name in self._names})
        near = k_nearest(self._weighted(space, asked), places, 1)[1][:, 0]
        row = order[first[near] + (rng.numpy().random(len(near)) * size[near]).astype(np.int64)]
        none = np.isnan(np.asarray(wanted[asking(self.column, self.number)], dtype=np.float64))
        return np.asarray(np.where(none, -1, row), dtype=np.int64)

    def _weighted(self, space: MixedSpace, rows: Table) -> npt.NDArray[np.float32]:
        """Return places of rows in which the number of references weighs as much as all other columns."""
        found = space.array(rows)
        found[:, space.slices[self.number]] *= max(1, len(self.shared.own)) ** 0.5
        return found

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the guide that rows are found by."""
        return tuple(self.shared.guide.schema.column(name) for name in self._names)

    def values(self, rows: Codes) -> Columns:
        """Return what rows of the shared table have in the columns of the guide, named by `asking`; -1 = missing."""
        guide = self.shared.guide
        return {
            asking(self.column, name): _taken(guide.schema.column(name), guide.values(name), rows)
            for name in self._names
        }

    def keys(self, rows: Codes) -> list[str | None]:
        """Return the new keys of rows of the shared table; -1 = missing."""
        return list(np.array([*self.shared.table.strings(self.shared.key), None], dtype=object)[rows].tolist())


def asking(column: str, name: str) -> str:
    """Return what a column of a guide is called among those of a table that refers to it; no real one is called so."""
    return f"{_MARK}{column}{_MARK}{name}"


def in_circles(tables: Sequence[Member]) -> dict[str, tuple[str, ...]]:
    """Return by shared table the columns with keys of itself, or of a shared table that refers to it in turn."""
    shared = [one for one in tables if one.shared]
    circle = circles({one.name: [other for _, other in one.links] for one in shared})
    return {one.name: tuple(column for column, other in one.links if other in circle[one.name]) for one in shared}


def in_shape(
    data: Relations, member: Member, columns: Sequence[str], shared: Mapping[str, tuple[Shared, Codes]]
) -> Shared:
    """Return a shared table with keys in columns that go in a circle, where neither row can be made before the other.

    What a made row refers to stands for the one that the real row refers to which it stands for: so a tree of topics
    has the shape of the real one, and whoever leads a department is one of it.

    Args:
        data: Families.
        member: The table.
        columns: Its columns that go in a circle.
        shared: All shared tables, each with the made row that stands for each real one, [M].

    Raises:
        DataError: Constraints that such keys are part of do not hold.
    """
    one, alias = shared[member.name]
    table = one.table
    for link in links_of(member, {name: other for name, (other, _) in shared.items()}):
        if link.column in columns:
            rows = stands_for(data, member, link.column, shared)[np.argsort(alias)]
            place = table.table.column_names.index(link.column)
            keys = pa.array(link.keys(rows), table.table.column(link.column).type)
            table = Table(table.table.set_column(place, link.column, keys), table.schema)
    if columns and (wrong := table.problems()):
        raise DataError(
            f"table {member.name}: {next(iter(wrong.values()))}, with keys in {', '.join(columns)}, which go in a "
            "circle; leave the constraint or the link out"
        )
    return replace(one, table=table)


def number_of(table: str, column: str) -> str:
    """Return the name of the column of a guide that counts the rows of a table that refer by a column."""
    return f"{_MARK}number of {table} by {column}"


def attached(
    data: Relations, member: Member, shared: Mapping[str, tuple[Shared, Codes]], besides: Collection[str] = ()
) -> Known:
    """Return what rows of a table say of the made rows that stand for those that they refer to, [N] each.

    Args:
        data: Families.
        member: The table.
        shared: The shared tables made anew, each with the made row that stands for each real one, [M].
        besides: Columns that say nothing of their own: those of the owner, and those that go in a circle.
    """
    found: Known = {}
    for link in links_of(member, {name: one for name, (one, _) in shared.items()}, besides):
        rows = stands_for(data, member, link.column, shared)
        values = link.values(rows)
        for column in link.columns:
            called, optional = asking(link.column, column.name), column.optional or bool((rows < 0).any())
            changed = column.model_copy(update={"name": called, "optional": optional})
            found[called] = changed, values[called]
    return found


def stands_for(data: Relations, member: Member, column: str, shared: Mapping[str, tuple[Shared, Codes]]) -> Codes:
    """Return the made row that stands for the real one that each row of a table refers to, [N]; -1 = none."""
    alias = shared[dict(member.links)[column]][1]
    return np.asarray(np.append(alias, -1)[data.linked(member.name, column)], dtype=np.int64)


def _taken(column: Column, values: Values, rows: Codes) -> Values:
    """Return values by their rows; row -1 = missing."""
    some = np.asarray(values)[rows]
    return np.where(rows < 0, -1 if column.kind in CODED else np.nan, some)


def ranked(guide: Table, columns: Columns) -> Table:
    """Return rows with the rank that a number has in a guide in its place: what towers over others is no class."""
    schema, found = [], {}
    for name, asked in columns.items():
        values, column = np.asarray(asked), guide.schema.column(name).model_copy(update={"optional": True})
        if column.kind not in CODED:
            ranks = np.sort(np.asarray(guide.values(name), dtype=np.float64))
            ranks, column = ranks[~np.isnan(ranks)], Column(name=name, kind="number", optional=True)
            sides = [np.searchsorted(ranks, values, side) for side in ("left", "right")]
            values = np.where(np.isnan(values), np.nan, (sides[0] + sides[1]) / 2)
        schema.append(column)
        found[name] = values
    return Table.of(found, table_schema(schema))


def fit_shared(
    data: Relations,
    member: Member,
    known: Known,
    links: Sequence[Link],
    way: Reduction | None,
    method: tuple[str, Mapping[str, Any]],
    rng: Rng,
    watch: Watch,
) -> tuple[Shared, Codes]:
    """Learn a shared table, make as many rows anew, and let each stand for the real one that it is most like.

    A made row is referred to as often, and by such rows, as the real one that it stands for.

    Args:
        data: Families.
        member: The shared table.
        known: Its learnt columns, and what those say that they refer to, [M] each.
        links: Its own links to other shared tables.
        way: How its constraints are kept by construction; None = there is nothing to keep.
        method: Name and settings of a generator of single tables.
        rng: Key.
        watch: Receives events.

    Returns:
        The table made anew, and the made row that stands for each real one, [M].

    Raises:
        DataError: The table has constraints that cannot be kept.

    Source: Kuhn 1955, doi 10.1002/nav.3800020109 (assignment).
    """
    table, drawn = _made(len(data.tables[member.name]), member, known, links, way, method, rng, watch)
    left = [column.name for column in (member.rows if way is None else way.left()).columns]
    own = {name: found for name, found in known.items() if name in left}
    columns, counts = [column for column, _ in own.values()], _counts(data, member.name)
    if own:
        real = Table.of({name: values for name, (_, values) in own.items()}, table_schema(columns))
        places = [ranked(real, {name: some.values(name) for name in own}) for some in (real, drawn)]
        space = mixed_space(places[0], list(own))
        alias = _matched(space.array(places[0]), space.array(places[1]), np.sum([*counts.values()], axis=0))
    else:
        alias = rng.child("order").numpy().permutation(len(table))
    values: Columns = {name: drawn.values(name) for name in own}
    for name, count in counts.items():
        columns.append(Column(name=name, kind="integer", low=0))
        # What row alias[i] has is what real row i has: each stands for one.
        values[name] = count[np.argsort(alias)]
    return Shared(table, Table.of(values, table_schema(columns)), str(member.key), tuple(own)), alias


def _made(
    rows: int,
    member: Member,
    known: Known,
    links: Sequence[Link],
    way: Reduction | None,
    method: tuple[str, Mapping[str, Any]],
    rng: Rng,
    watch: Watch,
) -> tuple[Table, Table]:
    """Return new rows of a shared table that keep its constraints, and what was drawn of them."""
    schema, model = table_schema([column for column, _ in known.values()]), None
    if known:  # a table of keys alone has nothing to learn
        learnt = Table.of({name: values for name, (_, values) in known.items()}, schema)
        model = inner(*method, ()).fit(learnt, rng.child("fit"), watch)
    table, drawn, key = Table.empty(member.rows), Table.empty(schema), rng.child("words")
    for part in range(_ROUNDS):
        count = rows - len(table)
        some = drawn if model is None else model.sample(count, rng.child("draw", part))
        values: Columns = {column.name: some.values(column.name) for column in schema.columns}
        places = Places(np.arange(part * rows, part * rows + count, dtype=np.int64), key)
        words = fresh_words(member.rows, count, key.child("draw", part), places)
        to = {link.column: link.keys(link.find(values, key.child(link.column, part))) for link in links}
        made = Table.of({**values, **words, **to}, member.rows if way is None else way.left())
        # With those that are there: what must be unique may come again.
        table = concatenate_tables([table, made if way is None else way.restore(made)])
        drawn = drawn if model is None else concatenate_tables([drawn, some])
        wrong = table.problems()
        kept = np.array([row for row in range(len(table)) if row not in wrong], dtype=np.int64)
        table, drawn = table.take(kept), drawn if model is None else drawn.take(kept)
        if len(table) == rows:
            return table, drawn
    raise DataError(
        f"table {member.name}: {rows - len(table):,} of {rows:,} rows could not be made so that they keep its "
        f"constraints, in {_ROUNDS} rounds; loosen them, or take another generator for it"
    )


def _counts(data: Relations, to: str) -> dict[str, npt.NDArray[np.float64]]:
    """Return how often each row of a shared table is referred to, by the column of its guide that says so, [M] each."""
    found = {}
    for member in data.schema.tables:
        for column in [column for column, other in member.links if other == to]:
            rows = data.linked(member.name, column)
            count = np.bincount(rows[rows >= 0], minlength=len(data.tables[to]))
            found[number_of(member.name, column)] = count.astype(np.float64)
    return found


def _matched(real_MD: npt.NDArray[Any], made_MD: npt.NDArray[Any], weight_M: npt.NDArray[np.float64]) -> Codes:
    """Return for each real row the made row that stands for it, [M]: each for one, as near as that allows.

    Rows with more weight come nearer. Many rows are halved along the direction in which they differ most, until a half
    is small enough to be assigned exactly.
    """
    if len(real_MD) <= _MOST_ASSIGNED:
        cost = cdist(real_MD, made_MD, "sqeuclidean") * (1 + weight_M[:, None])
        return np.asarray(linear_sum_assignment(cost)[1], dtype=np.int64)
    widest, half = int(np.argmax(real_MD.var(axis=0))), len(real_MD) // 2
    orders = [np.argsort(some[:, widest], kind="stable") for some in (real_MD, made_MD)]
    found = np.empty(len(real_MD), dtype=np.int64)
    for part in (slice(0, half), slice(half, None)):
        real, made = (order[part] for order in orders)
        found[real] = made[_matched(real_MD[real], made_MD[made], weight_M[real])]
    return found


def links_of(member: Member, shared: Mapping[str, Shared], besides: Collection[str] = ()) -> tuple[Link, ...]:
    """Return the columns of a table that refer to shared tables made anew, without some."""
    links = [(column, to) for column, to in member.links if to in shared and column not in besides]
    return tuple(Link(column, shared[to], number_of(member.name, column)) for column, to in links)
