"""A copier is caught, independent rows are not, and the figure grows with every planted copy."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.audits.image.nearest_neighbour import NearestNeighbour
from lookalike.core.contracts import Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.images import Images, concatenate


@pytest.fixture(scope="module")
def parts(digits: Images) -> tuple[Reference[Images], Images]:
    """Train, holdout, and unseen rows that play the part of a perfect generator."""
    pick = lambda start, stop: digits.take(np.arange(start, stop))  # noqa: E731
    return Reference(pick(0, 700), pick(700, 1200)), pick(1200, 1700)


def score(real: Reference[Images], synthetic: Images) -> Score:
    return NearestNeighbour(encoder="image.pixels").score(real, synthetic, Rng(0))


def test_independent_rows_are_at_the_floor(parts: tuple[Reference[Images], Images]) -> None:
    real, unseen = parts
    found = score(real, unseen)
    assert found.interval is not None
    assert found.floor is not None
    assert found.interval[0] <= found.floor <= found.interval[1]
    low, high = found.detail["closer_to_train"]["interval"]
    assert low <= 0.5 <= high


def test_a_copier_is_at_the_ceiling(parts: tuple[Reference[Images], Images]) -> None:
    real, _ = parts
    found = score(real, real.train)
    assert found.value == found.ceiling == 1.0
    assert found.detail["exact_copies"] == len(real.train)
    assert found.detail["closer_to_train"]["value"] > 0.8
    assert found.detail["nearest"][0]["distance"] == 0


def test_many_copies_of_one_row_do_not_look_fine(parts: tuple[Reference[Images], Images]) -> None:
    real, _ = parts
    assert score(real, real.train.take(np.full(500, 3))).value == 1.0


def test_the_figure_grows_with_planted_copies(parts: tuple[Reference[Images], Images]) -> None:
    real, unseen = parts
    values = []
    for copies in (0, 25, 100, 400):
        planted = concatenate([real.train.take(np.arange(copies)), unseen.take(np.arange(copies, 500))])
        values.append(score(real, planted).value)
    assert values == sorted(values)
    assert values[1] >= 0.05
    assert values[3] >= 0.8


def test_a_share_of_copies_that_is_called_detectable_is_detected(parts: tuple[Reference[Images], Images]) -> None:
    real, unseen = parts
    copies = int(np.ceil(2 * score(real, unseen).detail["detectable"] * 500))
    planted = concatenate([real.train.take(np.arange(copies)), unseen.take(np.arange(copies, 500))])
    found = score(real, planted)
    assert found.interval is not None
    assert found.floor is not None
    assert found.interval[0] > 0
    assert found.value > found.floor


def test_no_near_copy_still_has_an_upper_bound(parts: tuple[Reference[Images], Images]) -> None:
    real, _ = parts
    blank = Images(np.full((50, 8, 8, 1), 255, np.uint8), np.zeros(50, np.int64), real.train.schema)
    found = score(real, blank)
    assert found.value == 0
    assert found.interval is not None
    assert 0.05 < found.interval[1] < 0.08


def test_without_a_holdout_only_exact_copies_are_counted(parts: tuple[Reference[Images], Images]) -> None:
    real, unseen = parts
    empty = real.holdout.take(np.zeros(0, dtype=np.int64))
    found = score(Reference(real.train, empty), concatenate([unseen, real.train.take(np.arange(100))]))
    assert found.floor is None
    assert "no holdout" in found.detail["not_estimated"]
    assert found.detail["exact_copies"] == 100
