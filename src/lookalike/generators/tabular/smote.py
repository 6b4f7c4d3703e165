"""Tables by moving rows of one class towards their neighbours; a baseline that keeps the training rows.

Legend: N rows, K neighbours, P coordinates in which rows are compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import write_file, write_json
from lookalike.data.asked import asked_values
from lookalike.data.fresh import fresh_words
from lookalike.data.table import CODED, NUMERIC, WORDS, Numbers, Table
from lookalike.generators.tabular.rows.finish import step_of, to_form

_FORMAT = "lookalike.tabular.smote/1"
_ROWS = "rows.safetensors"
_CHUNK = 1024
_DRAWS = 3
_SIGNS = 16
"""Coordinates of a category with more levels than this; their signs are random."""
Indices = npt.NDArray[np.int64]


@final
class Smote(Method):
    """Moves rows part of the way to a neighbour of their class; a simple baseline, whose model is the real rows.

    Source: Chawla, Bowyer, Hall and Kegelmeyer 2002, arXiv 1106.1813 (SMOTE, and SMOTE-NC for categories).
    Differs from the paper: all classes are drawn, each as often as it is; categories with many levels are compared by
        random signs; a value that is missing on one side comes from the nearer side.
    """

    rows_per_shard: ClassVar[int] = 8192
    label_only: ClassVar[bool] = True

    neighbours: int = Field(default=5, ge=1, le=1000, description="Nearest rows of the same class to move towards.")
    categories: Literal["majority", "pick"] = Field(
        default="majority", description="Category of most neighbours, or that of one of the two rows, the nearer first."
    )

    def fit(self, data: Table, rng: Rng, watch: Watch) -> _FittedSmote:
        """Find the neighbours of each row.

        Raises:
            DataError: No rows.
        """
        del rng, watch
        if len(data) == 0:
            raise DataError("tabular.smote needs rows to learn from, found none; check the reader's path and the split")
        arrays: dict[str, npt.NDArray[Any]] = {}
        about: dict[str, Any] = {"format": _FORMAT, "schema": data.schema.model_dump(mode="json"), "steps": {}}
        for column in data.schema.columns:
            if column.kind in (*NUMERIC, *CODED):
                arrays[f"column.{column.name}"] = np.asarray(data.values(column.name))
            if column.kind in NUMERIC:
                about["steps"][column.name] = step_of(column, data.numbers(column.name))
        arrays["near"] = nearest_rows(_points(data), data.labels, self.neighbours)
        arrays["label"] = data.labels
        return _FittedSmote(arrays, about, self)

    def load(self, folder: Path) -> _FittedSmote:
        """Read what `save` wrote; how categories are chosen comes from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        try:
            about = json.loads((folder / "lookalike.json").read_text(encoding="utf-8"))
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}, expected {_FORMAT}")
            return _FittedSmote(load_file(folder / _ROWS), about, self)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold a complete tabular.smote ({reason}); fit it again") from None


def _points(data: Table) -> npt.NDArray[np.float32]:
    """Return rows as points: numbers over their deviation, categories so that two differ by 1 on average, [N, P]."""
    blocks = [np.zeros((len(data), 1))]
    for column in data.schema.columns:
        if column.name == data.schema.label and data.classes:
            continue
        if column.kind in NUMERIC:
            values = data.numbers(column.name)
            there = values[~np.isnan(values)]
            spread = there.std() if len(there) else 0.0
            scaled = (values - (there.mean() if len(there) else 0)) / (spread if spread > 0 else 1)
            blocks += [np.nan_to_num(scaled)[:, None], np.isnan(values)[:, None]]
        elif column.kind in CODED:
            codes, levels = data.codes(column.name) + 1, len(column.categories) + 1
            if levels <= _SIGNS:
                blocks.append(np.eye(levels)[codes] / 2**0.5)
            else:
                signs = np.random.Generator(np.random.Philox(key=_SIGNS)).integers(0, 2, (levels, _SIGNS)) * 2.0 - 1
                blocks.append(signs[codes] / (2 * _SIGNS) ** 0.5)
    return np.concatenate(blocks, axis=1).astype(np.float32)


