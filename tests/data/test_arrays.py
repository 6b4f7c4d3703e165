"""Rows as arrays: what is left out, how far apart rows are, and how many categories fit."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.people import people, schema

from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data.arrays import grouped, mixed_space, modelled, plain, row_keys
from lookalike.data.table import Table, table_schema


def test_keys_and_texts_are_left_out_and_wide_tables_cut() -> None:
    assert "key" not in modelled(schema())
    assert "owner" not in modelled(schema(), but="owner")
    few = modelled(schema(), most=3)
    assert len(few) == 3
    assert [name for name in modelled(schema()) if name in few] == list(few)
    with pytest.raises(DataError, match=r"found key \(id\)"):
        modelled(table_schema([Column(name="key", kind="id")]))


def test_plain_columns_have_nan_where_nothing_is_known() -> None:
    rows = people(200, 0)
    found = plain(rows, ["job", "pay"])
    assert (np.isnan(found[:, 0]) == rows.missing("job")).all()
    assert (np.isnan(found[:, 1]) == rows.missing("pay")).all()
    infinite = Table.of({"x": np.array([1.0, np.inf])}, table_schema([Column(name="x", kind="number")]))
    assert np.isnan(plain(infinite, ["x"])[:, 0]).tolist() == [False, True]


def test_rare_categories_share_the_last_code() -> None:
    rows = people(500, 0)
    coding = grouped(rows, ["town", "age"], 4)
    counts = np.bincount(rows.codes("town"), minlength=20)
    top = np.argsort(-counts, kind="stable")[:3]
    found = coding.array(rows)[:, 0]
    for place, code in enumerate(top):
        assert (found[rows.codes("town") == code] == place).all()
    assert (found[~np.isin(rows.codes("town"), top)] == 3).all()
    assert coding.sizes == (4, 0)
    assert coding.nominal.tolist() == [True, False]


def test_two_rows_are_about_one_apart_in_every_column() -> None:
    rows, other = people(4000, 0), people(4000, 1)
    space = mixed_space(rows, ["age", "since", "school"])
    squared = np.square(space.array(rows) - space.array(other)).mean(axis=0)
    np.testing.assert_allclose(squared, 1, atol=0.1)
    town = mixed_space(rows, ["town"])
    apart = np.square(town.array(rows) - town.array(other)).sum(axis=1)
    np.testing.assert_allclose(apart, rows.codes("town") != other.codes("town"), atol=1e-6)


def test_a_missing_value_is_a_value() -> None:
    rows = people(500, 0)
    space = mixed_space(rows, ["job", "pay"])
    at = space.array(rows)[:, space.slices["job"]]
    gone = np.flatnonzero(rows.missing("job"))
    there = np.flatnonzero(~rows.missing("job"))
    assert np.square(at[gone[0]] - at[gone[1]]).sum() == 0
    assert np.square(at[gone[0]] - at[there[0]]).sum() == pytest.approx(1)
    assert space.slices["pay"].stop - space.slices["pay"].start == 2


def test_many_categories_fit_and_stay_apart() -> None:
    size = 20_000
    kinds = [Column(name="c", kind="category", categories=tuple(map(str, range(size))))]
    rows = Table.of({"c": np.arange(size)}, table_schema(kinds))
    space = mixed_space(rows, ["c"])
    assert space.dimension == 64 + 32 + 1
    at = space.array(rows)
    draw = np.random.default_rng(0)
    one, two = draw.integers(0, size, (2, 4000))
    apart = np.square(at[one] - at[two]).sum(axis=1)[one != two]
    assert apart.mean() == pytest.approx(1, abs=0.02)
    assert apart.min() > 0.2
    joint = mixed_space(rows, ["c"], own=10, shared=0)
    assert joint.dimension == 12
    assert len(np.unique(joint.array(rows), axis=0)) == 11


def test_constant_and_empty_columns_are_no_trouble() -> None:
    kinds = [Column(name="same", kind="number"), Column(name="gone", kind="number", optional=True)]
    rows = Table.of({"same": np.full(5, 7.3), "gone": np.full(5, np.nan)}, table_schema(kinds))
    assert np.isfinite(mixed_space(rows, ["same", "gone"]).array(rows)).all()
    with pytest.raises(DataError, match="at least 1 row"):
        mixed_space(rows.take(np.arange(0)), ["same"])


def test_equal_rows_have_equal_keys() -> None:
    rows = people(50, 0)
    names = modelled(rows.schema)
    keys = row_keys(rows, names)
    assert len(set(keys)) == 50
    assert row_keys(rows.take(np.array([3, 3])), names) == [keys[3], keys[3]]
