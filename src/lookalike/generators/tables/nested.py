"""Several tables with keys: parents first, then their children, by any generator of single tables.

Legend: N rows of the root, P rows of a parent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from pydantic import Field, ValidationError, model_validator

from lookalike.core.contracts import Fitted, Method
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Note, Progress, Watch
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.core.schema import Member, Schema
from lookalike.core.store import write_json
from lookalike.data.clock import Clock
from lookalike.data.fresh import Places, fresh_words, tell_unlearnt
from lookalike.data.pixels import shown
from lookalike.data.reduced import Reduction, reduction_of
from lookalike.data.relations import Relations, concatenate_relations, number_name, table_folder
from lookalike.data.table import Codes, Table, Values, table_schema
from lookalike.generators.tables.families.children import Children, described, fit_children, learnt, load_children
from lookalike.generators.tables.families.distinct import alone, new_keys, timed
from lookalike.generators.tables.families.numbered import Apart, numbered
from lookalike.generators.tables.families.order import Known
from lookalike.generators.tables.families.shared import (
    Shared,
    attached,
    fit_shared,
    in_circles,
    in_shape,
    links_of,
    stands_for,
)
from lookalike.generators.tables.families.stage import Columns, Told, inner

_FORMAT = "lookalike.tables.nested/1"
_FEW_SHARED = 20
_BLOCK = 256
"""Rows of the root that are always made together, with all that belongs to them."""


@final
class Nested(Method):
    """Learns the root with the number of rows that belong to each, and these given their owner and their siblings.

    Children are made the first, then the last, then always the middle of a gap, each given its parent, the number of
    children and its nearest siblings that are there, by a generator of single tables that can be asked by columns. So
    siblings are alike as they are in the data, and an order is kept by construction, as are keys, numbers that count
    the rows of each owner, and columns that say what one of the owner says.
    A shared table is made once, before all others, and is the same in every sample; each of its rows stands for the
    real one that it is most like. A row that refers to it is made with the columns of the row that it refers to, how
    often that is referred to, and whether its siblings refer to the same, and then refers to the nearest such row.

    Source: Patki, Wedge and Veeramachaneni 2016, doi 10.1109/DSAA.2016.49 (parents that carry what describes their
        children); Lévy 1948 (midpoints between known neighbours); Kuhn 1955, doi 10.1002/nav.3800020109 (assignment
        of shared rows).
    Differs from the papers: a parent carries means and commonest values, pulled by what chance has in them, and not the
        parameters of a model of its own; children are drawn given their siblings too.
    """

    rows_per_shard: ClassVar[int] = 4 * _BLOCK

    generator: str = Field(
        default="tabular.trees", description="Generator of single tables, one that can be asked by any columns."
    )
    settings: Mapping[str, Any] = Field(default={}, description="Its settings.")
    tables: Mapping[str, str] = Field(
        default={}, description="Tables that another generator makes, with its default settings: its name by table."
    )

    describe: bool = Field(
        default=True, description="Parents also carry the mean or commonest value of each column of their children."
    )

    @model_validator(mode="after")
    def _of_single_tables(self) -> Self:
        for name, settings in ((self.generator, self.settings), *((name, {}) for name in self.tables.values())):
            if not name.startswith("tabular."):
                raise ValueError(f"a table is made by a generator of single tables, tabular.*, found {name}")
            configured("generators", name, settings, "settings")
        return self

    def method(self, table: str) -> tuple[str, Mapping[str, Any]]:
        """Return name and settings of the generator of a table."""
        return (self.tables[table], {}) if table in self.tables else (self.generator, self.settings)

    def fit(self, data: Relations, rng: Rng, watch: Watch) -> _FittedNested:
        """Fit one generator to the root, and up to three to every other table.

        Args:
            data: Families.
            rng: Key.
            watch: Receives what each table is told.

        Raises:
            DataError: No rows.
            ConfigError: A generator does not exist, or refuses a setting.
        """
        if len(data) == 0:
            raise DataError("tables.nested needs rows to learn from, found none; check the reader's path and the split")
        made = [member for member in data.schema.tables if not member.whole]
        shared = [member for member in data.schema.tables if member.shared]
        known = [member.name for member in (*made, *shared)]
        if empty := [member.name for member in shared if not len(data.tables[member.name])]:
            raise DataError(f"table {empty[0]} is shared but has no rows; leave it out, or check its path")
        if unknown := sorted(set(self.tables) - set(known)):
            raise ConfigError(
                f"generator.tables: {shown(unknown[0])} is no table that is made; known: {', '.join(known)}"
            )
        ways: dict[str, Reduction] = {}
        for member in (*made, *shared):
            tell_unlearnt(member.rows, f"{member.name} by tables.nested", watch)
            if (way := _way(data, member, watch)) is not None:
                ways[member.name] = way
        apart = self._fit_shared(data, ways, rng.child("shared"), watch)
        of_owner = {member.name: copied(member, ways) for member in made}
        columns = {
            member.name: _columns(data, member.name, ways) | attached(data, member, apart, of_owner[member.name])
            for member in made
        }
        if self.describe:
            _describe(data, columns, ways, of_owner)
        root, count = made[0], len(made)
        schema = table_schema([column for column, _ in columns[root.name].values()], root.rows.label)
        table = Table.of({name: values for name, (_, values) in columns[root.name].items()}, schema)
        model = inner(*self.method(root.name), ()).fit(table, rng.child("table", 0), Told(watch, root.name))
        watch(Progress("fit", 1, count, "tables"))
        children = {}
        for place, member in enumerate(made[1:], 1):
            parents, sizes, same = columns[str(member.parent)], data.sizes[member.name], of_owner[member.name]
            own = {name: found for name, found in columns[member.name].items() if name not in same}
            told, key, method = Told(watch, member.name), rng.child("table", place), self.method(member.name)
            to = {link: stands_for(data, member, link, apart) for link, other in member.links
                  if other in apart and link not in same}  # fmt: skip
            order = None if member.order in same else member.order
            once = alone(member, ways[member.name].replaced if member.name in ways else (), [str(order)]).values()
            children[member.name] = fit_children(
                own, parents, sizes, order, method, key, told, to, timed(once, ways.get(member.name))
            )
            watch(Progress("fit", place + 1, count, "tables"))
        kept = {member.name: data.tables[member.name] for member in data.schema.tables if member.keep}
        shared_ = {name: one for name, (one, _) in apart.items()}
        return _FittedNested(data.schema, model, children, kept, ways, shared_)

    def _fit_shared(
        self, data: Relations, ways: Mapping[str, Reduction], rng: Rng, watch: Watch
    ) -> dict[str, tuple[Shared, Codes]]:
        """Learn the shared tables and make them anew, those that others link to first."""
        found: dict[str, tuple[Shared, Codes]] = {}
        circles, shared = in_circles(data.schema.tables), [one for one in data.schema.tables if one.shared]
        for place, member in enumerate(shared):
            besides = circles[member.name]
            known = _columns(data, member.name, ways) | attached(data, member, found, besides)
            links = links_of(member, {name: one for name, (one, _) in found.items()}, besides)
            if (rows := len(data.tables[member.name])) < _FEW_SHARED:
                few = f"{member.name}: shared, with {rows} rows to learn from: made rows can be real ones with new keys"
                watch(Note("fit", few, "warning"))
            method, told, way = self.method(member.name), Told(watch, member.name), ways.get(member.name)
            found[member.name] = fit_shared(data, member, known, links, way, method, rng.child("table", place), told)
        shaped = {one.name: in_shape(data, one, circles[one.name], found) for one in shared}
        return {name: (shaped[name], alias) for name, (_, alias) in found.items()}

    def load(self, folder: Path) -> _FittedNested:
        """Read fitted tables; settings of sampling come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        try:
            about = json.loads((folder / "lookalike.json").read_text(encoding="utf-8"))
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}, expected {_FORMAT}")
            schema = Schema.model_validate(about["schema"])
            ways = {name: Reduction.model_validate(way) for name, way in about["ways"].items()}
            root = schema.tables[0].name
            model = inner(*self.method(root), ()).load(table_folder(folder, root))
            children = {
                member.name: load_children(table_folder(folder, member.name), self.method(member.name))
                for member in schema.tables
                if member.parent is not None
            }
            apart = {
                member.name: Shared.open(table_folder(folder, member.name), str(member.key))
                for member in schema.tables
                if member.shared
            }
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold complete tables.nested ({reason}); fit them again") from None
        kept = {member.name: Table.open(table_folder(folder, member.name)) for member in schema.tables if member.keep}
        return _FittedNested(schema, model, children, kept, ways, apart)


