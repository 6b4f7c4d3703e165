"""Budgets of training, rows that are only looked at, and folders that hold no model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.generators.tabular.small import mixed

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.coded_numbers import Grain
from lookalike.data.coding import TableCoding
from lookalike.generators.tabular.drawing.settings import SavedModel, Trained, held_out


def test_a_budget_is_epochs_steps_or_minutes() -> None:
    assert Trained(steps=7).planned_steps(1000, 10, 5) == 7
    assert Trained(minutes=1).planned_steps(1000, 10, 5) is None
    assert Trained(epochs=0.5).planned_steps(1000, 10, 5) == 50
    assert Trained().planned_steps(1000, 10, 5) == 500
    assert Trained().planned_steps(3, 10, 5) == 200
    with pytest.raises(ValidationError, match="give one of epochs, minutes and steps, found epochs and steps"):
        Trained(epochs=1, steps=1)


def test_a_twentieth_is_held_out_of_many_rows_and_none_of_few() -> None:
    assert held_out(399, Rng(0)).sum() == 0
    held = held_out(1000, Rng(0))
    assert held.sum() == 50
    assert (held == held_out(1000, Rng(0))).all()


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"complete m model.*fit it again") as error:
        SavedModel.open(tmp_path, "f", "m")
    assert "\n" not in str(error.value)


def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    coding = TableCoding.learn(mixed(50), Grain())
    SavedModel({"format": "f", "steps": 3}, {"net.a": torch.arange(3.0)}, coding).save(tmp_path)
    again = SavedModel.open(tmp_path, "f", "m")
    assert again.about == {"format": "f", "steps": 3}
    assert again.weights["net.a"].tolist() == [0, 1, 2]
    assert again.coding.sizes == coding.sizes
    assert again.coding.schema == coding.schema
    codes, places = coding.encode(mixed(50), np.random.default_rng(0))
    for one, two in zip(
        coding.decode(codes, places).values(), again.coding.decode(codes, places).values(), strict=True
    ):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    about = json.loads((tmp_path / "lookalike.json").read_text())
    (tmp_path / "lookalike.json").write_text(json.dumps({**about, "format": "other"}))
    with pytest.raises(DataError, match="format other, expected f"):
        SavedModel.open(tmp_path, "f", "m")
