"""A copier is caught, also among categories alone; rows that copy nothing are at the expected share."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.data.people import codes, people, reference

from lookalike.audits.tabular.closest_record import ClosestRecord
from lookalike.core.contracts import Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.table import Table, concatenate_tables

REAL = reference(800, 400)


def scored(synthetic: Table, real: Reference[Table] = REAL) -> Score:
    return ClosestRecord().score(real, synthetic, Rng(0))


def test_rows_that_copy_nothing_are_at_the_expected_share() -> None:
    found = scored(people(1000, 7))
    assert found.floor is not None
    assert found.interval is not None
    assert found.floor == found.detail["expected"] == pytest.approx(2 / 3)
    assert found.interval[0] <= found.floor <= found.interval[1]
    assert found.detail["exact_copies"]["value"] == 0
    assert found.detail["exact_copies"]["interval"][1] < 0.005
    near = found.detail["near_copies"]
    assert near["interval"][0] <= near["floor"] <= near["interval"][1]
    json.dumps(dict(found.detail), allow_nan=False)


def test_a_copier_is_at_the_ceiling() -> None:
    found = scored(REAL.train.take(np.random.default_rng(0).integers(0, 800, 800)))
    assert found.value == found.ceiling == 1.0
    assert found.detail["exact_copies"]["value"] == 1.0
    assert found.detail["near_copies"]["value"] == 1.0
    assert found.detail["nearest"][0]["distance"] == 0


def test_it_grows_with_planted_copies() -> None:
    values = []
    for copies in (0, 50, 200, 500):
        rows = [REAL.train.take(np.arange(copies)), people(500, 7).take(np.arange(copies, 500))]
        found = scored(concatenate_tables(rows))
        values.append(found.value)
        assert found.detail["exact_copies"]["value"] == copies / 500
    assert values == sorted(values)
    assert values[-1] == 1.0


def test_copies_of_one_row_do_not_look_fine() -> None:
    assert scored(REAL.train.take(np.full(300, 5))).value == 1.0


def test_copies_of_categories_alone_do_not_score_well() -> None:
    """Many rows tie with a holdout row at distance 0, and a tie counts one half: the floor must know that."""
    real = Reference(codes(400, 0), codes(400, 1))
    copier, fresh = scored(codes(400, 0), real), scored(codes(400, 2), real)
    assert copier.detail["ties"] > 0.3
    assert copier.floor is not None
    assert copier.interval is not None
    assert copier.interval[0] > copier.floor
    copies = copier.detail["exact_copies"]
    assert copies["value"] == 1.0
    assert copies["interval"][0] > copies["floor"] + 0.1
    assert fresh.interval is not None
    assert fresh.floor is not None
    assert fresh.interval[0] <= fresh.floor <= fresh.interval[1]
    assert fresh.detail["exact_copies"]["interval"][0] <= fresh.detail["exact_copies"]["floor"] + 0.02


def test_ties_are_expected_where_sizes_differ() -> None:
    real = Reference(codes(800, 0), codes(200, 1))
    copier = scored(codes(800, 0), real)
    assert copier.floor is not None
    assert copier.value > copier.floor + 0.1
    assert copier.floor < copier.detail["expected"]


def test_a_column_that_only_the_holdout_stretches_does_not_hide_copies() -> None:
    """Both parts are measured together: an odd holdout value shrinks the column on both sides alike."""
    found = scored(people(300, 8), Reference(REAL.train, REAL.train.take(np.arange(400))))
    assert found.value == pytest.approx((1 - found.detail["ties"]) * 1 + found.detail["ties"] / 2)


def test_without_a_holdout_exact_copies_are_counted() -> None:
    empty = REAL.holdout.take(np.arange(0))
    rows = concatenate_tables([people(90, 7), REAL.train.take(np.arange(10))])
    found = scored(rows, Reference(REAL.train, empty))
    assert found.value == pytest.approx(0.1)
    assert found.floor is None
    assert "no held-out real rows" in found.detail["not_estimated"]
    with pytest.raises(DataError, match="found 0 synthetic"):
        scored(rows.take(np.arange(0)))
