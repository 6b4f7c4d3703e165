"""Real rows again: the copier that audits of privacy have to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from lookalike.core.contracts import Budget, Index, Method
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT, Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.store import write_json
from lookalike.data.asked import asked_values
from lookalike.data.fresh import BLOCK, fresh_words
from lookalike.data.table import WORDS, Table, Values

_NAME = "tabular.bootstrap"


@final
class Bootstrap(Method):
    """Draws real rows with replacement, under new keys: never for release, only to see that an audit finds it out.

    Source: B. Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 7(1), 1979,
    doi:10.1214/aos/1176344552.
    Differs from the paper: keys are new and free texts are left empty.
    """

    rows_per_shard: ClassVar[int] = 65_536

    def fit(self, data: Table, rng: Rng, watch: Watch = SILENT) -> _FittedBootstrap:
        """Keep the rows.

        Raises:
            DataError: There are no rows.
        """
        del rng
        if not len(data):
            raise DataError(f"{_NAME} needs rows to draw from, found none; check the reader's path and the split")
        told = f"{_NAME} gives out copies of real rows: it is made for testing audits, never for release"
        watch(Note("fit", told, "warning"))
        return _FittedBootstrap(data)

    def load(self, folder: Path) -> _FittedBootstrap:
        """Read the rows.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        return _FittedBootstrap(Table.open(folder))


@dataclass(frozen=True)
class _FittedBootstrap:
    """The real rows."""

    data: Table
    spent: Budget | None = None

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Table:
        """Return n copies; with `where`, of rows that have all the values asked.

        Args:
            n: Number of rows, at least 0.
            rng: Key; row i depends on it and on i alone.
            where: Column -> one value, or one for each row; `label` means the label column.

        Raises:
            ConfigError: A column or a value cannot be asked for, or no real row has it.
        """
        schema = self.data.schema
        asked = asked_values(n, schema, where, _NAME)
        blocks = [rng.child("block", block).numpy().random(BLOCK) for block in range(-(-n // BLOCK))]
        u_N = np.concatenate(blocks)[:n] if blocks else np.zeros(0)
        rows = self.data.take(self._chosen(u_N, asked))
        columns = {column.name: rows.values(column.name) for column in schema.columns if column.kind not in WORDS}
        return Table.of({**columns, **fresh_words(schema, n, rng)}, schema)

    def _chosen(self, u_N: np.ndarray[Any, Any], asked: Mapping[str, Values]) -> Index:
        """Return a position for each row, among those that have what is asked of it."""
        if not asked or not len(u_N):
            return np.asarray(np.floor(u_N * len(self.data)), dtype=np.int64)
        table = np.stack([np.asarray(values, dtype=np.float64) for values in asked.values()], axis=1)
        kinds, which = np.unique(np.nan_to_num(table, nan=np.inf), axis=0, return_inverse=True)
        chosen: Index = np.zeros(len(u_N), dtype=np.int64)
        for number, kind in enumerate(kinds):
            fits = np.ones(len(self.data), dtype=bool)
            for name, value in zip(asked, kind, strict=True):
                real = np.nan_to_num(np.asarray(self.data.values(name), dtype=np.float64), nan=np.inf)
                fits &= real == value
            found, rows = np.flatnonzero(fits), which.reshape(-1) == number
            if not len(found):
                raise ConfigError(
                    f"where: no real row has all the values asked of {', '.join(asked)}; {_NAME} can only copy rows "
                    "that are there: ask for fewer columns"
                )
            chosen[rows] = found[np.floor(u_N[rows] * len(found)).astype(np.int64)]
        return chosen

    def save(self, folder: Path) -> None:
        """Write `table.arrow`, `schema.json` and `lookalike.json`."""
        self.data.save(folder)
        write_json(folder / "lookalike.json", {"rows": len(self.data)})