def nearest_rows(points_NP: npt.NDArray[np.float32], label_N: Indices, count: int) -> Indices:
    """Return the nearest other rows of the same class, by squared distance, the row itself where there are too few."""
    near = np.repeat(np.arange(len(points_NP), dtype=np.int64)[:, None], count, axis=1)
    for label in np.unique(label_N):
        rows = np.flatnonzero(label_N == label)
        take = min(count, len(rows) - 1)
        points = points_NP[rows]
        norm = (points**2).sum(axis=1)
        for start in range(0, len(rows) if take else 0, _CHUNK):
            part = np.arange(start, min(start + _CHUNK, len(rows)))
            distance = norm - 2 * points[part] @ points.T
            distance[np.arange(len(part)), part] = np.inf
            chosen = np.argpartition(distance, take - 1, axis=1)[:, :take]
            near[rows[part], :take] = rows[chosen]
            near[rows[part], take:] = near[rows[part], :1]
    return near


@final
class _FittedSmote:
    """Real rows and their neighbours."""

    spent = None

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], about: dict[str, Any], config: Smote) -> None:
        self.arrays, self.about, self.config = arrays, about, config
        self.schema = Schema.model_validate(about["schema"])
        self.near: Indices = arrays["near"]

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Table:
        """Draw exactly n rows.

        Args:
            n: Number of rows, at least 0.
            rng: Key; row i depends on it, on i and on its class alone.
            where: {"label": class name} or {"label": n class names}; without it, as often as in training.

        Raises:
            ConfigError: Another column is asked for, or a class without rows.
        """
        asked = asked_values(n, self.schema, where, "tabular.smote")
        if set(asked) - ({self.schema.label} if self.schema.classes else set()):
            raise ConfigError("where: tabular.smote can choose by a label with classes only; use tabular.trees")
        u_N3 = rng.child("rows").numpy().random((n, _DRAWS))
        base = np.minimum((u_N3[:, 0] * len(self.near)).astype(np.int64), len(self.near) - 1)
        for label in np.unique(np.asarray(asked[str(self.schema.label)])) if asked else ():
            rows = np.flatnonzero(self.arrays["label"] == label)
            if not len(rows):
                raise ConfigError(f"where: class {self.schema.classes[label]} has no training row; ask for another")
            here = np.flatnonzero(np.asarray(asked[str(self.schema.label)]) == label)
            base[here] = rows[np.minimum((u_N3[here, 0] * len(rows)).astype(np.int64), len(rows) - 1)]
        other = self.near[base, np.minimum((u_N3[:, 1] * self.near.shape[1]).astype(np.int64), self.near.shape[1] - 1)]
        columns = fresh_words(self.schema, n, rng.child("keys"))
        for column in self.schema.columns:
            if column.kind not in WORDS:
                columns[column.name] = self._column(column.name, base, other, u_N3[:, 2])
        return Table.of(columns, self.schema)

    def _column(self, name: str, base: Indices, other: Indices, part: Numbers) -> npt.NDArray[Any]:
        column, values = self.schema.column(name), self.arrays[f"column.{name}"]
        one, two = values[base], values[other]
        if column.kind in NUMERIC:
            if np.isnan(values).all():
                return np.asarray(one)
            between = one + part * (two - one)
            between = np.where(np.isnan(between), np.where(part < 0.5, one, two), between)
            step = self.about["steps"][name]
            return to_form(column, between, step, float(np.nanmin(values)), float(np.nanmax(values)))
        if name == self.schema.label or self.config.categories == "pick":
            return np.asarray(np.where(part < 0.5, one, two))
        return _majority(values[self.near[base]])

    def save(self, folder: Path) -> None:
        """Write `rows.safetensors`, which holds the training rows, and `lookalike.json`."""
        write_file(folder / _ROWS, save({name: np.ascontiguousarray(v) for name, v in self.arrays.items()}))
        write_json(folder / "lookalike.json", self.about)


def _majority(codes_NK: Indices) -> Indices:
    """Return the most frequent code of each row, the smallest of equally frequent ones, [N]."""
    ordered = np.sort(codes_NK, axis=1)
    count = (ordered[:, :, None] == ordered[:, None, :]).sum(axis=2)
    return np.asarray(ordered[np.arange(len(ordered)), count.argmax(axis=1)])
