"""A generator that ignores its data gives nothing away, a copier everything, and copies in between add up."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.data.people import people, reference

from lookalike.audits.tabular.membership import Membership
from lookalike.core.contracts import Reference, Score
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.data.table import Table, concatenate_tables

REAL = reference(400, 800)
AUDIT = Membership(permutations=40, iterations=15)


def scored(synthetic: Table, real: Reference[Table] = REAL) -> Score:
    return AUDIT.score(real, synthetic, Rng(0))


def test_a_generator_that_ignores_its_data_gives_nothing_away() -> None:
    found = scored(people(400, 9))
    assert found.interval is not None
    assert found.interval[0] <= 0 <= found.interval[1]
    assert found.floor == pytest.approx(0, abs=0.03)
    for name, attack in found.detail["attacks"].items():
        assert attack["interval"][0] <= 0.5 <= attack["interval"][1], name
        for rate in ("0.001", "0.01", "0.1"):
            low, high = attack[f"tpr_at_fpr_{rate}"]["interval"]
            assert low <= float(rate) + 0.03
            assert low <= attack[f"tpr_at_fpr_{rate}"]["tpr"] <= high
    null = found.detail["null"]
    assert null["interval"][0] <= found.detail["max"]["auc"] <= null["interval"][1] + 0.01
    assert null["p_value"] > 0.05
    assert null["auc"] > 0.5
    json.dumps(dict(found.detail), allow_nan=False)


def test_a_copier_gives_everything_away() -> None:
    found = scored(REAL.train)
    assert found.value > 0.95
    assert found.ceiling == 1.0
    assert found.detail["max"]["auc"] > 0.99
    assert found.detail["max"]["tpr_at_fpr_0.01"]["tpr"] > 0.95
    assert found.detail["null"]["p_value"] < 0.05
    assert (found.detail["n_members"], found.detail["n_nonmembers"], found.detail["n_reference"]) == (400, 400, 400)


def test_it_grows_with_planted_copies() -> None:
    found = []
    for copies in (0, 100, 200, 400):
        rows = [REAL.train.take(np.arange(copies)), people(400, 9).take(np.arange(copies, 400))]
        found.append(scored(concatenate_tables(rows)))
    assert [one.detail["max"]["auc"] for one in found] == sorted(one.detail["max"]["auc"] for one in found)
    assert [one.value for one in found] == sorted(one.value for one in found)
    assert found[1].value == pytest.approx(0.25, abs=0.12)


def test_no_attack_at_all_gives_nothing_on_average() -> None:
    """Attack and threshold are chosen on other rows: the best of many is not what is reported."""
    values = [AUDIT.score(REAL, people(400, seed), Rng(0)).value for seed in range(20, 26)]
    assert np.mean(values) == pytest.approx(0, abs=0.04)


def test_too_few_rows_are_a_reason_not_a_number() -> None:
    found = scored(people(50, 9), Reference(REAL.train, REAL.holdout.take(np.arange(30))))
    assert np.isnan(found.value)
    assert found.floor is None
    assert "needs 40 held-out real rows" in found.detail["not_estimated"]
    with pytest.raises(DataError, match="found 0 synthetic"):
        scored(people(0, 9))