@final
class _FittedNested:
    """Fitted generators of all tables."""

    spent = None

    def __init__(
        self,
        schema: Schema,
        model: Fitted[Table],
        children: Mapping[str, Children],
        kept: Mapping[str, Table],
        ways: Mapping[str, Reduction],
        apart: Mapping[str, Shared],
    ) -> None:
        self.schema, self.model, self.children, self.kept, self.ways = schema, model, children, kept, ways
        self.apart = apart
        self.copied = {member.name: copied(member, ways) for member in schema.tables}
        self.links = {member.name: links_of(member, apart, self.copied[member.name]) for member in schema.tables}

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Relations:
        """Make exactly n rows of the root with all that belongs to them.

        Blocks of 256 families are made whole, so family i depends on the key, on i and, where rows are asked for, on
        what is asked of its block.

        Args:
            n: Number of rows of the root, at least 0.
            rng: Key.
            where: Column of the root -> one value, or one for each row; "label" means its label column.

        Raises:
            ConfigError: The generator of the root cannot be asked for that.
        """
        parts = [Relations.empty(self.schema)] if not n else []
        asked, whole = _by_row(n, where), Places.of(max(1, n), rng)
        for block, start in enumerate(range(0, n, _BLOCK)):
            count = min(_BLOCK, n - start)
            # Rows beyond the last one asked are made as that one.
            some = {name: [*values[start : start + count], *[values[-1]] * (_BLOCK - count)] if listed else values
                    for name, (listed, values) in asked.items()}  # fmt: skip
            places = Places(whole.rows[0] + np.arange(start, start + _BLOCK, dtype=np.int64), whole.key)
            made = self._block(_BLOCK, rng.child("block", block), some, places)
            parts.append(made if count == _BLOCK else made.take(np.arange(count)))
        found = concatenate_relations(parts)
        apart = {name: shared.table for name, shared in self.apart.items()}
        return Relations({**found.tables, **self.kept, **apart}, found.sizes, self.schema)

    def _block(self, n: int, rng: Rng, where: Mapping[str, object], places: Places) -> Relations:
        root = self.schema.tables[0]
        made: dict[str, Columns] = {root.name: self._first(n, rng, where)}
        sizes: dict[str, Codes] = {}
        tables: dict[str, Table] = {}
        at, rows = {root.name: places}, n
        for place, member in enumerate(self.schema.tables):
            if member.whole:
                tables[member.name] = Table.empty(member.rows)
                continue
            if member.parent is not None:
                own, parent = self.children[member.name], member.parent
                number = made[parent][self._number(parent, member.name)]
                size = np.clip(np.rint(np.nan_to_num(number)), 0, own.most).astype(np.int64)
                made[parent][self._number(parent, member.name)] = size.astype(np.float64)
                key, links = rng.child("children", place - 1), self.links[member.name]
                made[member.name] = own.draw(made[parent], size, key, links)
                at[member.name] = at[parent].children(size, own.most, member.name)
                sizes[member.name], rows = size, int(size.sum())
            owner = self._of_owner(member, tables, sizes)
            words = fresh_words(member.rows, rows, rng.child("words", place), at[member.name], owner)
            linked = {link.column: link.keys(made[member.name][link.column]) for link in self.links[member.name]}
            values: dict[str, Values] = {**made[member.name], **words, **owner, **linked}
            way = self.ways.get(member.name)
            found = Table.of(values, member.rows if way is None else way.left())
            tables[member.name] = found if way is None else way.restore(found)
            # What belongs to these rows is made with what they have of their owners too.
            made[member.name] |= {name: owner[name] for name in self.copied[member.name]}
        return Relations(tables, sizes, self.schema)

    def _first(self, n: int, rng: Rng, where: Mapping[str, object]) -> Columns:
        """Return the columns of n rows of the root."""
        root = self.schema.tables[0]
        way = self.ways.get(root.name)
        asked = where if way is None else way.asked(n, where, "tables.nested")
        drawn = self.model.sample(n, rng.child("root"), asked)
        first: Columns = {name: values for name, (_, values) in learnt(drawn).items()}
        for place, link in enumerate(self.links[root.name]):
            first |= {link.column: link.find(first, rng.child("link", place))}
            first |= link.values(first[link.column])
        return first

    def _number(self, parent: str, child: str) -> str:
        """Return the column of a parent that counts its children in a table."""
        owned = [member.name for member in self.schema.tables if member.parent == parent]
        taken = [column.name for member in self.schema.tables if member.name == parent
                 for column in member.rows.columns]  # fmt: skip
        found = {}
        for name in owned:
            found[name] = number_name(name, taken)
            taken.append(found[name])
        return found[child]

    def _of_owner(self, member: Member, tables: Mapping[str, Table], sizes: Mapping[str, Codes]) -> dict[str, Values]:
        """Return the keys of the owners of a table's rows, and what else these have of them."""
        if member.parent is None:
            return {}
        key = next(one.key for one in self.schema.tables if one.name == member.parent)
        rows = np.repeat(np.arange(len(sizes[member.name]), dtype=np.int64), sizes[member.name])
        pairs = {**({} if member.column is None else {member.column: str(key)}), **self.copied[member.name]}
        beside = tables[member.parent].select(list(dict.fromkeys(pairs.values()))).take(rows)
        return {mine: beside.values(other) for mine, other in pairs.items()}

    def save(self, folder: Path) -> None:
        """Write `lookalike.json`, and one folder for each table."""
        root = table_folder(folder, self.schema.tables[0].name)
        root.mkdir(parents=True)
        self.model.save(root)
        for name, children in self.children.items():
            children.save(table_folder(folder, name))
        for name, shared in self.apart.items():
            shared.save(table_folder(folder, name))
        for name, table in self.kept.items():
            table_folder(folder, name).mkdir(parents=True)
            table.save(table_folder(folder, name))
        about = {
            "format": _FORMAT,
            "schema": self.schema.model_dump(mode="json"),
            "ways": {name: way.model_dump(mode="json") for name, way in self.ways.items()},
        }
        write_json(folder / "lookalike.json", about)


