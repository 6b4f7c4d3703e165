"""Columns in any order: known joints and conditionals, likelihoods, imputation, and what every generator keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.generators.tabular import promises
from tests.generators.tabular.small import JOINT, cells, chi_square_p, mixed, weather

from lookalike.core.contracts import TellsLikelihood
from lookalike.core.errors import DataError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.data.table import Table
from lookalike.generators.tabular.autoregressive import Autoregressive

_TINY: dict[str, Any] = {"hidden": 16, "embedding": 4, "batch_size": 64}


@pytest.fixture(scope="module")
def known() -> Any:
    return Autoregressive(**{**_TINY, "batch_size": 256}, steps=250, dropout=0, learning_rate=0.01).fit(
        weather(20_000), Rng(0), SILENT
    )


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Autoregressive(**_TINY, steps=30).fit(mixed(500), Rng(0), SILENT)


def _every_state() -> Table:
    rain, wet, slip = (place.ravel() for place in np.indices(JOINT.shape))
    return Table.of({"rain": rain, "wet": wet, "slip": slip.astype(float)}, weather(1).schema)


def _distance(counts: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> float:
    """Total variation distance."""
    return 0.5 * float(np.abs(counts / counts.sum() - shares / shares.sum()).sum())


def test_the_joint_is_learnt(known: Any) -> None:
    assert _distance(cells(known.sample(20_000, Rng(5))), JOINT) < 0.025


def test_rows_follow_the_stated_probabilities(known: Any) -> None:
    shares = np.exp(known.log_likelihood(_every_state())).reshape(JOINT.shape)
    assert abs(shares.sum() - 1) < 1e-5
    assert chi_square_p(cells(known.sample(20_000, Rng(6))), shares) > 1e-3


@pytest.mark.parametrize("asked", [{"slip": 2}, {"wet": True}, {"slip": 1, "rain": "rain"}, {"slip": 0, "wet": False}])
def test_any_condition_gives_the_conditional_distribution(known: Any, asked: dict[str, object]) -> None:
    made = cells(known.sample(10_000, Rng(7), asked))
    place = (
        slice(None) if "rain" not in asked else slice(1, 2),
        slice(None) if "wet" not in asked else slice(int(bool(asked["wet"])), int(bool(asked["wet"])) + 1),
        slice(None) if "slip" not in asked else slice(int(str(asked["slip"])), int(str(asked["slip"])) + 1),
    )
    assert made.sum() == made[place].sum()
    assert _distance(made[place], JOINT[place]) < 0.04


def test_the_likelihood_is_given_the_label() -> None:
    table = weather(3000)
    labelled = Table.of(
        {c.name: table.values(c.name) for c in table.schema.columns}, table.schema.model_copy(update={"label": "wet"})
    )
    model = Autoregressive(**_TINY, steps=20).fit(labelled, Rng(0), SILENT)
    assert isinstance(model, TellsLikelihood)
    every = Table(_every_state().table, labelled.schema)
    total = np.bincount(every.labels, weights=np.exp(model.log_likelihood(every)))
    np.testing.assert_allclose(total, 1, atol=1e-5)


def test_a_row_that_cannot_be_has_no_probability(known: Any) -> None:
    row = Table.of({"rain": np.array([0]), "wet": np.array([0]), "slip": np.array([7.0])}, known.schema)
    assert known.log_likelihood(row).tolist() == [-np.inf]


def test_missing_values_are_completed_from_what_is_there(fitted: Any) -> None:
    data = mixed(1100, seed=3)
    whole = fitted.impute(data, Rng(4))
    for name in ("height", "born", "town"):
        there = ~data.missing(name)
        assert not whole.missing(name).any()
        np.testing.assert_array_equal(np.asarray(whole.values(name))[there], np.asarray(data.values(name))[there])
    assert whole.missing("gone").all()
    assert whole.strings("note") == data.strings("note")
    assert fitted.impute(data.take(np.arange(5)), Rng(4)).fingerprint() == whole.take(np.arange(5)).fingerprint()


def test_imputed_values_depend_on_the_others(known: Any) -> None:
    optional = [c.model_copy(update={"optional": True}) for c in known.schema.columns]
    schema = known.schema.model_copy(update={"columns": tuple(optional)})
    data = weather(8000)
    holes = Table.of({"rain": data.codes("rain"), "wet": np.full(8000, -1), "slip": np.full(8000, 2.0)}, schema)
    wet = known.impute(holes, Rng(0)).codes("wet")
    for rain in (0, 1):
        expected = JOINT[rain, 1, 2] / JOINT[rain, :, 2].sum()
        assert abs(wet[data.codes("rain") == rain].mean() - expected) < 0.08


def test_rows_are_of_the_schema(fitted: Any) -> None:
    promises.rows_are_of_the_schema(fitted, mixed(500))


def test_conditions_are_followed(fitted: Any) -> None:
    promises.conditions_are_followed(fitted)


def test_saving_keeps_everything(fitted: Any, tmp_path: Path) -> None:
    promises.saving_keeps_everything(Autoregressive(), fitted, tmp_path)


def test_resuming_gives_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promises.resuming_gives_the_same_model(Autoregressive(**_TINY, steps=17), tmp_path, monkeypatch)


def test_odd_tables_work() -> None:
    promises.odd_tables_work(Autoregressive(**_TINY, steps=3))


def test_the_better_state_is_kept() -> None:
    model = Autoregressive(**_TINY, steps=150, dropout=0, learning_rate=0.05).fit(mixed(450), Rng(0), SILENT)
    looks = model.saved.about["looks"]
    assert min(looks) < looks[-1]


def test_what_cannot_be_learnt_is_refused() -> None:
    data = mixed(10)
    with pytest.raises(DataError, match="needs rows"):
        Autoregressive().fit(data.take(np.arange(0)), Rng(0), SILENT)
    with pytest.raises(DataError, match="keys and free texts only"):
        Autoregressive().fit(data.select(["key", "note"]), Rng(0), SILENT)


def test_global_randomness_is_left_alone(global_state: None) -> None:
    Autoregressive(**_TINY, steps=2).fit(mixed(30), Rng(0), SILENT).sample(2, Rng(0))
