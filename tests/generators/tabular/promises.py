"""What every generator of tables keeps, asked of a fitted one; each method's test calls these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.generators.tabular.small import mixed

from lookalike.core.errors import ConfigError
from lookalike.core.events import SILENT, CheckpointSaved, Event
from lookalike.core.rng import Rng
from lookalike.data.table import Table
from lookalike.techniques import training


def rows_are_of_the_schema(fitted: Any, data: Table) -> None:
    """Every kind, missing only where it may be, on the grid, within bounds, keys new, each row its own."""
    made = fitted.sample(2100, Rng(1))
    assert made.schema == data.schema
    assert len(made) == 2100
    assert not made.problems()
    keys = made.strings("key")
    assert len(set(keys)) == 2100
    assert not set(keys) & set(data.strings("key"))
    for name in ("height", "gain", "born"):
        real, new = data.numbers(name), made.numbers(name)
        assert np.nanmin(new) >= np.nanmin(real)
        assert np.nanmax(new) <= np.nanmax(real)
    np.testing.assert_array_equal(made.numbers("height"), np.round(made.numbers("height"), 2))
    assert (made.numbers("born")[~made.missing("born")] % 86_400 == 0).all()
    assert made.missing("gone").all()
    assert 0.01 < made.missing("town").mean() < 0.3
    few, fewer = fitted.sample(1500, Rng(1)), fitted.sample(3, Rng(1))
    assert made.take(np.arange(1500)).fingerprint() == few.fingerprint()
    assert made.take(np.arange(3)).fingerprint() == fewer.fingerprint()
    assert len(fitted.sample(0, Rng(1))) == 0
    assert fitted.sample(3, Rng(2)).fingerprint() != fewer.fingerprint()


def conditions_are_followed(fitted: Any) -> None:
    """Any columns, one value or one for each row, missing too; what cannot be had is refused in one line."""
    made = fitted.sample(4, Rng(1), {"label": "yes", "town": ["Ulm", None, "Kiel", "Bonn"], "gain": 0})
    assert made.labels.tolist() == [1, 1, 1, 1]
    assert made.codes("town").tolist() == [0, -1, 2, 1]
    assert made.numbers("gain").tolist() == [0, 0, 0, 0]
    refused: list[tuple[dict[str, object], str]] = [
        ({"colour": "red"}, "cannot choose by 'colour'; allowed: height"),
        ({"key": "k1"}, "cannot choose by 'key'"),
        ({"label": "maybe"}, "ill has no value 'maybe'; allowed: no, yes"),
        ({"ill": None}, "ill is never missing"),
        ({"gain": 1e9}, "gain lies between"),
        ({"gain": "much"}, "gain needs a number, found 'much'"),
        ({"town": ["Ulm"]}, "1 values of town for 2 rows"),
    ]
    for where, words in refused:
        with pytest.raises(ConfigError, match=words) as error:
            fitted.sample(2, Rng(1), where)
        assert "\n" not in str(error.value)


def saving_keeps_everything(method: Any, fitted: Any, folder: Path) -> None:
    """The same rows and the same files after a round trip; safetensors and json only."""
    one, two = folder / "one", folder / "two"
    one.mkdir()
    two.mkdir()
    fitted.save(one)
    loaded = method.load(one)
    assert loaded.sample(5, Rng(3)).fingerprint() == fitted.sample(5, Rng(3)).fingerprint()
    loaded.save(two)
    files = sorted(path.name for path in one.iterdir())
    assert {Path(name).suffix for name in files} == {".json", ".safetensors"}
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)


class Stopped(Exception):
    """Ends a training from outside."""


class Watching:
    """Keeps checkpoints, and stops after some of them."""

    def __init__(self, folder: Path, after: int | None) -> None:
        """Stop after so many checkpoints; None = never."""
        self.folder: Path | None = folder
        self.left = after

    def __call__(self, event: Event) -> None:
        """Count checkpoints."""
        if isinstance(event, CheckpointSaved) and self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise Stopped


def resuming_gives_the_same_model(method: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after a few steps and started again: the same weights as never stopped."""
    data = mixed(420)
    whole = method.fit(data, Rng(0), SILENT)
    plan = training.Plan
    monkeypatch.setattr(plan, "checkpoint_seconds", 0.0)
    original = plan.__init__

    def often(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **{**kwargs, "checkpoint_seconds": 0.0})

    monkeypatch.setattr(plan, "__init__", often)
    with pytest.raises(Stopped):
        method.fit(data, Rng(0), Watching(folder, 3))
    again = method.fit(data, Rng(0), Watching(folder, None))
    for name, value in whole.saved.weights.items():
        assert (value == again.saved.weights[name]).all(), name


def odd_tables_work(method: Any) -> None:
    """One column, one row, constants only."""
    data = mixed(30)
    for names, rows in ((["town"], 30), (["same"], 30), (["gone"], 30), (["height"], 2), (["height", "same"], 1)):
        table = data.select(names).take(np.arange(rows))
        made = method.fit(table, Rng(0), SILENT).sample(7, Rng(1))
        assert len(made) == 7
        assert made.schema == table.schema
