"""The distance of a column is the one of the textbook, and the worst column stands first."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp
from tests.data.people import people, reference, schema

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.metrics.tabular.column_shape import ColumnShape


def test_it_is_one_minus_the_known_distances() -> None:
    real, made = reference(500, 400), people(400, 4)
    found = ColumnShape().score(Reference(real.train, real.holdout), made, Rng(0))
    by_name = {row["column"]: row for row in found.detail["columns"]}
    wanted = ks_2samp(real.holdout.numbers("age"), made.numbers("age")).statistic
    assert by_name["age"]["value"] == pytest.approx(1 - wanted)
    shares = [np.bincount(rows.codes("town"), minlength=20) / 400 for rows in (real.holdout, made)]
    assert by_name["town"]["value"] == pytest.approx(1 - np.abs(shares[0] - shares[1]).sum() / 2)
    assert found.value == pytest.approx(np.mean([row["value"] for row in by_name.values()]))
    assert "key" not in by_name


def test_the_broken_column_stands_first() -> None:
    made = people(800, 4)
    columns = {column.name: made.values(column.name) for column in made.schema.columns}
    columns["smokes"] = 1 - np.asarray(columns["smokes"])
    found = ColumnShape().score(reference(), Table.of(columns, schema()), Rng(0))
    assert found.detail["worst"] == found.detail["columns"][0]["column"] == "smokes"
    assert found.detail["columns"][0]["value"] < 0.7


def test_a_column_that_lost_its_missing_values_is_seen() -> None:
    made = people(800, 4)
    columns = {column.name: made.values(column.name) for column in made.schema.columns}
    columns["pay"] = np.nan_to_num(np.asarray(columns["pay"], dtype=float), nan=2000.0)
    found = ColumnShape().score(reference(), Table.of(columns, schema()), Rng(0))
    row = next(row for row in found.detail["columns"] if row["column"] == "pay")
    assert row["value"] <= 1 - reference().holdout.missing("pay").mean() + 0.02


def test_odd_columns_have_a_distance() -> None:
    kinds = [Column(name="gone", kind="number", optional=True), Column(name="same", kind="category", categories=("x",))]
    rows = Table.of({"gone": np.full(60, np.nan), "same": np.zeros(60)}, table_schema(kinds))
    found = ColumnShape().score(Reference(rows, rows), rows, Rng(0))
    assert found.value == found.floor == 1.0
