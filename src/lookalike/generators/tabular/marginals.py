"""Every column on its own: the baseline that any model of a table has to beat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from lookalike.core.contracts import Budget, Method
from lookalike.core.errors import DataError
from lookalike.core.events import SILENT, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Schema
from lookalike.core.store import write_file, write_json
from lookalike.data.asked import asked_values
from lookalike.data.fresh import BLOCK, in_blocks, tell_unlearnt
from lookalike.data.table import CODED, NUMERIC, Numbers, Table

_FORMAT = 1
_NAME = "tabular.marginals"
_WEIGHTS = "marginals.safetensors"
_FEW = 200
_SPIKE = 0.005
_DATE_STEPS = (86400.0, 3600.0, 60.0, 1.0)
Parts = dict[str, npt.NDArray[np.float64]]


@final
class Marginals(Method):
    """Draws every column on its own, with the shares, ranges and missing values of the real rows.

    Numbers with few different values keep their shares; others are uniform within ranges of equally many rows, beside
    single values that many rows have. Nothing holds the columns of a row together: what a model gains over this
    baseline is what it has learnt of their relations.

    Source: the independent marginals baseline, for example of McKenna, Miklau and Sheldon, Winning the NIST Contest,
    2021, arXiv 2108.04978, section 2.
    Differs from the paper: no noise is added, so it gives no guarantee of privacy.
    """

    rows_per_shard: ClassVar[int] = 65_536

    ranges: int = Field(default=500, ge=1, description="Ranges that a number with many values is cut into.")

    def fit(self, data: Table, rng: Rng, watch: Watch = SILENT) -> _FittedMarginals:
        """Count the values of every column.

        Raises:
            DataError: There are no rows.
        """
        del rng
        if not len(data):
            raise DataError(f"{_NAME} needs rows to learn from, found none; check the reader's path and the split")
        tell_unlearnt(data.schema, _NAME, watch)
        columns = {}
        for column in data.schema.columns:
            if column.kind in NUMERIC:
                columns[column.name] = _number(column, data.numbers(column.name), self.ranges)
            elif column.kind in CODED:
                counts = np.bincount(data.codes(column.name) + 1, minlength=len(column.categories) + 1)
                columns[column.name] = {"chance": np.cumsum(counts) / len(data)}
        return _FittedMarginals(data.schema, columns, {"rows": len(data)})

    def load(self, folder: Path) -> _FittedMarginals:
        """Read a fitted model.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        try:
            about = json.loads((folder / "lookalike.json").read_text(encoding="utf-8"))
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}, expected {_FORMAT}")
            schema = Schema.model_validate(about["schema"])
            flat = load_file(folder / _WEIGHTS)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold a complete {_NAME} model ({reason}); fit it again") from None
        columns: dict[str, Parts] = {}
        for key, values in flat.items():
            place, _, part = key.partition(".")
            columns.setdefault(schema.columns[int(place)].name, {})[part] = values
        return _FittedMarginals(schema, columns, about["facts"])


@dataclass(frozen=True)
class _FittedMarginals:
    """What was counted.

    Attributes:
        schema: Of the rows.
        columns: Of a category the cumulative chances of missing and of every code; of a number also the ends of its
            ranges (`low` equals `high` for a single value; the first range stands for missing), its step and bounds.
        facts: For the report.
    """

    schema: Schema
    columns: Mapping[str, Parts]
    facts: Mapping[str, Any]
    spent: Budget | None = None

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Table:
        """Return n new rows; what `where` asks of columns is given exactly.

        Args:
            n: Number of rows, at least 0.
            rng: Key; row i depends on it and on i alone.
            where: Column -> one value, or one for each row; `label` means the label column.

        Raises:
            ConfigError: A column or a value cannot be asked for.
        """
        asked = asked_values(n, self.schema, where, _NAME)
        return in_blocks(n, rng, self.schema, asked, self._block)

    def _block(self, draw: np.random.Generator) -> dict[str, Any]:
        # In the order of the table: that of a file is another one.
        known = [column for column in self.schema.columns if column.name in self.columns]
        return {column.name: self._column(column, self.columns[column.name], draw) for column in known}

    def _column(self, column: Column, parts: Parts, draw: np.random.Generator) -> Any:  # noqa: ANN401  codes or numbers
        u_B2 = draw.random((BLOCK, 2))
        place_B = np.searchsorted(parts["chance"], u_B2[:, 0], side="right").clip(0, len(parts["chance"]) - 1)
        if column.kind in CODED:
            return place_B - 1
        low_B, high_B = parts["low"][place_B], parts["high"][place_B]
        values = low_B + u_B2[:, 1] * (high_B - low_B)
        step, least, most = parts["form"]
        if step:
            values = np.rint(values / step) * step
        if column.decimals is not None:
            values = np.round(values, column.decimals)
        return np.clip(values, least, most)

    def save(self, folder: Path) -> None:
        """Write `marginals.safetensors` and `lookalike.json`."""
        place = {column.name: k for k, column in enumerate(self.schema.columns)}
        flat = {
            f"{place[name]}.{part}": np.ascontiguousarray(values)
            for name, parts in self.columns.items()
            for part, values in parts.items()
        }
        write_file(folder / _WEIGHTS, save(flat))
        about = {"format": _FORMAT, "schema": self.schema.model_dump(mode="json"), "facts": dict(self.facts)}
        write_json(folder / "lookalike.json", about)


def _number(column: Column, values: Numbers, ranges: int) -> Parts:
    """Return chances and ends of missing, of single values and of ranges."""
    there = np.sort(values[~np.isnan(values)])
    levels, counts = np.unique(there, return_counts=True)
    single = (counts >= _SPIKE * len(there)) | (len(levels) <= _FEW)
    rest = there[~np.isin(there, levels[single])]
    edges = np.unique(np.linspace(0, len(rest), min(ranges, len(rest)) + 1).astype(np.int64))
    lows = np.array([rest[start] for start in edges[:-1]])
    highs = np.array([rest[min(stop, len(rest) - 1)] for stop in edges[1:]])
    weights = np.concatenate([[len(values) - len(there)], counts[single], np.diff(edges)]).astype(np.float64)
    step = column.grid or {"integer": 1.0, "datetime": _step(there)}.get(column.kind, 0.0)
    ends = (there[0], there[-1]) if len(there) else (np.nan, np.nan)
    return {
        "chance": np.cumsum(weights) / len(values),
        "low": np.concatenate([[np.nan], levels[single], lows]),
        "high": np.concatenate([[np.nan], levels[single], highs]),
        "form": np.array([step, *ends]),
    }


def _step(seconds: Numbers) -> float:
    return next((step for step in _DATE_STEPS if len(seconds) and not np.mod(seconds, step).any()), 0.0)
