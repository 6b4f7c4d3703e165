"""A generator against a critic: a known joint, conditions, calibrated columns, and what every generator keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators.tabular import promises
from tests.generators.tabular.small import JOINT, cells, mixed, weather

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import SILENT
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.generators.tabular.ctgan import Ctgan

_TINY: dict[str, Any] = {"hidden": 24, "layers": 1, "latent": 4, "batch_size": 64}


@pytest.fixture(scope="module")
def known() -> Any:
    settings = {**_TINY, "batch_size": 256, "steps": 400, "learning_rate": 0.004}
    return Ctgan(**settings).fit(weather(20_000), Rng(0), SILENT)


@pytest.fixture(scope="module")
def fitted() -> Any:
    return Ctgan(**_TINY, steps=20).fit(mixed(300), Rng(0), SILENT)


def _distance(counts: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> float:
    return 0.5 * float(np.abs(counts / counts.sum() - shares / shares.sum()).sum())


def line(n: int, seed: int = 0) -> Table:
    """Return rows of two numbers of many values, the second the square of the first with little noise."""
    draw = np.random.default_rng(seed)
    schema = table_schema([Column(name="x", kind="number"), Column(name="y", kind="number")])
    x = draw.exponential(size=n)
    return Table.of({"x": x, "y": x**2 + 0.05 * draw.standard_normal(n)}, schema)


def test_the_joint_is_learnt(known: Any) -> None:
    independent = JOINT.sum((1, 2))[:, None, None] * JOINT.sum((0, 2))[:, None] * JOINT.sum((0, 1))
    assert _distance(independent, JOINT) > 0.3
    assert _distance(cells(known.sample(10_000, Rng(5))), JOINT) < 0.045


@pytest.mark.parametrize(("name", "value", "axis"), [("slip", 2, 2), ("rain", "dry", 0), ("wet", True, 1)])
def test_a_condition_gives_the_distribution_of_such_rows(known: Any, name: str, value: object, axis: int) -> None:
    made = cells(known.sample(8000, Rng(7), {name: value}))
    place = {"slip": 2, "rain": 0, "wet": 1}[name]
    assert made.sum() == made.take(place, axis).sum()
    assert _distance(made.take(place, axis), JOINT.take(place, axis)) < 0.11


def test_a_second_condition_equals_the_chosen_part_of_many_rows_of_the_first(known: Any) -> None:
    # The rarer of both enters the generator.
    first = cells(known.sample(30_000, Rng(8), {"slip": 2}))[1, :, 2]
    made = cells(known.sample(8000, Rng(7), {"slip": 2, "rain": "rain"}))
    assert made.sum() == made[1, :, 2].sum()
    assert _distance(made[1, :, 2], first) < 0.03


def test_columns_alone_are_as_in_training_even_untrained() -> None:
    data = mixed(4000)
    made = Ctgan(**_TINY, steps=30, learning_rate=0.03).fit(data, Rng(0), SILENT).sample(8000, Rng(1))
    for name in ("town", "size"):
        counts = [np.bincount(table.codes(name) + 1, minlength=4) for table in (data, made)]
        assert _distance(counts[1], counts[0]) < 0.03
    for name in ("height", "born"):
        real, new = data.numbers(name), made.numbers(name)
        assert abs(np.isnan(new).mean() - np.isnan(real).mean()) < 0.03
        ends = np.nanquantile(real, np.linspace(0, 1, 9)[1:-1])
        shares = [np.searchsorted(ends, v[~np.isnan(v)], side="right") for v in (real, new)]
        assert _distance(*(np.bincount(s, minlength=8) for s in shares)) < 0.05


def test_numbers_of_many_values_go_together() -> None:
    settings = {**_TINY, "batch_size": 256, "steps": 400, "learning_rate": 0.005, "distinct": 8}
    known = Ctgan(**settings).fit(line(4000), Rng(0), SILENT)
    made = known.sample(4000, Rng(1))
    ranks = [np.argsort(np.argsort(made.numbers(name))) for name in ("x", "y")]
    assert np.corrcoef(*ranks)[0, 1] > 0.8
    asked = known.sample(1000, Rng(1), {"x": 2.0})
    assert (asked.numbers("x") == 2).all()
    assert abs(np.median(asked.numbers("y")) - 4) < 1


def test_missing_values_are_completed(fitted: Any) -> None:
    data = mixed(1100, seed=3)
    whole = fitted.impute(data, Rng(4))
    for name in ("height", "born", "town"):
        there = ~data.missing(name)
        assert not whole.missing(name).any()
        np.testing.assert_array_equal(np.asarray(whole.values(name))[there], np.asarray(data.values(name))[there])


def test_bytes_do_not_depend_on_the_number_of_threads() -> None:
    made = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            one = Ctgan(**_TINY, steps=4).fit(mixed(300), Rng(0), SILENT)
            made.append(one.sample(1500, Rng(1)).fingerprint())
    finally:
        torch.set_num_threads(before)
    assert made[0] == made[1]


def test_a_category_of_very_many_levels_is_grouped() -> None:
    draw = np.random.default_rng(0)
    names = tuple(f"n{k}" for k in range(100_000))
    schema = table_schema([Column(name="place", kind="category", categories=names), Column(name="x", kind="integer")])
    data = Table.of({"place": draw.integers(0, 100_000, 3000), "x": draw.integers(0, 9, 3000).astype(float)}, schema)
    one = Ctgan(**_TINY, steps=2).fit(data, Rng(0), SILENT)
    assert sum(p.numel() for p in one.saved.weights.values()) < 10_000
    assert not one.sample(50, Rng(0)).problems()


def test_models_that_do_not_fit_are_refused(fitted: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"complete tabular\.ctgan model"):
        Ctgan().load(tmp_path)
    with pytest.raises(DataError, match="needs rows"):
        Ctgan().fit(mixed(3).take(np.arange(0)), Rng(0), SILENT)
    with pytest.raises(ConfigError, match="no training row has the value asked of town"):
        data = mixed(300)
        rows = np.flatnonzero(data.codes("town") != 0)
        Ctgan(**_TINY, steps=2).fit(data.take(rows), Rng(0), SILENT).sample(2, Rng(0), {"town": "Ulm"})


@pytest.mark.parametrize(
    "settings",
    [{"loss": "wasserstein"}, {"pack": 1}, {"pack": 1, "batch_size": 3}, {"pairs": 0}, {"bins": 5}, {"balance": 1.0}],
)
def test_every_setting_trains(settings: dict[str, Any]) -> None:
    made = Ctgan(**{**_TINY, **settings}, steps=3).fit(mixed(100), Rng(0), SILENT).sample(20, Rng(0), {"height": 1.7})
    assert not made.problems()


def test_rows_are_of_the_schema(fitted: Any) -> None:
    promises.rows_are_of_the_schema(fitted, mixed(300))


def test_conditions_are_followed(fitted: Any) -> None:
    promises.conditions_are_followed(fitted)


def test_saving_keeps_everything(fitted: Any, tmp_path: Path) -> None:
    promises.saving_keeps_everything(Ctgan(), fitted, tmp_path)


def test_resuming_gives_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promises.resuming_gives_the_same_model(Ctgan(**_TINY, steps=9), tmp_path, monkeypatch)


def test_odd_tables_work() -> None:
    promises.odd_tables_work(Ctgan(**_TINY, steps=2))


def test_global_randomness_is_left_alone(global_state: None) -> None:
    Ctgan(**_TINY, steps=2).fit(mixed(30), Rng(0), SILENT).sample(2, Rng(0))
