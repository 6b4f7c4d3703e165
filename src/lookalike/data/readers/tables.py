"""Several tables with keys, each by a reader of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, final

from pydantic import Field, model_validator

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.registry import configured, find
from lookalike.core.store import digest, write_json
from lookalike.data.holding import constrained
from lookalike.data.keyed import Keyed, Name, declared, in_order
from lookalike.data.pixels import shown
from lookalike.data.reading import read_notes
from lookalike.data.related import related
from lookalike.data.relations import Relations
from lookalike.data.table import Table
from lookalike.data.tabular import TabularSettings

_DOUBT = "column "


@final
class Tables(Method):
    """Reads several tables that refer to each other by keys: one root, tables that belong to its rows, and kept ones.

    Rows of a table with a `parent` belong to one row of that each, at any depth; a table with `keep: true` is public
    and given out as it is, one with `shared: true` is made anew, and others hold keys of both by `links`. Every table
    has a reader with its own settings.
    """

    tables: Mapping[Name, Keyed] = Field(
        default={}, description="Every table by name: read, its reader's settings, key, parent, links, order, keep, ..."
    )

    @model_validator(mode="after")
    def _one_tree(self) -> Self:
        if not self.tables:
            raise ValueError("tables: name the tables, for example {customers: {read: csv, path: customers.csv, ...}}")
        in_order(self.tables)
        for name in self.tables:
            self._reader(name)
        return self

    def _reader(self, name: str) -> Any:  # noqa: ANN401  found by its name
        """Return the reader of a table.

        Raises:
            ValueError: It reads no tables, or refuses a setting; one line.
        """
        one = self.tables[name]
        try:
            cls = find("readers", one.read)
        except ConfigError as error:
            raise ValueError(f"table {name}: {error}") from None
        if not issubclass(cls, TabularSettings):
            raise ValueError(f"table {name}: reader {one.read} reads no table; allowed: csv, parquet, hf, sql")
        options = one.options
        known = declared(name, self.tables)
        given = options.get("columns", {})
        for column, wanted in known.items():
            kind = given.get(column, {}).get("kind") if isinstance(given, Mapping) else None
            if kind not in (None, "id", wanted["kind"]):
                raise ValueError(
                    f"table {name}: column {column} holds keys but is declared as {kind}; leave its kind out"
                )
        together = {*one.keys, *(one.owner[1] if one.owner else ())}
        if cut := [column for column in options.get("leave_out", ()) if column in {*known, *together}]:
            raise ValueError(f"table {name}: leave_out names {cut[0]}, which holds keys; leave out the key or link too")
        columns = {**given, **{column: {**given.get(column, {}), **wanted} for column, wanted in known.items()}}
        if "table" in cls.model_fields and one.read != "sql":
            options.setdefault("table", True)
        if one.parent or one.whole:
            options.setdefault("label", "")
        return configured("readers", one.read, {**options, "columns": columns}, f"tables.{name}")

    def readers(self) -> dict[str, Any]:
        """Return the reader of each table, by name."""
        return {name: self._reader(name) for name in self.tables}

    def state(self) -> str:
        """Return a hash of the states of all readers."""
        return digest({name: reader.state() for name, reader in self.readers().items()})

    def read(self, folder: Path) -> Relations:
        """Read everything into `folder`.

        Args:
            folder: Existing, empty.

        Raises:
            DataError: A table is not usable, or keys do not fit; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        whole, tables, notes = folder / "read", {}, []
        for name, reader in self.readers().items():
            (whole / name).mkdir(parents=True)
            tables[name] = self._read(name, reader, whole / name)
            # What a column could be matters only where rows are made anew.
            told = [
                note for note in read_notes(whole / name) if not (self.tables[name].keep and note.startswith(_DOUBT))
            ]
            notes += [f"{name}: {note}" for note in told]
        found, dropped = related(tables, self.tables)
        found.save(folder)
        # What a column could be matters no more where it is copied from the owner.
        of_owner = [f"{member.name}: {_DOUBT}{shown(mine)}:" for member in found.schema.tables
                    for mine, _ in member.inherited]  # fmt: skip
        notes = [note for note in notes if not note.startswith(tuple(of_owner))]
        write_json(folder / "notes.json", [*notes, *dropped])
        found = Relations.open(folder)
        shutil.rmtree(whole)
        return found

    def _read(self, name: str, reader: Any, folder: Path) -> Table:  # noqa: ANN401  found by its name
        try:
            table = reader.read(folder)
            return constrained(table, self.tables[name].constraints) if self.tables[name].constraints else table
        except DataError as error:
            raise DataError(f"table {name}: {error}") from None
