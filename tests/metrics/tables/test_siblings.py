"""Siblings that are too alike, or strangers, are seen."""

from __future__ import annotations

import numpy as np
import pytest
from tests.metrics.tables.known import changed, reference, shops

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.metrics.tables.siblings import Siblings


def test_real_families_are_near_the_floor_and_strangers_at_the_ceiling() -> None:
    score = Siblings().score(reference(), shops(300, 5), Rng(0))
    assert score.floor is not None
    assert score.ceiling is not None
    assert score.value < 0.06
    assert score.floor < 0.06
    assert score.ceiling > 0.4
    assert score.interval is not None
    assert score.interval[0] <= score.value <= score.interval[1]
    rows = {row["column"]: row for row in score.detail["columns"]}
    # All sales of a shop are in one country; days have nothing in common.
    assert rows["land"]["real"] == 1
    assert abs(rows["price"]["real"] - 0.6) < 0.1
    assert abs(rows["day"]["real"]) < 0.1
    assert abs(rows["price"]["shuffled"]) < 0.1


@pytest.mark.parametrize("alike", [0.0, 0.95])
def test_strangers_and_twins_are_seen(alike: float) -> None:
    real = reference()
    score = Siblings().score(real, shops(300, 5, alike), Rng(0))
    assert score.value > 2 * (score.floor or 0)
    assert score.detail["columns"][0]["column"] == "price"


def test_neighbours_are_looked_at_where_there_is_an_order() -> None:
    real, data = reference(), shops(300, 5)
    owner = data.owners("sales")
    price = data.tables["sales"].numbers("price")
    score = Siblings().score(real, changed(data, "sales", "price", price[np.lexsort((price, owner))]), Rng(0))
    both = score.detail["neighbours"]
    assert both["value"] > 3 * both["floor"]
    assert score.value < 0.06


def test_keys_alone_have_no_likeness() -> None:
    data = shops(60, 5)
    for member in data.schema.tables[1:2]:
        table = data.tables[member.name].select(["shop"])
        less = member.model_copy(update={"rows": table.schema, "key": None, "order": None, "links": ()})
        schema = data.schema.model_copy(update={"tables": (data.schema.tables[0], less)})
        few = type(data)({**data.tables, "sales": table}, data.sizes, schema)
        with pytest.raises(DataError, match="more than keys and texts"):
            Siblings().score(reference(), few, Rng(0))
