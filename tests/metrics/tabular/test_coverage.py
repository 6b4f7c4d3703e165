"""Categories and ranges that are never reached lower the share, rare ones most."""

from __future__ import annotations

import numpy as np
from tests.data.people import codes, people, reference

from lookalike.core.rng import Rng
from lookalike.metrics.tabular.coverage import Coverage


def test_rows_without_the_rare_towns_cover_less() -> None:
    made = people(2000, 3)
    common = made.take(np.flatnonzero(made.codes("town") < 5)[:800])
    found, whole = (Coverage().score(reference(), rows, Rng(0)) for rows in (common, made.take(np.arange(800))))
    assert found.value < whole.value - 0.05
    assert found.detail["worst"] == found.detail["columns"][0]["column"] == "town"
    assert found.detail["rare"]["value"] < whole.detail["rare"]["value"] - 0.1


def test_young_rows_alone_do_not_cover_the_ages() -> None:
    made = people(2000, 3)
    young = made.take(np.flatnonzero(made.numbers("age") < 40)[:800])
    found = Coverage().score(reference(), young, Rng(0))
    assert next(row["value"] for row in found.detail["columns"] if row["column"] == "age") < 0.6


def test_where_nothing_is_rare_it_says_none() -> None:
    real = type(reference())(codes(200, 0), codes(200, 1))
    assert Coverage().score(real, codes(200, 2), Rng(0)).detail["rare"] is None
