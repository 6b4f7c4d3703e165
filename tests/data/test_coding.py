"""Coding of columns: what is decoded is what was encoded, for every kind of column and for odd ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.core.schema import Column
from lookalike.data.coded_levels import LevelCoding
from lookalike.data.coded_numbers import UNSEEN, Grain, NumberCoding, on_grid
from lookalike.data.coding import TableCoding
from lookalike.data.table import BOOLEANS, Table, Values, table_schema

FINE, COARSE = Grain(bins=8, few=4, values=16), Grain(few=0)


def _draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _table(columns: dict[str, Values], *of: Column, label: str | None = None) -> Table:
    return Table.of(columns, table_schema(of, label))


@pytest.mark.parametrize("grain", [FINE, COARSE, Grain(), Grain(bins=64, few=128)])
def test_every_kind_comes_back(grain: Grain) -> None:
    n, draw = 3000, _draw()
    columns: dict[str, Values] = {
        "gain": np.where(draw.random(n) < 0.9, 0.0, draw.integers(100, 99_999, n)),
        "price": np.round(np.exp(draw.standard_normal(n)), 2),
        "age": draw.integers(17, 90, n).astype(float),
        "rate": draw.standard_normal(n),
        "gone": np.full(n, np.nan),
        "same": np.full(n, 7.0),
        "born": np.where(draw.random(n) < 0.2, np.nan, 86_400.0 * draw.integers(-9000, 9000, n)),
        "town": draw.geometric(0.05, n).clip(max=100) - 1 - (draw.random(n) < 0.01),
        "yes": draw.integers(0, 2, n),
        "none": np.full(n, -1),
    }
    schema = table_schema(
        [
            Column(name="gain", kind="integer"),
            Column(name="price", kind="number", decimals=2),
            Column(name="age", kind="integer"),
            Column(name="rate", kind="number"),
            Column(name="gone", kind="number", optional=True),
            Column(name="same", kind="number"),
            Column(name="born", kind="datetime", optional=True, grid=86_400.0),
            Column(name="town", kind="category", categories=tuple(map(str, range(100))), optional=True),
            Column(name="yes", kind="boolean", categories=BOOLEANS),
            Column(name="none", kind="category", categories=("a",), optional=True),
        ]
    )
    table = Table.of(columns, schema)
    coding = TableCoding.learn(table, grain)
    codes, places = coding.encode(table, _draw(1))
    assert (codes >= 0).all()
    assert (codes < np.array(coding.sizes)).all()
    assert ((places >= 0) & (places < 1)).all()
    back = Table.of(coding.decode(codes, places), schema)
    for name, values in columns.items():
        tolerance = 1e-9 if name == "rate" else 0
        np.testing.assert_allclose(
            np.asarray(back.values(name), dtype=float),
            np.asarray(values, dtype=float),
            rtol=tolerance,
            atol=tolerance,
        )
    again = TableCoding.from_arrays(schema, coding.to_arrays())
    assert Table.of(again.decode(codes, places), schema).fingerprint() == back.fingerprint()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.integers(-1000, 1000), st.none()), min_size=1, max_size=60),
    st.sampled_from([FINE, COARSE, Grain()]),
    st.sampled_from([1.0, 0.1, 0.25, 5.0]),
)
def test_numbers_on_a_grid_come_back_exactly(whole: list[int | None], grain: Grain, step: float) -> None:
    given_ = np.array([math.nan if value is None else value for value in whole], dtype=float)
    values = on_grid(given_ * step, step)
    coding = NumberCoding.learn(Column(name="x", kind="number", grid=step, optional=True), values, grain)
    codes, places = coding.encode(values, _draw())
    assert (codes >= 0).all()
    np.testing.assert_array_equal(coding.decode(codes, places), values)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=60), st.sampled_from([FINE, COARSE]))
def test_any_numbers_come_back_nearly(values: list[float], grain: Grain) -> None:
    given_ = np.array(values)
    coding = NumberCoding.learn(Column(name="x", kind="number"), given_, grain)
    codes, places = coding.encode(given_, _draw())
    assert (codes >= 0).all()
    scale = max(np.ptp(given_), 1e-300)
    np.testing.assert_allclose(coding.decode(codes, places), given_, rtol=1e-9, atol=1e-9 * scale)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-1, 30), min_size=1, max_size=200), st.integers(2, 8))
def test_levels_come_back_exactly(levels: list[int], most: int) -> None:
    given_ = np.array(levels, dtype=np.int64)
    column = Column(name="x", kind="category", categories=tuple(map(str, range(31))), optional=True)
    coding = LevelCoding.learn(column, given_, Grain(levels=most, rare=3), whole=False)
    codes, places = coding.encode(given_, _draw())
    assert (codes >= 0).all()
    assert coding.kept <= most
    np.testing.assert_array_equal(coding.decode(codes, places), given_)


def test_even_places_give_the_training_values_at_their_rates() -> None:
    draw = _draw()
    values = draw.choice([1.0, 2.0, 5.0, 9.0], 4000, p=[0.1, 0.2, 0.3, 0.4])
    coding = NumberCoding.learn(Column(name="x", kind="integer"), values, Grain(few=0, spike=2.0))
    assert coding.size == 1
    made = coding.decode(np.zeros(40_000, dtype=np.int64), draw.random(40_000))
    for value in np.unique(values):
        assert abs((made == value).mean() - (values == value).mean()) < 0.01


def test_interpolated_numbers_follow_the_training_quantiles_within_their_bounds() -> None:
    values = np.exp(_draw().standard_normal(20_000))
    coding = NumberCoding.learn(Column(name="x", kind="number"), values, Grain(values=200))
    made = coding.decode(np.zeros(20_000, dtype=np.int64), (np.arange(20_000) + 0.5) / 20_000)
    assert len(coding.points) <= 201
    assert made.min() >= values.min()
    assert made.max() <= values.max()
    places = [0.01, 0.25, 0.5, 0.75, 0.99]
    np.testing.assert_allclose(np.quantile(made, places), np.quantile(values, places), rtol=0.02)


def test_a_large_share_is_a_code_and_bins_have_equal_mass() -> None:
    draw = _draw()
    values = np.where(draw.random(10_000) < 0.7, 0.0, draw.standard_normal(10_000))
    coding = NumberCoding.learn(Column(name="x", kind="number"), values, Grain(bins=10))
    assert coding.spikes.tolist() == [0.0]
    codes, _ = coding.encode(values, draw)
    assert (codes[values == 0] == coding.bins).all()
    counts = np.bincount(codes[values != 0])
    assert len(counts) == 10
    assert counts.max() < 1.1 * counts.min()


def test_a_hundred_thousand_levels_fit_and_a_group_is_drawn_by_its_members_shares() -> None:
    many = 100_000
    values = np.concatenate([np.arange(many), np.zeros(50_000), np.full(30_000, 1), np.full(9, 2)]).astype(np.int64)
    column = Column(name="x", kind="category", categories=tuple(map(str, range(many))))
    coding = LevelCoding.learn(column, values, Grain(levels=64), whole=False)
    assert coding.size == 4
    codes, places = coding.encode(values, _draw())
    np.testing.assert_array_equal(coding.decode(codes, places), values)
    made = coding.decode(np.full(many, 3), _draw().random(many))
    assert len(np.unique(made)) > many / 2
    assert made.min() == 3


def test_what_no_training_row_has_is_told() -> None:
    numbers = NumberCoding.learn(Column(name="x", kind="integer"), np.array([1.0, 2.0, 8.0]), Grain())
    codes, _ = numbers.encode(np.array([2.0, 3.0, math.nan]), _draw())
    assert codes.tolist() == [1, UNSEEN, UNSEEN]
    assert numbers.nearest(np.array([3.0, 100.0, -5.0])).tolist() == [2.0, 8.0, 1.0]
    column = Column(name="y", kind="category", categories=("a", "b"))
    levels = LevelCoding.learn(column, np.array([0, 0]), Grain(), whole=True)
    assert levels.encode(np.array([0, 1, -1]), _draw())[0].tolist() == [0, UNSEEN, UNSEEN]


def test_shares_within_codes_sum_to_one() -> None:
    draw = _draw()
    values = draw.integers(0, 60, 5000).astype(float)
    for grain in (Grain(bins=7, few=0, spike=2.0), Grain(bins=7, few=0, spike=2.0, values=20)):
        table = _table({"x": values}, Column(name="x", kind="integer"))
        coding = TableCoding.learn(table, grain)
        column = coding.columns[0]
        assert isinstance(column, NumberCoding)
        every = np.arange(60.0)
        codes, _ = column.encode(every, draw)
        total = np.bincount(codes, weights=np.exp(column.log_share(codes, every)))
        assert len(total) == column.size
        np.testing.assert_allclose(total, 1, atol=1e-9)


def test_the_density_of_interpolated_numbers_integrates_to_one() -> None:
    values = _draw().standard_normal(5000)
    coding = NumberCoding.learn(Column(name="x", kind="number"), values, Grain(values=50))
    grid = np.linspace(values.min(), values.max(), 200_001)[:-1] + np.ptp(values) / 400_000
    density = np.exp(coding.log_share(np.zeros(len(grid), dtype=np.int64), grid))
    assert abs(density.mean() * np.ptp(values) - 1) < 1e-3


@pytest.mark.parametrize("bounds", [(None, None), (-10.0, 200.0)])
def test_bounds_hold_for_every_place(bounds: tuple[float | None, float | None]) -> None:
    values = _draw().integers(0, 100_000, 3000) / 1000
    column = Column(name="x", kind="number", decimals=3, low=bounds[0], high=bounds[1])
    coding = NumberCoding.learn(column, values, Grain())
    made = coding.decode(np.zeros(1001, dtype=np.int64), np.linspace(0, 1 - 1e-16, 1001))
    assert made.min() >= values.min()
    assert made.max() <= values.max()
    np.testing.assert_array_equal(np.round(made, 3), made)


def test_shares_that_sum_to_less_than_one_never_reach_the_next_code() -> None:
    short = LevelCoding("x", np.array([0, 1]), np.array([0, 1]), np.zeros(2), np.array([0.9, 1.0]), 2, False)
    assert short.decode(np.array([0, 1]), np.array([0.95, 0.95])).tolist() == [0, 1]
