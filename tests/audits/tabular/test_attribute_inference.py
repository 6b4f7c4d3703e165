"""What a copier tells of its rows is a risk; what fresh rows tell of all rows alike is none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.data.people import people, reference

from lookalike.audits.tabular.attribute_inference import AttributeInference
from lookalike.core.contracts import Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.table import Table, concatenate_tables

REAL = reference(500, 500)


def scored(synthetic: Table, real: Reference[Table] = REAL) -> Score:
    return AttributeInference(guesses=300).score(real, synthetic, Rng(0))


def test_what_fresh_rows_tell_of_all_rows_is_no_risk() -> None:
    found = scored(people(500, 9))
    assert found.interval is not None
    assert found.interval[0] <= 0 <= found.interval[1]
    # Dates follow age, homes follow pay: guesses are right more often than blind ones, and yet no leak.
    owner = next(row for row in found.detail["columns"] if row["column"] == "owner")
    assert owner["control"] > owner["baseline"] + 0.05
    assert found.detail["mean"] == pytest.approx(0, abs=0.05)
    json.dumps(dict(found.detail), allow_nan=False)


def test_a_copier_tells_everything() -> None:
    found = scored(REAL.train)
    assert found.value == found.ceiling == 1.0
    assert found.detail["mean"] > 0.95
    assert len(found.detail["columns"]) == 8


def test_it_grows_with_planted_copies() -> None:
    values = []
    for copies in (0, 150, 500):
        rows = [REAL.train.take(np.arange(copies)), people(500, 9).take(np.arange(copies, 500))]
        values.append(scored(concatenate_tables(rows)).detail["mean"])
    assert values == sorted(values)


def test_secrets_can_be_named() -> None:
    found = AttributeInference(guesses=100, secrets=("town",)).score(REAL, people(300, 9), Rng(0))
    assert found.detail["worst"] == "town"
    with pytest.raises(DataError, match="no column 'key' can be guessed; allowed: age"):
        AttributeInference(secrets=("key",)).score(REAL, people(300, 9), Rng(0))


def test_without_a_holdout_it_says_so() -> None:
    found = scored(REAL.train, Reference(REAL.train, REAL.train.take(np.arange(0))))
    assert "no held-out real rows" in found.detail["not_estimated"]
