"""Numbers of children, and which parents have them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.metrics.tables.known import changed, reference, shops

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.relations import Relations, relations_schema
from lookalike.metrics.tables.children import Children


def test_real_families_are_near_the_floor_and_equal_numbers_at_the_ceiling() -> None:
    score = Children().score(reference(), shops(300, 5), Rng(0))
    assert score.floor is not None
    assert score.ceiling is not None
    assert abs(score.value - score.floor) < 0.06
    assert score.value < 0.12
    assert score.ceiling > 0.4
    assert score.interval is not None
    assert score.interval[0] <= score.value <= score.interval[1]
    both = score.detail["with_parents"]
    assert both["value"] < 0.2 < both["ceiling"]


def test_the_distance_is_that_of_the_distribution_functions() -> None:
    real, data = reference(), shops(300, 5)
    one, other = real.holdout.sizes["sales"], data.sizes["sales"]
    plain = max(abs((one <= k).mean() - (other <= k).mean()) for k in range(30))
    assert Children().score(real, data, Rng(0)).value == pytest.approx(plain)


def test_numbers_that_do_not_fit_their_parents_are_seen() -> None:
    data = shops(300, 5)
    size = np.random.default_rng(0).permutation(data.tables["shops"].codes("size"))
    score = Children().score(reference(), changed(data, "shops", "size", size), Rng(0))
    both = score.detail["with_parents"]
    assert abs(both["value"] - both["ceiling"]) < 0.1
    assert both["value"] > 2 * both["floor"]
    assert score.value < 0.12


def test_without_children_there_is_nothing_to_count() -> None:
    data = shops(60, 5)
    alone = Relations({"shops": data.root}, {}, relations_schema(data.schema.tables[:1]))
    with pytest.raises(DataError, match="needs a table with a parent"):
        Children().score(reference(), alone, Rng(0))
