"""Rows out of noise: a known joint and its conditionals, imputation, samplers, and what every generator keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators.tabular import promises
from tests.generators.tabular.small import JOINT, cells, mixed, weather

from lookalike.core.errors import DataError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.generators.tabular import diffusion
from lookalike.generators.tabular.diffusion import Diffusion

_TINY: dict[str, Any] = {"hidden": 32, "layers": 1, "batch_size": 64, "precision": "float32"}


@pytest.fixture(scope="module")
def known() -> Any:
    method = Diffusion(**{**_TINY, "batch_size": 512}, steps=250, learning_rate=0.005)
    return method.fit(weather(20_000), Rng(0), SILENT)


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Diffusion(**_TINY, steps=20, sampling={"steps": 8}).fit(mixed(300), Rng(0), SILENT)


def _distance(counts: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> float:
    return 0.5 * float(np.abs(counts / counts.sum() - shares / shares.sum()).sum())


@pytest.mark.parametrize("sampler", ["ddpm", "dpmpp_2m", "unipc"])
def test_the_joint_is_learnt_by_every_sampler(known: Any, sampler: str) -> None:
    drawer = diffusion._FittedDiffusion(
        known.saved, diffusion._Sampling(sampler=sampler, steps=25), torch.device("cpu")
    )
    made = cells(drawer.sample(6000, Rng(5)))
    independent = JOINT.sum((1, 2))[:, None, None] * JOINT.sum((0, 2))[:, None] * JOINT.sum((0, 1))
    assert _distance(independent, JOINT) > 0.3
    assert _distance(made, JOINT) < 0.05


@pytest.mark.parametrize("asked", [{"slip": 2}, {"wet": True}])
def test_a_condition_gives_nearly_the_conditional_distribution(known: Any, asked: dict[str, object]) -> None:
    made = cells(known.sample(6000, Rng(7), asked))
    wanted = JOINT[:, :, 2] if "slip" in asked else JOINT[:, 1]
    found = made[:, :, 2] if "slip" in asked else made[:, 1]
    assert made.sum() == found.sum()
    assert _distance(found, wanted) < 0.06


def test_missing_values_are_completed(fitted: Any) -> None:
    data = mixed(1100, seed=3)
    whole = fitted.impute(data, Rng(4))
    for name in ("height", "born", "town"):
        there = ~data.missing(name)
        assert not whole.missing(name).any()
        np.testing.assert_array_equal(np.asarray(whole.values(name))[there], np.asarray(data.values(name))[there])


def test_noise_levels_cover_their_range_evenly() -> None:
    sigma = diffusion._levels(1000, 0.1, 10.0, torch.Generator().manual_seed(0)).log().squeeze(1)
    counts = torch.histc(sigma, 10, min=np.log(0.1), max=np.log(10.0))
    assert (counts - 100).abs().max() <= 1


def test_rows_are_of_the_schema(fitted: Any) -> None:
    promises.rows_are_of_the_schema(fitted, mixed(300))


def test_conditions_are_followed(fitted: Any) -> None:
    promises.conditions_are_followed(fitted)


def test_saving_keeps_everything(fitted: Any, tmp_path: Path) -> None:
    promises.saving_keeps_everything(Diffusion(sampling={"steps": 8}), fitted, tmp_path)


def test_resuming_gives_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promises.resuming_gives_the_same_model(Diffusion(**_TINY, steps=9), tmp_path, monkeypatch)


def test_odd_tables_work() -> None:
    promises.odd_tables_work(Diffusion(**_TINY, steps=2, sampling={"steps": 3}))


def test_reduced_precision_works() -> None:
    method = Diffusion(**{**_TINY, "precision": "bfloat16"}, steps=2, sampling={"steps": 3})
    assert len(method.fit(mixed(30), Rng(0), SILENT).sample(5, Rng(0))) == 5


def test_too_many_columns_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusion, "_MOST_COLUMNS", 3)
    with pytest.raises(DataError, match="at most 3 columns, found 8"):
        Diffusion().fit(mixed(10), Rng(0), SILENT)


def test_global_randomness_is_left_alone(global_state: None) -> None:
    Diffusion(**_TINY, steps=2, sampling={"steps": 2}).fit(mixed(30), Rng(0), SILENT).sample(2, Rng(0))
