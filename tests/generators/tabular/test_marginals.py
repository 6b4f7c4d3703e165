"""Columns on their own: exact shares, ranges, forms and missing values, and nothing between columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import BOOLEANS, Table, Values, table_schema
from lookalike.generators.tabular.marginals import Marginals

SCHEMA = table_schema(
    [
        Column(name="gain", kind="integer"),
        Column(name="share", kind="number", decimals=2, optional=True),
        Column(name="step", kind="number", grid=0.25, decimals=2),
        Column(name="day", kind="datetime", optional=True),
        Column(name="ok", kind="boolean", categories=BOOLEANS),
        Column(name="town", kind="category", categories=("a", "b", "never"), optional=True),
        Column(name="key", kind="id"),
    ],
    "ok",
)


def some(n: int, seed: int = 0) -> Table:
    draw = np.random.default_rng(seed)
    ok = draw.random(n) < 0.3
    columns: dict[str, Values] = {
        "gain": np.where(draw.random(n) < 0.9, 0, draw.integers(1, 10**6, n)),
        "share": np.where(draw.random(n) < 0.2, np.nan, np.round(draw.gamma(2, 10, n), 2)),
        "step": draw.integers(0, 4000, n) * 0.25,
        "day": np.where(draw.random(n) < 0.1, np.nan, draw.integers(0, 10**4, n) * 86400.0),
        "ok": ok.astype(np.int64),
        "town": np.where(draw.random(n) < 0.05, -1, ok.astype(np.int64)),
        "key": [str(k) for k in range(n)],
    }
    return Table.of(columns, SCHEMA)


REAL = some(4000)
MODEL = Marginals().fit(REAL, Rng(0))
MADE = MODEL.sample(20_000, Rng(1))


def test_shares_and_missing_values_are_those_of_the_real_rows() -> None:
    for name in ("ok", "town"):
        real, made = (np.bincount(table.codes(name) + 1, minlength=4) / len(table) for table in (REAL, MADE))
        assert np.abs(real - made).max() < 4 * np.sqrt(0.25 / len(MADE))
    for name in ("share", "day", "step"):
        assert abs(REAL.missing(name).mean() - MADE.missing(name).mean()) < 0.01
    assert abs((MADE.numbers("gain") == 0).mean() - (REAL.numbers("gain") == 0).mean()) < 0.01
    assert (MADE.codes("town") != 2).all()


@pytest.mark.parametrize("name", ["gain", "share", "step", "day"])
def test_numbers_follow_the_real_distribution_and_form(name: str) -> None:
    real, made = (table.numbers(name)[~table.missing(name)] for table in (REAL, MADE))
    at = np.unique(real)
    gap = np.searchsorted(np.sort(real), at, "right") / len(real) - np.searchsorted(np.sort(made), at, "right") / len(
        made
    )
    assert np.abs(gap).max() < 1.63 * np.sqrt(1 / len(made)) + 1 / 500
    assert made.min() >= real.min()
    assert made.max() <= real.max()
    step = {"gain": 1, "share": 0.01, "step": 0.25, "day": 86400}[name]
    assert np.allclose(made / step, np.rint(made / step))


def test_nothing_holds_the_columns_together() -> None:
    known = MADE.codes("town") >= 0
    both = np.corrcoef(MADE.codes("town")[known], MADE.codes("ok")[known])[0, 1]
    assert abs(both) < 4 / np.sqrt(known.sum())


def test_what_is_asked_is_given() -> None:
    asked = MODEL.sample(5, Rng(2), {"label": ["true", "false"] * 2 + ["true"], "share": 3.5, "town": None})
    assert asked.labels.tolist() == [1, 0, 1, 0, 1]
    assert asked.numbers("share").tolist() == [3.5] * 5
    assert asked.missing("town").all()
    for where, message in (({"town": "nobody"}, "nobody"), ({"key": "1"}, "cannot choose by 'key'")):
        with pytest.raises(ConfigError, match=message):
            MODEL.sample(1, Rng(0), where)


def test_a_saved_model_draws_the_same_and_holds_no_key(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    again = Marginals().load(tmp_path)
    assert again.sample(1500, Rng(1)).fingerprint() == MADE.take(np.arange(1500)).fingerprint()
    assert not set(MADE.strings("key")) & set(REAL.strings("key"))
    (tmp_path / "lookalike.json").write_text("{}")
    with pytest.raises(DataError, match=r"does not hold a complete tabular\.marginals model"):
        Marginals().load(tmp_path)
    with pytest.raises(DataError, match="needs rows to learn from"):
        Marginals().fit(Table.empty(SCHEMA), Rng(0))


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.one_of(st.just(float("nan")), st.integers(-3, 3).map(float)), min_size=1, max_size=9),
    kind=st.sampled_from(["number", "integer", "datetime"]),
)
def test_any_small_column_works(values: list[float], kind: str) -> None:
    schema = table_schema(
        [Column(name="x", kind=kind, optional=True), Column(name="c", kind="category", optional=True)]
    )
    table = Table.of({"x": np.array(values), "c": np.full(len(values), -1)}, schema)
    made = Marginals().fit(table, Rng(0)).sample(40, Rng(1))
    assert made.missing("c").all()
    seen = set(np.unique(made.numbers("x")[~made.missing("x")]).tolist())
    assert seen <= set(values)
    assert made.missing("x").any() <= any(np.isnan(values))