def _way(data: Relations, member: Member, watch: Watch) -> Reduction | None:
    """Return how a table keeps constraints and times of day by construction; its order is left as it is."""
    table, sizes = data.tables[member.name], data.sizes.get(member.name, np.zeros(0, dtype=np.int64))
    fixed = {mine for mine, _ in member.inherited}
    known = learnt(table)
    counted = {one.column for one in numbered(known, sizes, member.order)}
    # Times of the order are learnt with it: see `Order`.
    way = reduction_of(table, {*fixed, *([member.order] if member.order else [])}, fixed | counted)
    if member.order in way.replaced:
        times = tuple(step for step in way.steps if isinstance(step, Clock))
        way = Reduction(whole=way.whole, steps=times)
    kept = way if way.steps else None
    demanded = (str(member.order),) in alone(member, way.replaced, [str(member.order)]).values()
    apart = {order for order in known if order == member.order and Apart.of(*known[order], sizes, demanded)}
    # The key of the owner and further columns come once.
    once = alone(member, way.replaced, (counted | apart) - way.replaced) | new_keys(member)
    rejected = [rule.title for rule in member.rows.constraints if rule.title not in {*once, *way.kept}]
    if rejected:
        what = "rows" if member.shared else "whole families"
        told = f"{member.name}: constraints {'; '.join(rejected)}: kept by rejecting {what}"
        watch(Note("fit", told, "warning"))
    return kept


