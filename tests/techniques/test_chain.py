"""Columns as predictors and as what trees explain."""

from __future__ import annotations

import numpy as np

from lookalike.techniques.chain import category_variable, features, nearest, number_variable, order, outputs, places


def test_numbers_become_levels_and_bins() -> None:
    values = np.array([3.0, np.nan, 1.0, 3.0, 7.5])
    variable, code = number_variable(values, ties=2)
    assert code.tolist() == [2, 0, 1, 2, 3]
    assert variable.levels.tolist() == [1, 3, 7.5]
    assert variable.tied.tolist() == [False, True, False]
    assert variable.count.tolist() == [1, 1, 2, 1]
    assert places(variable, values).tolist() == variable.place[code].tolist()
    assert places(variable, np.array([-5, 2.9, 100, np.nan])).tolist() == [1, 1, 3, 0]


def test_many_numbers_share_bins_in_order() -> None:
    values = np.random.default_rng(0).standard_normal(5000)
    variable, code = number_variable(values, ties=5)
    place = variable.place[code]
    assert 1000 < len(np.unique(place)) <= 1024
    assert (np.diff(place[np.argsort(values)]) >= 0).all()
    assert (places(variable, values) == place).all()


def test_rare_levels_share_a_place_with_missing() -> None:
    variable, code = category_variable(np.array([0] * 20 + [1] * 3 + [-1] + [2] * 12), 5)
    assert variable.place.tolist() == [0, 1, 0, 2, 0, 0]
    assert code[:1].tolist() == [1]
    assert places(variable, np.array([-1, 0, 4])).tolist() == [0, 1, 0]


def test_outputs_have_variance_one_or_one_column_for_each_level() -> None:
    variable, code = number_variable(np.array([0.0] * 50 + list(range(1, 40)) + [np.nan] * 3), ties=5)
    y = outputs(variable, code)
    assert y.shape[1] == 3
    np.testing.assert_allclose(y.std(axis=0), 1)
    few, code = category_variable(np.arange(60) % 3, 3)
    assert (outputs(few, code) == np.eye(3)[code - 1]).all()
    two, code = category_variable(np.arange(60) % 2, 2)
    assert outputs(two, code).shape == (60, 1)
    one, code = category_variable(np.zeros(60, dtype=np.int64), 2)
    assert np.ptp(outputs(one, code), axis=0).max() == 0


def test_random_signs_keep_distances_of_many_levels() -> None:
    variable, code = category_variable(np.arange(100_000), 100_000)
    y = outputs(variable, code)
    assert y.shape == (100_000, 16)
    apart = ((y[:1000] - y[1000:2000]) ** 2).sum(axis=1)
    assert abs(apart.mean() - 32) < 1


def test_categories_are_ordered_by_what_is_explained() -> None:
    codes = np.repeat(np.arange(4), 50)
    variable, code = category_variable(codes, 4)
    response = np.array([3.0, 1.0, 4.0, 2.0])[codes]
    ranks = order(variable, code, response[:, None])[variable.place[1:]]
    assert np.argsort(ranks).tolist() in ([1, 3, 0, 2], [2, 0, 3, 1])
    both = features([None, order(variable, code, response[:, None])], [code, variable.place[code]])
    assert both.shape == (200, 2)
    assert both.dtype == np.float32


def test_a_column_of_levels_gets_no_new_numbers() -> None:
    assert number_variable(np.repeat(np.arange(20.0), 5), ties=5)[0].stepped
    assert not number_variable(np.arange(100.0), ties=5)[0].stepped
    assert not category_variable(np.arange(30), 30)[0].stepped
    found = nearest(np.array([0.0, 1.0, 10.0]), np.array([-3, 0.4, 0.6, 5.4, 5.6, 99, np.nan]))
    np.testing.assert_array_equal(found, [0, 0, 1, 1, 10, 10, np.nan])
