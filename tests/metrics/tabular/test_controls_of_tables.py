"""What every metric of tables must do: real rows at the floor, a broken table at the ceiling, the same again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.data.people import people, reference

from lookalike.core.contracts import Reference, Score
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table

REAL = reference()
FRESH = people(800, 2)
NAMES = ("column_shape", "pair_trend", "pair_distance", "missing_pattern", "coverage", "two_sample", "precision_recall")


def scored(name: str, synthetic: Table, real: Reference[Table] = REAL) -> Score:
    quick = {"iterations": 20} if name == "two_sample" else {}
    return find("metrics", f"tabular.{name}")(**quick).score(real, synthetic, Rng(0))


@pytest.mark.parametrize("name", NAMES)
def test_fresh_real_rows_are_near_the_floor(name: str) -> None:
    found = scored(name, FRESH)
    assert found.floor is not None
    assert found.ceiling is not None
    assert found.interval is not None
    assert found.interval[0] <= found.value <= found.interval[1]
    assert abs(found.value - found.floor) < 0.25 * abs(found.ceiling - found.floor)
    assert (found.n_real, found.n_synthetic) == (800, 800)
    json.dumps(dict(found.detail), allow_nan=False)


@pytest.mark.parametrize("name", ["pair_trend", "pair_distance", "two_sample"])
def test_shuffled_columns_are_near_the_ceiling(name: str) -> None:
    found = scored(name, shuffled_columns(people(800, 3), np.random.default_rng(0)))
    assert found.floor is not None
    assert found.ceiling is not None
    assert abs(found.value - found.ceiling) < 0.25 * abs(found.ceiling - found.floor)


@pytest.mark.parametrize("name", ["column_shape", "coverage", "precision_recall"])
def test_one_row_over_and_over_is_at_the_ceiling_or_beyond(name: str) -> None:
    found = scored(name, FRESH.take(np.zeros(800, dtype=np.int64)))
    assert found.floor is not None
    assert found.ceiling is not None
    assert found.value < found.ceiling + 0.25 * (found.floor - found.ceiling)


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize("name", NAMES)
def test_it_says_the_same_twice_and_something_without_a_holdout(name: str) -> None:
    few = REAL.train.take(np.arange(200))
    real = Reference(few, REAL.holdout.take(np.zeros(0, dtype=np.int64)))
    first, second = (scored(name, FRESH.take(np.arange(150)), real) for _ in range(2))
    assert first == second
    assert first.floor is None
    assert "holdout" in first.detail["not_estimated"]
    cls = find("metrics", f"tabular.{name}")
    assert cls.verdict in {"fidelity", "diversity"}
    assert "accepted" in cls.targets
