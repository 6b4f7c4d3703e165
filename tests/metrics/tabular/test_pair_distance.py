"""A pair that broke is found though each of its columns is as it was."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.people import people, reference, schema

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.table import Table
from lookalike.metrics.tabular.pair_distance import PairDistance


def test_a_column_permuted_alone_breaks_its_pairs() -> None:
    made = people(800, 4)
    columns = {column.name: made.values(column.name) for column in made.schema.columns}
    columns["job"] = np.random.default_rng(0).permutation(np.asarray(columns["job"]))
    found = PairDistance().score(reference(), Table.of(columns, schema()), Rng(0))
    assert found.detail["pairs"][0]["columns"] == ["pay", "job"]
    assert found.detail["pairs"][0]["value"] > 2 * found.detail["pairs"][0]["floor"]
    assert found.floor is not None
    assert found.value > found.floor


def test_pairs_are_drawn_from_a_wide_table() -> None:
    found = PairDistance(pairs=5).score(reference(), people(200, 3), Rng(0))
    assert found.detail["n_pairs"] == 5


def test_one_column_is_refused() -> None:
    real = reference(60, 60, None)
    one = type(real)(real.train.select(["age"]), real.holdout.select(["age"]))
    with pytest.raises(DataError, match="found age"):
        PairDistance().score(one, one.train, Rng(0))
