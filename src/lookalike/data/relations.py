"""Several tables with keys: every row of a table belongs to one row of its parent, and so to one row of the root.

Legend: N rows of a table, P rows of its parent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from lookalike.core.contracts import Index
from lookalike.core.errors import DataError
from lookalike.core.schema import Column, Member, Schema
from lookalike.core.store import write_file
from lookalike.data.table import WORDS, Codes, Table, concatenate_tables, table_schema

_TABLES = "tables"
_SIZES = "sizes.npy"


@final
class Relations:
    """Rows of a root table, each with all that belongs to it in other tables.

    The rows of the dataset are those of the root: taking some takes their families along, and no row of another table
    is ever on two sides of a split. Kept and shared tables belong to nobody and are always whole.

    Args:
        tables: Every table by name; the rows of an owned one stand in the order of their owners.
        sizes: Of every owned table, how many of its rows each row of its parent has, [P].
        schema: As `relations_schema` makes it.

    Raises:
        DataError: The parts do not fit together.
    """

    def __init__(self, tables: Mapping[str, Table], sizes: Mapping[str, Codes], schema: Schema) -> None:
        """Check that the parts fit together; nothing is copied."""
        for member in schema.tables:
            if member.name not in tables:
                raise DataError(f"no rows were given for the table {member.name}; give some for every table")
            size = sizes.get(member.name, np.zeros(0, dtype=np.int64))
            there = len(tables[member.name])
            if member.parent is not None and (len(size) != len(tables[member.parent]) or int(size.sum()) != there):
                raise DataError(
                    f"table {member.name} has {there} rows for {len(tables[member.parent])} rows of {member.parent}, "
                    f"found {len(size)} sizes that add up to {int(size.sum())}"
                )
        self.tables = {member.name: tables[member.name] for member in schema.tables}
        self.sizes = {member.name: sizes[member.name] for member in schema.tables if member.parent is not None}
        self.schema = schema

    @classmethod
    def empty(cls, schema: Schema) -> Self:
        """Return a dataset without rows."""
        tables = {member.name: Table.empty(member.rows) for member in schema.tables}
        sizes = {member.name: np.zeros(0, dtype=np.int64) for member in schema.tables if member.parent is not None}
        return cls(tables, sizes, schema)

    @property
    def root(self) -> Table:
        """The table whose rows are those of the dataset."""
        return self.tables[self.schema.tables[0].name]

    @property
    def owned(self) -> tuple[Member, ...]:
        """The tables whose rows have an owner, owners first."""
        return tuple(member for member in self.schema.tables if member.parent is not None)

    def __len__(self) -> int:
        """Number of rows of the root."""
        return len(self.root)

    def __repr__(self) -> str:
        """Show the sizes."""
        return f"Relations({', '.join(f'{name}: {len(table)} rows' for name, table in self.tables.items())})"

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names of the root's label."""
        return self.schema.classes

    @property
    def labels(self) -> Codes:
        """Class numbers of the root's rows, [N]."""
        return self.root.labels

    def rooted(self, name: str) -> Codes:
        """Return the row of the root that each row of a table belongs to, [N].

        Raises:
            KeyError: The table is kept or shared, or there is none of that name.
        """
        member = next((one for one in self.schema.tables if one.name == name and not one.whole), None)
        if member is None:
            raise KeyError(name)
        if member.parent is None:
            return np.arange(len(self), dtype=np.int64)
        return np.repeat(self.rooted(member.parent), self.sizes[name])

    def owners(self, name: str) -> Codes:
        """Return the row of the parent that owns each row of an owned table, [N]."""
        return np.repeat(np.arange(len(self.sizes[name]), dtype=np.int64), self.sizes[name])

    def linked(self, name: str, column: str) -> Codes:
        """Return the row of a shared table that each row of a table refers to by a column of keys, [N]; -1 = none."""
        links = next(dict(member.links) for member in self.schema.tables if member.name == name)
        key = next(member.key for member in self.schema.tables if member.name == links[column])
        keys = self.tables[links[column]].table.column(str(key)).combine_chunks()
        found = pc.fill_null(pc.index_in(self.tables[name].table.column(column), keys), -1)
        return np.asarray(found.to_numpy(), dtype=np.int64)

    def problems(self) -> dict[int, str]:
        """Return why a row of the root is not usable: it, or a row that belongs to it, breaks a rule of its table."""
        found: dict[int, str] = {}
        for member in self.schema.tables:
            if not member.whole and (wrong := self.tables[member.name].problems()):
                rows = self.rooted(member.name)
                found = {int(rows[row]): f"{member.name}: {why}" for row, why in wrong.items()} | found
        return found

    def take(self, index: Index) -> Self:
        """Return rows of the root by position with all that belongs to them; repeats are allowed."""
        rows = {self.schema.tables[0].name: np.asarray(index, dtype=np.int64)}
        sizes = {}
        for member in self.owned:
            of_parent, size = rows[str(member.parent)], self.sizes[member.name]
            sizes[member.name] = size[of_parent]
            rows[member.name] = ranges((np.cumsum(size) - size)[of_parent], sizes[member.name])
        tables = {name: table.take(rows[name]) if name in rows else table for name, table in self.tables.items()}
        return type(self)(tables, sizes, self.schema)

    def extended(self, name: str) -> Table:
        """Return a table with a further column for each table that its rows own: how many of those there are."""
        table = self.tables[name]
        columns, arrays = list(table.schema.columns), list(table.table.columns)
        for member in self.owned:
            if member.parent == name:
                taken = [column.name for column in columns]
                columns.append(Column(name=number_name(member.name, taken), kind="integer", low=0))
                arrays.append(pa.chunked_array([pa.array(self.sizes[member.name], pa.int64())]))
        return Table(pa.table(arrays, names=[column.name for column in columns]),
                     table_schema(columns, table.schema.label))  # fmt: skip

    def joined(self, name: str, shared: bool = False, owners: bool = True) -> Table:
        """Return the rows of a table, each with the columns of its owners, and how many rows it and they own.

        Columns of owners have the name of their table before their own, those of shared tables the name of the column
        that refers to them; keys and the constraints of the tables are left out.

        Args:
            name: The table.
            shared: Whether the columns of shared rows that are referred to stand there too.
            owners: Whether the columns of owners do.
        """
        member = next(member for member in self.schema.tables if member.name == name)
        found: dict[str, tuple[Column, pa.ChunkedArray]] = {}
        rows = np.arange(len(self.tables[name]), dtype=np.int64)
        at: Member | None = member
        while at is not None:
            before = "" if at is member else f"{at.name}: "
            table = self.extended(at.name).take(rows)
            own = [(one, table.table.column(one.name)) for one in table.schema.columns if one.kind != "id"]
            for column, array in (*own, *(self._shared_columns(at, rows) if shared else ())):
                called = _free(f"{before}{column.name}", list(found))
                found[called] = column.model_copy(update={"name": called}), array
            if at.parent is not None:
                rows = self.owners(at.name)[rows]
            at = next((one for one in self.schema.tables if owners and one.name == at.parent), None)
        columns, arrays = [one for one, _ in found.values()], [array for _, array in found.values()]
        return Table(pa.table(arrays, names=list(found)), table_schema(columns, member.rows.label))

    def _shared_columns(self, member: Member, rows: Codes) -> Iterator[tuple[Column, pa.ChunkedArray]]:
        """Yield what rows of a table say of the rows of shared tables that they refer to, named by their links."""
        shared = {one.name: one.rows for one in self.schema.tables if one.shared}
        for link, to in member.links:
            if to in shared:
                at = self.linked(member.name, link)[rows]
                index = pa.array(at, mask=at < 0)
                for column in shared[to].columns:
                    if column.kind not in WORDS:
                        optional = column.optional or member.rows.column(link).optional
                        named = {"name": f"{link}: {column.name}", "optional": optional}
                        yield column.model_copy(update=named), self.tables[to].table.column(column.name).take(index)

    @cached_property
    def _fingerprint(self) -> str:
        total = hashlib.sha256(self.schema.model_dump_json().encode())
        for name, table in self.tables.items():
            total.update(table.fingerprint().encode())
            total.update(np.ascontiguousarray(self.sizes.get(name, np.zeros(0)), dtype=np.int64).tobytes())
        return total.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of schema and content; computed once."""
        return self._fingerprint

    def row_hashes(self) -> Iterator[bytes]:
        """Yield a 16-byte hash of each row of the root with all that belongs to it, in order; keys do not count."""
        parts = [hashlib.blake2b(row, digest_size=16) for row in self.root.row_hashes()]
        for member in self.owned:
            for row, content in zip(self.rooted(member.name).tolist(), self.tables[member.name].row_hashes(),
                                    strict=True):  # fmt: skip
                parts[row].update(content)
        yield from (part.digest() for part in parts)

    def save(self, folder: Path) -> None:
        """Write `schema.json`, and one folder for each table, into an existing folder."""
        for name, table in self.tables.items():
            place = folder / _TABLES / name
            place.mkdir(parents=True, exist_ok=True)
            table.save(place)
            if name in self.sizes:
                write_sizes(self.sizes[name], place)
        write_file(folder / "schema.json", self.schema.model_dump_json())

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what `save` wrote; values are memory-mapped.

        Raises:
            DataError: A file is missing or damaged.
        """
        try:
            schema = Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
            tables = {member.name: Table.open(folder / _TABLES / member.name) for member in schema.tables}
            owned = [member.name for member in schema.tables if member.parent is not None]
            sizes = {name: np.load(folder / _TABLES / name / _SIZES, allow_pickle=False) for name in owned}
        except (OSError, ValueError, ValidationError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold complete tables: {reason}; make them again") from None
        return cls(tables, sizes, schema)


def write_sizes(sizes: Codes, folder: Path) -> None:
    """Write how many rows each owner has, beside the table of these rows."""
    np.save(folder / _SIZES, np.asarray(sizes, dtype=np.int64), allow_pickle=False)


def table_folder(folder: Path, name: str) -> Path:
    """Return where `Relations.save` puts a table."""
    return folder / _TABLES / name


def ranges(first: Codes, count: Codes) -> Codes:
    """Return `count` numbers from `first` on, for one pair after the other.

    Example:
        >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
        [5, 6, 0, 1, 2]
    """
    start = np.repeat(first - (np.cumsum(count) - count), count)
    return np.asarray(start + np.arange(int(count.sum())), dtype=np.int64)


def number_name(table: str, taken: Sequence[str]) -> str:
    """Return the name of the column that counts the rows of a table."""
    return _free(f"number of {table}", taken)


def _free(name: str, taken: Sequence[str]) -> str:
    """Return a name that is not taken: spaces are added where it is."""
    while name in taken:
        name += " "
    return name


def relations_schema(members: Sequence[Member]) -> Schema:
    """Return the schema of several tables: columns and label of the whole are those of the root, the first one."""
    root = members[0].rows
    return Schema(modality="tables", columns=root.columns, label=root.label, tables=tuple(members))


def concatenate_relations(parts: Sequence[Relations]) -> Relations:
    """Return the rows of several datasets, one after the other; kept and shared tables are those of the first.

    Raises:
        DataError: Nothing to join, or the schemas differ.
    """
    if len({part.schema.model_dump_json() for part in parts}) != 1:
        raise DataError("only tables of one schema can be joined; read them with the same schema")
    first = parts[0]
    tables = {
        member.name: first.tables[member.name]
        if member.whole
        else concatenate_tables([part.tables[member.name] for part in parts])
        for member in first.schema.tables
    }
    sizes = {name: np.concatenate([part.sizes[name] for part in parts]) for name in first.sizes}
    return Relations(tables, sizes, first.schema)
