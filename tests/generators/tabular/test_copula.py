"""A Gaussian copula: correlation, marginals and conditions against closed forms; what every generator keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.generators.tabular import promises
from tests.generators.tabular.small import mixed

from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.generators.tabular.copula import Copula

_RHO = 0.7


def _normal(n: int) -> Table:
    draw = np.random.default_rng(0)
    x = draw.standard_normal(n)
    y = _RHO * x + np.sqrt(1 - _RHO**2) * draw.standard_normal(n)
    schema = table_schema(
        [
            Column(name="x", kind="number"),
            Column(name="exp", kind="number"),
            Column(name="side", kind="category", categories=("left", "right")),
        ]
    )
    return Table.of({"x": x, "exp": np.exp(y), "side": (draw.random(n) < 0.2).astype(np.int64)}, schema)


@pytest.fixture(scope="module")
def known() -> Any:
    return Copula().fit(_normal(20_000), Rng(0), SILENT)


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Copula().fit(mixed(300), Rng(0), SILENT)


def test_marginals_and_correlation_are_those_of_the_rows(known: Any) -> None:
    made = known.sample(20_000, Rng(1))
    x, y = made.numbers("x"), np.log(made.numbers("exp"))
    assert abs(np.corrcoef(x, y)[0, 1] - _RHO) < 0.02
    np.testing.assert_allclose(np.quantile(x, [0.1, 0.5, 0.9]), [-1.2816, 0, 1.2816], atol=0.04)
    assert abs((made.codes("side") == 1).mean() - 0.2) < 0.01


@pytest.mark.parametrize("value", [-1.0, 0.5, 2.0])
def test_a_condition_on_one_number_is_the_regression(known: Any, value: float) -> None:
    y = np.log(known.sample(8000, Rng(2), {"x": value}).numbers("exp"))
    assert abs(y.mean() - _RHO * value) < 0.05
    assert abs(y.std() - np.sqrt(1 - _RHO**2)) < 0.03


def test_conditions_work_backwards_and_together(known: Any) -> None:
    made = known.sample(8000, Rng(3), {"exp": 2.0, "side": "right"})
    assert (made.numbers("exp") == 2.0).all()
    assert (made.codes("side") == 1).all()
    assert abs(made.numbers("x").mean() - _RHO * np.log(2.0)) < 0.05


def test_full_shrinkage_is_independence() -> None:
    made = Copula(shrinkage=1).fit(_normal(5000), Rng(0), SILENT).sample(5000, Rng(1))
    assert abs(np.corrcoef(made.numbers("x"), np.log(made.numbers("exp")))[0, 1]) < 0.05


def test_missing_values_are_completed(fitted: Any) -> None:
    data = mixed(1100, seed=3)
    whole = fitted.impute(data, Rng(4))
    for name in ("height", "born", "town"):
        there = ~data.missing(name)
        assert not whole.missing(name).any()
        np.testing.assert_array_equal(np.asarray(whole.values(name))[there], np.asarray(data.values(name))[there])


def test_rows_are_of_the_schema(fitted: Any) -> None:
    promises.rows_are_of_the_schema(fitted, mixed(300))


def test_conditions_are_followed(fitted: Any) -> None:
    promises.conditions_are_followed(fitted)


def test_saving_keeps_everything(fitted: Any, tmp_path: Path) -> None:
    promises.saving_keeps_everything(Copula(), fitted, tmp_path)


def test_odd_tables_work() -> None:
    promises.odd_tables_work(Copula())


def test_global_randomness_is_left_alone(global_state: None) -> None:
    Copula().fit(mixed(30), Rng(0), SILENT).sample(2, Rng(0))
