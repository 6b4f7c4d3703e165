"""Which rows are trained on and what is asked: frequencies by counting."""

from __future__ import annotations

import numpy as np

from lookalike.core.rng import Rng
from lookalike.generators.tabular.gan.asking import TrainingBySampling, natural, starts

_CODES = np.stack([np.repeat([0, 2, 1], [900, 90, 10]), np.zeros(1000), np.arange(1000) % 2], 1).astype(np.int64)
_SIZES = (4, 1, 2)


def test_rare_values_come_by_the_logarithm_of_their_frequency() -> None:
    rows, column = TrainingBySampling(_CODES, _SIZES).choose(np.arange(60_000) % 1000, 1.0, Rng(0))
    assert set(column) == {0, 2}
    counts = np.bincount(_CODES[rows[column == 0], 0], minlength=3)
    weight = np.log1p([900, 10, 90])
    np.testing.assert_allclose(counts / counts.sum(), weight / weight.sum(), atol=0.01)
    # Rows of the asked value come equally often.
    rare = np.bincount(rows[column == 0], minlength=1000)[990:]
    assert rare.min() > 0.85 * rare.mean()


def test_rows_that_are_not_replaced_stay() -> None:
    sampling = TrainingBySampling(_CODES, _SIZES)
    given = np.arange(1000)
    np.testing.assert_array_equal(sampling.choose(given, 0.0, Rng(0))[0], given)
    half = sampling.choose(given, 0.5, Rng(0))[0]
    assert 0.4 < (half == given).mean() < 0.6
    np.testing.assert_array_equal(given, np.arange(1000))


def test_natural_values_come_as_often_as_they_are() -> None:
    column, code = natural([np.array([0.9, 0.0, 0.1, 0.0]), np.array([1.0]), np.array([0.5, 0.5])], 20_000, Rng(0))
    assert set(column) == {0, 2}
    np.testing.assert_allclose(np.bincount(code[column == 0]) / (column == 0).sum(), [0.9, 0, 0.1], atol=0.01)


def test_constants_cannot_be_asked_for() -> None:
    rows, column = TrainingBySampling(_CODES[:, 1:2], (1,)).choose(np.arange(5), 1.0, Rng(0))
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert column.tolist() == [-1] * 5
    assert natural([np.array([1.0])], 3, Rng(0))[0].tolist() == [-1] * 3
    assert starts(_SIZES).tolist() == [0, 4, 5]
