"""Statements learnt from a copier single out training rows; those of fresh rows do no better than on the holdout."""

from __future__ import annotations

import json

import numpy as np
from tests.data.people import codes, people, reference

from lookalike.audits.tabular.singling_out import SinglingOut
from lookalike.core.contracts import Reference, Score
from lookalike.core.rng import Rng
from lookalike.data.table import Table, concatenate_tables

REAL = reference(500, 500)


def scored(synthetic: Table, real: Reference[Table] = REAL) -> Score:
    return SinglingOut(guesses=200).score(real, synthetic, Rng(0))


def test_fresh_rows_single_nobody_out_beyond_chance() -> None:
    found = scored(people(500, 9))
    assert found.interval is not None
    for attack in found.detail["attacks"].values():
        assert attack["interval"][0] <= 0 <= attack["interval"][1]
    assert found.floor == 0
    json.dumps(dict(found.detail), allow_nan=False)


def test_a_copier_is_at_the_ceiling() -> None:
    found = scored(REAL.train)
    assert found.value == found.ceiling
    assert found.value > 0.9
    assert not found.detail["weak"]


def test_it_grows_with_planted_copies() -> None:
    values = []
    for copies in (0, 150, 500):
        rows = [REAL.train.take(np.arange(copies)), people(500, 9).take(np.arange(copies, 500))]
        values.append(scored(concatenate_tables(rows)).value)
    assert values == sorted(values)
    assert values[1] > 0.1


def test_where_no_row_is_alone_it_says_so() -> None:
    rows = codes(4, 0, 2).take(np.zeros(50, dtype=np.int64))
    assert "no statement" in scored(rows, Reference(rows, rows)).detail["not_estimated"]


def test_without_a_holdout_it_says_so() -> None:
    found = scored(REAL.train, Reference(REAL.train, REAL.train.take(np.arange(0))))
    assert "no held-out real rows" in found.detail["not_estimated"]
