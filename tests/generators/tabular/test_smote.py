"""SMOTE: rows lie between a row and a neighbour of its class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.generators.tabular.smote import Smote, nearest_rows

SCHEMA = table_schema(
    [
        Column(name="x", kind="number", optional=True),
        Column(name="n", kind="integer"),
        Column(name="town", kind="category", categories=tuple(map(str, range(40))), optional=True),
        Column(name="key", kind="id"),
        Column(name="ill", kind="category", categories=("no", "yes", "never")),
    ],
    "ill",
)


def some(n: int) -> Table:
    draw = np.random.default_rng(0)
    ill = (np.arange(n) % 4 == 0).astype(np.int64)
    return Table.of(
        {
            "x": np.where(draw.random(n) < 0.1, np.nan, draw.standard_normal(n) + 10 * ill),
            "n": draw.integers(0, 9, n),
            "town": draw.integers(-1, 40, n),
            "key": [f"k{i}" for i in range(n)],
            "ill": ill,
        },
        SCHEMA,
    )


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Smote().fit(some(400), Rng(0), SILENT)


def test_neighbours_are_those_of_brute_force() -> None:
    draw = np.random.default_rng(0)
    points, label = draw.standard_normal((60, 3)).astype(np.float32), np.arange(60) % 2
    near = nearest_rows(points, label, 4)
    for row in range(60):
        distance = ((points - points[row]) ** 2).sum(axis=1)
        distance[(label != label[row]) | (np.arange(60) == row)] = np.inf
        assert set(near[row]) == set(np.argsort(distance)[:4])
    assert nearest_rows(points[:1], label[:1], 3).tolist() == [[0, 0, 0]]


def test_numbers_lie_between_a_row_and_its_neighbour() -> None:
    schema = table_schema([Column(name="x", kind="number"), Column(name="y", kind="number")])
    values = np.random.default_rng(0).standard_normal((50, 2))
    table = Table.of({"x": values[:, 0], "y": values[:, 1]}, schema)
    model = Smote(neighbours=1).fit(table, Rng(0), SILENT)
    made = model.sample(500, Rng(0))
    points = np.stack([made.numbers("x"), made.numbers("y")], axis=1)
    ends = values[model.near[:, 0]]
    apart = np.linalg.norm(points[:, None] - values, axis=2) + np.linalg.norm(points[:, None] - ends, axis=2)
    assert (apart - np.linalg.norm(values - ends, axis=1)).min(axis=1).max() < 1e-9


def test_classes_are_kept_and_asked_for(fitted: Any, tmp_path: Path) -> None:
    made = fitted.sample(2000, Rng(1))
    assert made.labels.mean() == pytest.approx(0.25, abs=0.03)
    x = made.numbers("x")
    assert np.nanmin(x[made.labels == 1]) > np.nanmax(x[made.labels == 0])
    assert made.schema == SCHEMA
    assert not set(made.strings("key")) & {f"k{i}" for i in range(400)}
    assert made.take(np.arange(30)).fingerprint() == fitted.sample(30, Rng(1)).fingerprint()
    assert fitted.sample(4, Rng(1), {"label": ["no", "yes"] * 2}).labels.tolist() == [0, 1, 0, 1]
    fitted.save(tmp_path)
    assert Smote().load(tmp_path).sample(2000, Rng(1)).fingerprint() == made.fingerprint()
    picked = Smote(categories="pick").load(tmp_path).sample(2000, Rng(1))
    assert (picked.codes("town") != made.codes("town")).any()


def test_what_cannot_be_had_is_refused(fitted: Any) -> None:
    with pytest.raises(ConfigError, match="can choose by a label"):
        fitted.sample(1, Rng(0), {"n": 3})
    with pytest.raises(ConfigError, match="class never has no training row"):
        fitted.sample(1, Rng(0), {"label": "never"})
    with pytest.raises(DataError, match="needs rows"):
        Smote().fit(some(0), Rng(0), SILENT)
    assert len(Smote().fit(some(1), Rng(0), SILENT).sample(3, Rng(0))) == 3
