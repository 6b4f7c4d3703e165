"""Scores that know members of a copier, predicates by brute force, and a risk that is 0 where nothing is learnt."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.techniques.attacks import (
    Predicate,
    guessed,
    membership_scores,
    multivariate,
    risk,
    singling_out,
    univariate,
    widened,
)
from lookalike.techniques.ranking import placements


def test_every_attack_knows_the_members_of_a_copier_and_of_nobody_else() -> None:
    draw = np.random.default_rng(0)
    members, strangers, reference, fresh = draw.standard_normal((4, 200, 6)).astype(np.float32)
    asked = np.concatenate([members, strangers])
    for made, low, high in ((members, 0.9, 1.0), (fresh, 0.4, 0.6)):
        for name, scores in membership_scores(asked, made, reference).items():
            area = placements(scores[:200], scores[200:])[0].mean()
            assert low <= area <= high or (name == "density_ratio" and area > 0.55), name


def test_a_ratio_does_not_take_common_rows_for_members() -> None:
    """Rows of a crowd lie near synthetic rows whoever they are."""
    draw = np.random.default_rng(0)
    crowd, lone = 0.1 * draw.standard_normal((2, 300, 4)), 3 * draw.standard_normal((2, 300, 4))
    members, strangers = lone[0, :100], crowd[0, :100]
    made = np.concatenate([members, crowd[0, 100:]])
    reference = np.concatenate([crowd[1], lone[1, :30]])
    scores = membership_scores(np.concatenate([members, strangers]), made, reference)
    areas = {name: placements(found[:100], found[100:])[0].mean() for name, found in scores.items()}
    assert areas["closest_ratio"] > 0.95


def test_statements_on_one_column_are_those_of_brute_force() -> None:
    rows = np.array([[1.0, 0], [2, 1], [2, 1], [5, np.nan]])
    found = univariate(rows, np.array([True, False]))
    assert {(one.columns[0], one.signs[0]) for one in found} == {
        (0, "="),
        (0, "<="),
        (0, ">="),
        (1, "="),
        (1, "missing"),
    }
    assert len(found) == 6
    assert all(np.count_nonzero(one.holds(rows)) == 1 for one in found)


def test_a_statement_on_several_columns_holds_for_its_row() -> None:
    draw = np.random.default_rng(0)
    rows = np.stack([draw.standard_normal(100), draw.integers(0, 4, 100), draw.random(100)], axis=1)
    rows[:10, 2] = np.nan
    order = np.array([True, False, True])
    for _ in range(50):
        statement = multivariate(rows, order, np.nanmedian(rows, axis=0), 3, draw)
        assert statement.holds(rows).any()
        assert "=" in statement.signs


def test_singling_out_at_a_smaller_size_is_a_chance() -> None:
    rows = np.array([[1.0], [2], [2], [3]])
    is_one, is_two, none = (Predicate((0,), ("=",), (value,)) for value in (1.0, 2.0, 9.0))
    assert singling_out([is_one, is_two, none], rows, 4).tolist() == [1.0, 0.0, 0.0]
    # Two of four rows: the one row is among them half the time; exactly one of the two rows in 4 of 6 choices.
    assert singling_out([is_one, is_two, none], rows, 2) == pytest.approx([0.5, 2 / 3, 0.0])


def test_a_guess_of_a_negative_number_can_be_wrong() -> None:
    truth = np.array([-100.0, -100, -100, 0, np.nan, np.nan, 5])
    guess = np.array([-104.0, 100, -106, 0.01, np.nan, 1, np.nan])
    assert guessed(guess, truth, 0.05 * np.abs(truth)).tolist() == [True, False, False, False, True, False, False]
    assert guessed(np.array([100.0]), np.array([104.0]), 0.0).tolist() == [False]


def test_the_risk_is_what_the_attack_gains_over_the_control() -> None:
    found = risk((60, 100), (20, 100), (5, 100))
    assert found.value == pytest.approx(0.5)
    assert found.interval[0] < 0.5 < found.interval[1]
    assert not found.weak
    assert risk((5, 100), (5, 100), (5, 100)).weak
    assert risk((100, 100), (100, 100), (5, 100)).value == 0
    assert risk((10, 100), (20, 100), (5, 100)).value < 0
    assert risk((100, 100), (0, 100), (0, 100)).interval[1] == 1.0
    assert widened(1) == pytest.approx(0.95)


def test_the_interval_of_a_risk_covers() -> None:
    covered = 0
    for seed in range(300):
        draw = np.random.default_rng(seed)
        found = risk((draw.binomial(200, 0.4), 200), (draw.binomial(200, 0.2), 200), (0, 200))
        covered += found.interval[0] <= 0.25 <= found.interval[1]
    assert covered >= 275
