"""One step of making children: rows given their parent and, later on, their nearest siblings.

Legend: N rows, M rows of one call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from lookalike.core.contracts import Fitted
from lookalike.core.errors import ConfigError
from lookalike.core.events import Event, Note, Watch
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.core.store import write_json
from lookalike.data.table import CODED, Table, Values, table_schema

OWN = "own "
"""Before the names of the columns that are learnt; those that are known have other words there."""
Seen = Mapping[str, list[float]]
Columns = dict[str, Any]


@final
@dataclass(frozen=True)
class Told:
    """A watch that names the table; it has no folder, because checkpoints of several tables would be one another's."""

    outer: Watch
    table: str
    folder: Path | None = None
    answers: Path | None = None

    def __call__(self, event: Event) -> None:
        """Pass notes on, with the name of the table before them."""
        if isinstance(event, Note):
            self.outer(Note(event.stage, f"{self.table}: {event.message}", event.level))


def inner(name: str, settings: Mapping[str, Any], given: Sequence[str]) -> Any:  # noqa: ANN401  found by its name
    """Return a generator of single tables that is asked by some columns only.

    Args:
        name: Name of the generator.
        settings: Its settings.
        given: Columns that it will always be asked by.

    Raises:
        ConfigError: There is no such generator, or it refuses a setting.
    """
    try:
        method = configured("generators", name, settings, "settings")
    except ValueError as error:
        raise ConfigError(str(error)) from None
    # What is always known need not be learnt, where a generator can be told so.
    return method.model_copy(update={"given": tuple(given)}) if "given" in type(method).model_fields else method


@final
@dataclass(frozen=True)
class Stage:
    """A fitted generator of the rows of one step.

    Attributes:
        model: The generator of single tables.
        known: The columns that rows are asked by.
        seen: Of each known column what rows to learn from had: lowest and highest number, or codes, commonest first.
    """

    model: Fitted[Table]
    known: tuple[Column, ...]
    seen: Seen

    def draw(self, known: Columns, count: int, rng: Rng) -> Columns:
        """Return own columns of `count` rows, given the known ones."""
        where = {column.name: _asked(column, known[column.name], self.seen[column.name]) for column in self.known}
        made = self.model.sample(count, rng, where)
        return {
            column.name.removeprefix(OWN): made.values(column.name)
            for column in made.schema.columns
            if column.name.startswith(OWN)
        }

    def save(self, folder: Path) -> None:
        """Write the model and what rows are asked by."""
        folder.mkdir(parents=True)
        self.model.save(folder)
        about = {"known": [column.model_dump(mode="json") for column in self.known], "seen": dict(self.seen)}
        write_json(folder / "stage.json", about)


def fit_stage(
    own: Mapping[str, tuple[Column, Values]],
    known: Mapping[str, tuple[Column, Values]],
    method: tuple[str, Mapping[str, Any]],
    rng: Rng,
    watch: Watch,
) -> Stage:
    """Learn rows given what is known of each.

    Args:
        own: Columns to learn, with their values as `Table.of` takes them.
        known: Columns that are known, likewise; names of both do not meet.
        method: Name and settings of a generator of single tables.
        rng: Key.
        watch: Receives events.
    """
    columns = {**known, **{OWN + name: found for name, found in own.items()}}
    named = {name: column.model_copy(update={"name": name}) for name, (column, _) in columns.items()}
    data = Table.of({name: values for name, (_, values) in columns.items()}, table_schema(list(named.values())))
    model = inner(*method, tuple(known)).fit(data, rng, watch)
    seen = {name: _seen(named[name], values) for name, (_, values) in known.items()}
    return Stage(model, tuple(named[name] for name in known), seen)


def load_stage(folder: Path, method: tuple[str, Mapping[str, Any]]) -> Stage:
    """Read what `Stage.save` wrote."""
    about = json.loads((folder / "stage.json").read_text(encoding="utf-8"))
    known = tuple(Column.model_validate(column) for column in about["known"])
    model = inner(*method, tuple(column.name for column in known)).load(folder)
    return Stage(model, known, about["seen"])


def _seen(column: Column, values: Values) -> list[float]:
    found = np.asarray(values)
    if column.kind in CODED:
        codes, count = np.unique(found, return_counts=True)
        return [float(code) for code in codes[np.argsort(-count, kind="stable")]]
    there = found[~np.isnan(found)]
    return [float(there.min()), float(there.max()), float(np.isnan(found).any())] if len(there) else []


def _asked(column: Column, values: Values, seen: list[float]) -> list[Any]:
    """Return values to ask for; what no row to learn from had becomes the nearest, or the commonest, that one had."""
    found = np.asarray(values)
    if column.kind in CODED:
        codes = np.where(np.isin(found, seen), found, seen[0]).astype(np.int64)
        return list(np.array([*column.categories, None], dtype=object)[codes])
    if not seen:
        return [None] * len(found)
    low, high, gaps = seen
    numbers = np.clip(found, low, high)
    if not gaps:
        numbers = np.where(np.isnan(numbers), (low + high) / 2, numbers)
    if column.kind == "integer" or (column.kind == "number" and column.decimals is not None):
        numbers = np.round(numbers, column.decimals or 0)
    if not gaps:
        return list(numbers.tolist())
    return [None if number != number else number for number in numbers.tolist()]  # noqa: PLR0124  NaN
