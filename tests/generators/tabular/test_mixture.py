"""A mixture of products: its conditionals equal enumeration of its likelihood; what every generator keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.generators.tabular import promises
from tests.generators.tabular.small import JOINT, cells, chi_square_p, mixed, weather

from lookalike.core.contracts import TellsLikelihood
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.table import Table
from lookalike.generators.tabular.mixture import Mixture


@pytest.fixture(scope="module")
def known() -> Any:
    return Mixture(components=4, rounds=200).fit(weather(20_000), Rng(0), SILENT)


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Mixture(components=5, rounds=10).fit(mixed(300), Rng(0), SILENT)


def _shares(model: Any) -> np.ndarray[Any, Any]:
    rain, wet, slip = (place.ravel() for place in np.indices(JOINT.shape))
    every = Table.of({"rain": rain, "wet": wet, "slip": slip.astype(float)}, model.schema)
    return np.exp(model.log_likelihood(every)).reshape(JOINT.shape)


def test_the_joint_is_learnt_and_sums_to_one(known: Any) -> None:
    assert isinstance(known, TellsLikelihood)
    shares = _shares(known)
    assert abs(shares.sum() - 1) < 1e-9
    assert 0.5 * np.abs(shares - JOINT).sum() < 0.02
    assert chi_square_p(cells(known.sample(20_000, Rng(6))), shares) > 1e-3


@pytest.mark.parametrize("asked", [{"slip": 2}, {"wet": True}, {"slip": 1, "rain": "rain"}])
def test_conditions_equal_enumeration(known: Any, asked: dict[str, object]) -> None:
    made, shares = cells(known.sample(10_000, Rng(7), asked)), _shares(known)
    place = (
        slice(1, 2) if "rain" in asked else slice(None),
        slice(1, 2) if "wet" in asked else slice(None),
        slice(int(str(asked["slip"])), int(str(asked["slip"])) + 1) if "slip" in asked else slice(None),
    )
    assert made[place].sum() == 10_000
    assert chi_square_p(made[place], shares[place]) > 1e-3


def test_the_likelihood_is_given_the_label() -> None:
    table = weather(2000)
    labelled = Table(table.table, table.schema.model_copy(update={"label": "wet"}))
    shares = _shares(Mixture(components=3).fit(labelled, Rng(0), SILENT))
    np.testing.assert_allclose(shares.sum((0, 2)), 1, atol=1e-9)


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
    promises.saving_keeps_everything(Mixture(), fitted, tmp_path)


def test_odd_tables_work() -> None:
    promises.odd_tables_work(Mixture(rounds=3))


def test_global_randomness_is_left_alone(global_state: None) -> None:
    Mixture(rounds=2).fit(mixed(30), Rng(0), SILENT).sample(2, Rng(0))
