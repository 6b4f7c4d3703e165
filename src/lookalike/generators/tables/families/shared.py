"""Shared tables: made anew as a whole, and found again by what the rows that refer to them ask for.

Legend: M rows of a shared table, N rows that refer to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from lookalike.core.errors import DataError
from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Member
from lookalike.core.store import write_json
from lookalike.data.arrays import MixedSpace, mixed_space
from lookalike.data.fresh import Places, fresh_words
from lookalike.data.reduced import Reduction
from lookalike.data.relations import Relations
from lookalike.data.table import CODED, Codes, Table, Values, concatenate_tables, table_schema
from lookalike.generators.tables.families.order import Known
from lookalike.generators.tables.families.stage import Columns, fit_stage
from lookalike.techniques.neighbours import k_nearest

_GUIDE = "guide"
_ROUNDS = 100
_NUMBER_WEIGHT = 2.0
"""How far apart two numbers of references lie, as against all other columns together."""


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
        guide = self._ranked({name: self._guide.values(name) for name in self._names})
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
        a row is referred to counts for more than all its columns together, else busy rows would not stay busy. Of
        rows that are equally like it one is drawn.

        Args:
            wanted: Columns of the guide, named by `asking`, [N] each; a missing number of references asks for no row.
            rng: Key.

        Source: Rubin 1986, doi 10.2307/1391390 (statistical matching to the nearest row).
        """
        if not len(self._able):
            return np.full(len(wanted[asking(self.column, self.number)]), -1, dtype=np.int64)
        space, places, order, first, size = self._places
        asked = self._ranked({name: wanted[asking(self.column, name)] for name in self._names})
        near = k_nearest(self._weighted(space, asked), places, 1)[1][:, 0]
        row = order[first[near] + (rng.numpy().random(len(near)) * size[near]).astype(np.int64)]
        none = np.isnan(np.asarray(wanted[asking(self.column, self.number)], dtype=np.float64))
        return np.asarray(np.where(none, -1, row), dtype=np.int64)

    def _weighted(self, space: MixedSpace, rows: Table) -> npt.NDArray[np.float32]:
        """Return places of rows in which the number of references weighs more than all other columns."""
        found = space.array(rows)
        found[:, space.slices[self.number]] *= _NUMBER_WEIGHT * max(1, len(self.shared.own)) ** 0.5
        return found

    def _ranked(self, columns: Columns) -> Table:
        """Return rows with the rank that a number has in the guide in its place."""
        guide, schema, found = self._guide, [], {}
        for name, asked in columns.items():
            values, column = np.asarray(asked), guide.schema.column(name).model_copy(update={"optional": True})
            if column.kind not in CODED:
                ranks, column = (
                    np.sort(np.asarray(guide.values(name), dtype=np.float64)),
                    Column(name=name, kind="number", optional=True),
                )
                ranks = ranks[~np.isnan(ranks)]
                sides = [np.searchsorted(ranks, values, side) for side in ("left", "right")]
                values = np.where(np.isnan(values), np.nan, (sides[0] + sides[1]) / 2)
            schema.append(column)
            found[name] = values
        return Table.of(found, table_schema(schema))

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
    """Return what a column of a guide is called among the columns of a table that refers to it."""
    return f"{column}: {name}"


def number_of(table: str, column: str) -> str:
    """Return the name of the column of a guide that counts the rows of a table that refer by a column."""
    return f"number of {table} by {column}"


def counted(data: Relations, to: str) -> Known:
    """Return how often each row of a shared table is referred to, a column for each link, [M] each."""
    found: Known = {}
    for member in data.schema.tables:
        for column in [column for column, other in member.links if other == to]:
            rows = data.linked(member.name, column)
            name = number_of(member.name, column)
            count = np.bincount(rows[rows >= 0], minlength=len(data.tables[to]))
            found[name] = Column(name=name, kind="integer", low=0), count.astype(np.float64)
    return found


def attached(data: Relations, member: Member, guides: Mapping[str, Known]) -> Known:
    """Return what the rows that a table refers to say, in the place of their keys, [N] each.

    Args:
        data: Families.
        member: The table.
        guides: Of each shared table the columns that are learnt, [M] each.
    """
    found: Known = {}
    for column, to in member.links:
        if to not in guides:
            continue
        rows, number = data.linked(member.name, column), number_of(member.name, column)
        for name, (about, values) in {**guides[to], number: counted(data, to)[number]}.items():
            called = asking(column, name)
            optional = about.optional or bool((rows < 0).any())
            changed = about.model_copy(update={"name": called, "optional": optional})
            found[called] = changed, _taken(about, values, rows)
    return found


def _taken(column: Column, values: Values, rows: Codes) -> Values:
    """Return values by their rows; row -1 = missing."""
    some = np.asarray(values)[rows]
    return np.where(rows < 0, -1 if column.kind in CODED else np.nan, some)


def fit_shared(
    data: Relations,
    member: Member,
    known: Known,
    links: Sequence[Link],
    way: Reduction | None,
    method: tuple[str, Mapping[str, Any]],
    rng: Rng,
    watch: Watch,
) -> Shared:
    """Learn a shared table and make it anew: as many rows, referred to as often as the real ones, in another order.

    Args:
        data: Families.
        member: The shared table.
        known: Its learnt columns, and what those say that they refer to, [M] each.
        links: Its own links to other shared tables.
        way: How its constraints are kept by construction; None = there is nothing to keep.
        method: Name and settings of a generator of single tables that can be asked by columns.
        rng: Key.
        watch: Receives events.

    Raises:
        DataError: The table has constraints that cannot be kept.
    """
    rows, numbers = len(data.tables[member.name]), counted(data, member.name)
    counts = {name: np.asarray(values) for name, (_, values) in numbers.items()}
    # A table of keys alone has nothing to learn.
    stage = fit_stage(known, numbers, method, rng.child("fit"), watch) if known else None
    left = member.rows if way is None else way.left()
    own = {name: column for name, (column, _) in known.items() if name in [column.name for column in left.columns]}
    schema = table_schema([*own.values(), *(column for column, _ in numbers.values())])
    tables, guides, pending = [], [], rng.child("order").numpy().permutation(rows)
    for part in range(_ROUNDS):
        some, count, key = {name: values[pending] for name, values in counts.items()}, len(pending), rng.child("words")
        drawn: Columns = {} if stage is None else stage.draw(some, count, rng.child("draw", part))
        places = Places(np.arange(part * rows, part * rows + count, dtype=np.int64), key)
        words = fresh_words(member.rows, count, key.child("draw", part), places)
        to = {link.column: link.keys(link.find(drawn, key.child(link.column, part))) for link in links}
        made = Table.of({**drawn, **words, **to}, left)
        made = made if way is None else way.restore(made)
        wrong = sorted(made.problems())
        kept = np.setdiff1d(np.arange(count), wrong)
        tables.append(made.take(kept))
        guides.append(Table.of({**drawn, **some}, schema).take(kept))
        pending = pending[wrong]
        if not len(pending):
            return Shared(concatenate_tables(tables), concatenate_tables(guides), str(member.key), tuple(own))
    raise DataError(
        f"table {member.name}: {len(pending):,} of {rows:,} rows could not be made so that they keep its constraints, "
        f"in {_ROUNDS} rounds; loosen them, or take another generator for it"
    )


def links_of(member: Member, shared: Mapping[str, Shared]) -> tuple[Link, ...]:
    """Return the columns of a table that refer to shared tables made anew."""
    return tuple(
        Link(column, shared[to], number_of(member.name, column)) for column, to in member.links if to in shared
    )