def copied(member: Member, ways: Mapping[str, Reduction]) -> dict[str, str]:
    """Return the columns of a table that are copied from its owner, and those there; a formula is stronger."""
    way = ways.get(member.name)
    return {mine: other for mine, other in member.inherited if way is None or mine not in way.replaced}


def _describe(
    data: Relations,
    columns: Mapping[str, Known],
    ways: Mapping[str, Reduction],
    of_owner: Mapping[str, Mapping[str, str]],
) -> None:
    """Add to the columns of every table what describes the rows that belong to its rows."""
    # From above, so that what describes children does not stand among what describes their parents.
    for member in data.owned:
        # Nor does what a shared table says: a mean that is exactly that of one row tells too much.
        own, sizes = _columns(data, member.name, ways), data.sizes[member.name]
        # Nor do numbers from 1 on: their mean is that of the number of rows.
        counted = (one.column for one in numbered(own, sizes, member.order))
        cut = {member.order, *counted, *of_owner[member.name]}
        own = {name: found for name, found in own.items() if name not in cut}
        columns[str(member.parent)].update(described(own, data.owners(member.name), len(sizes), f"{member.name}:"))


def _columns(data: Relations, name: str, ways: Mapping[str, Reduction]) -> Known:
    """Return what is learnt of the rows of a table, and how many rows of other tables they own."""
    table, extended = data.tables[name], data.extended(name)
    counts = extended.schema.columns[len(table.schema.columns) :]
    left = ways[name].reduce(table) if name in ways else table
    return {**learnt(left), **{column.name: (column, extended.numbers(column.name)) for column in counts}}


def _by_row(n: int, where: Mapping[str, Any] | None) -> dict[str, tuple[bool, Any]]:
    """Return what is asked, and whether it is one value for each row."""
    found: dict[str, tuple[bool, Any]] = {}
    for name, value in (where or {}).items():
        listed = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)
        if listed and len(value) != n:
            raise ConfigError(f"where: {len(value)} values of {shown(name)} for {n} rows; give one value, or one each")
        found[name] = (listed, list(value) if listed else value)
    return found
