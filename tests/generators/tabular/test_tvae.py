"""A variational auto-encoder of rows: a known joint, conditions by resampling, and what every generator keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.generators.tabular import promises
from tests.generators.tabular.small import JOINT, cells, mixed, weather

from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.generators.tabular.tvae import Tvae

_TINY: dict[str, Any] = {"hidden": 24, "layers": 1, "latent": 3, "batch_size": 64}


@pytest.fixture(scope="module")
def known() -> Any:
    return Tvae(**{**_TINY, "batch_size": 256}, steps=400, learning_rate=0.01).fit(weather(20_000), Rng(0), SILENT)


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Tvae(**_TINY, steps=20).fit(mixed(300), Rng(0), SILENT)


def _distance(counts: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> float:
    return 0.5 * float(np.abs(counts / counts.sum() - shares / shares.sum()).sum())


def test_the_joint_is_learnt(known: Any) -> None:
    assert _distance(cells(known.sample(10_000, Rng(5))), JOINT) < 0.08


def test_a_condition_equals_the_chosen_part_of_many_free_rows(known: Any) -> None:
    free = cells(known.sample(60_000, Rng(8)))[:, :, 2]
    made = cells(known.sample(8000, Rng(7), {"slip": 2}))
    assert made.sum() == made[:, :, 2].sum()
    assert _distance(made[:, :, 2], free) < 0.03


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
    promises.saving_keeps_everything(Tvae(), fitted, tmp_path)


def test_resuming_gives_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promises.resuming_gives_the_same_model(Tvae(**_TINY, steps=9), tmp_path, monkeypatch)


def test_odd_tables_work() -> None:
    promises.odd_tables_work(Tvae(**_TINY, steps=2))


def test_global_randomness_is_left_alone(global_state: None) -> None:
    Tvae(**_TINY, steps=2).fit(mixed(30), Rng(0), SILENT).sample(2, Rng(0))
