"""The copier gives copies, all of them, under new keys, and those that fit what is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.generators.tabular.bootstrap import Bootstrap

SCHEMA = table_schema(
    [
        Column(name="x", kind="number", optional=True),
        Column(name="town", kind="category", categories=("a", "b", "c")),
        Column(name="key", kind="id"),
    ],
    "town",
)
REAL = Table.of(
    {"x": np.array([1.5, np.nan, 2.5, 3.5]), "town": np.array([0, 0, 1, 1]), "key": ["p", "q", "r", "s"]}, SCHEMA
)
MODEL = Bootstrap().fit(REAL, Rng(0))


def test_every_row_is_a_copy_under_a_new_key() -> None:
    made = MODEL.sample(4000, Rng(1))
    real = list(REAL.row_hashes())
    counts = np.array([list(made.row_hashes()).count(row) for row in real]) / len(made)
    assert np.abs(counts - 0.25).max() < 0.03
    assert not set(made.strings("key")) & set(REAL.strings("key"))
    assert MODEL.sample(10, Rng(1)).fingerprint() == made.take(np.arange(10)).fingerprint()


def test_copies_of_rows_that_fit(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    again = Bootstrap().load(tmp_path)
    made = again.sample(6, Rng(2), {"label": ["a", "b"] * 3, "x": [None, 3.5] * 3})
    assert made.missing("x").tolist() == [True, False] * 3
    assert made.labels.tolist() == [0, 1] * 3
    assert set(again.sample(50, Rng(2), {"town": "a"}).labels.tolist()) == {0}
    with pytest.raises(ConfigError, match="no real row has all the values asked of town"):
        again.sample(1, Rng(0), {"town": "c"})


def test_without_rows_there_is_nothing_to_copy() -> None:
    with pytest.raises(DataError, match="needs rows to draw from"):
        Bootstrap().fit(Table.empty(SCHEMA), Rng(0))
