"""A metric of single tables sees what goes wrong between a table and its owners."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from tests.metrics.tables.known import changed, reference, shops

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.metrics.tables.joined import Joined


def test_it_is_the_metric_on_the_joined_table() -> None:
    score = Joined(measure="tabular.column_shape", table="sales").score(reference(), shops(300, 5), Rng(0))
    names = {row["column"] for row in score.detail["columns"]}
    assert names == {"price", "land", "day", "shops: size", "shops: number of sales"}
    assert score.detail["title"] == "likeness of single columns: sales with its owners"
    alone = Joined(measure="tabular.column_shape", table="sales", owners=False)
    assert {row["column"] for row in alone.score(reference(), shops(300, 5), Rng(0)).detail["columns"]} == {
        "price", "land", "day"
    }  # fmt: skip


def test_children_of_the_wrong_parents_are_seen() -> None:
    real, data = reference(), shops(300, 5)
    size = np.random.default_rng(0).permutation(data.tables["shops"].codes("size"))
    metric = Joined(measure="tabular.pair_distance", table="sales")
    good, bad = (metric.score(real, one, Rng(0)) for one in (data, changed(data, "shops", "size", size)))
    assert bad.value > good.value + 0.02
    root = Joined(measure="tabular.pair_distance")
    assert root.score(real, changed(data, "shops", "size", size), Rng(0)).value > 0.2


def test_one_row_of_a_family_is_taken_or_all() -> None:
    data = shops(300, 5)
    metric = Joined(measure="tabular.column_shape", table="sales")
    families = int((reference().holdout.sizes["sales"] > 0).sum())
    assert metric.score(reference(), data, Rng(0)).n_real <= families
    every = metric.model_copy(update={"per_family": None})
    assert every.score(reference(), data, Rng(0)).n_real > families


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"takes one of the metrics of single tables, tabular\.\*, found text.bleu"
    ):
        Joined(measure="text.bleu")
    with pytest.raises(ValidationError, match="no metric is called"):
        Joined(measure="tabular.nothing")
    with pytest.raises(DataError, match="no table that is made is called 'lands'; allowed: shops, sales"):
        Joined(table="lands").score(reference(), shops(60, 5), Rng(0))
