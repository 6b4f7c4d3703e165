"""Associations that turn round are found, and stand first."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.people import people, reference, schema

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.table import Table
from lookalike.metrics.tabular.pair_trend import PairTrend


def test_a_turned_column_stands_first() -> None:
    made = people(800, 4)
    columns = {column.name: made.values(column.name) for column in made.schema.columns}
    since = np.asarray(columns["since"], dtype=float)
    columns["since"] = since.max() + since.min() - since
    found = PairTrend().score(reference(), Table.of(columns, schema()), Rng(0))
    first = found.detail["pairs"][0]
    assert first["columns"] == ["age", "since"]
    assert first["real"] < -0.4 < 0.4 < first["synthetic"]
    assert first["value"] == pytest.approx(1 - (first["synthetic"] - first["real"]) / 2)
    assert found.detail["n_pairs"] == 8 * 7 // 2
    # The map below the diagonal holds the same differences as the list.
    names, apart = found.detail["columns"], found.detail["apart"]
    assert [len(row) for row in apart] == list(range(8))
    for pair in found.detail["pairs"]:
        low, high = sorted(map(names.index, pair["columns"]))
        assert apart[high][low] == pytest.approx(1 - pair["value"], abs=6e-4)


def test_one_column_is_refused() -> None:
    real = reference(60, 60, None)
    one = type(real)(real.train.select(["age", "key"]), real.holdout.select(["age", "key"]))
    with pytest.raises(DataError, match="pairs need at least 2 columns"):
        PairTrend().score(one, one.train, Rng(0))


def test_a_wide_table_is_cut_to_its_limit() -> None:
    assert PairTrend(columns=3).score(reference(), people(200, 3), Rng(0)).detail["n_pairs"] == 3
