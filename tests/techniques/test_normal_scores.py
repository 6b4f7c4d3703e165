"""Normal scores against closed forms: shrinkage, regression, truncated normals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal, truncnorm
from sklearn.covariance import ledoit_wolf

from lookalike.techniques.normal_scores import conditional, correlation, truncated_given

_R = np.array([[1, 0.8, 0.3], [0.8, 1, -0.1], [0.3, -0.1, 1]])


def test_shrinkage_is_that_of_ledoit_and_wolf() -> None:
    x = np.random.default_rng(0).multivariate_normal(np.zeros(3), _R, 40)
    z = (x - x.mean(0)) / x.std(0)
    expected, _ = ledoit_wolf(z, assume_centered=True)
    np.testing.assert_allclose(correlation(x, 0.0), expected, atol=1e-12)
    np.testing.assert_allclose(correlation(x, 1.0), np.eye(3))


def test_constants_and_few_rows_can_be_inverted() -> None:
    for x in (np.zeros((5, 3)), np.ones((1, 3)), np.tile(np.arange(6.0)[:, None], (1, 3))):
        assert np.linalg.eigvalsh(correlation(x, 0.0)).min() > 0


def test_the_conditional_has_the_closed_form() -> None:
    slope, root = conditional(_R, np.array([0]), np.array([1, 2]))
    np.testing.assert_allclose(slope[:, 0], [0.8, 0.3])
    np.testing.assert_allclose(root @ root.T, [[0.36, -0.34], [-0.34, 0.91]], atol=1e-12)
    slope, root = conditional(_R, np.array([], dtype=np.int64), np.arange(3))
    assert slope.shape == (3, 0)
    np.testing.assert_allclose(root @ root.T, _R, atol=1e-12)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 0.5), (2.0, 3.0), (-np.inf, -4.0), (6.0, np.inf)])
def test_one_interval_is_exact(low: float, high: float) -> None:
    uniform = np.random.default_rng(0).random((3, 4000, 1))
    ends = (np.full((4000, 1), low), np.full((4000, 1), high))
    z = truncated_given(np.eye(1), *ends, uniform)
    assert kstest(z[:, 0], truncnorm(low, high).cdf).pvalue > 1e-3


def test_several_intervals_follow_the_joint_distribution() -> None:
    n, matrix = 40_000, _R[:2, :2]
    low, high = np.tile([0.0, -np.inf], (n, 1)), np.tile([np.inf, 0.2], (n, 1))
    z = truncated_given(matrix, low, high, np.random.default_rng(0).random((21, n, 2)))
    assert (z >= low).all()
    assert (z <= high).all()
    normal = multivariate_normal(np.zeros(2), matrix)
    cdf = normal.cdf
    inside = cdf([np.inf, 0.2]) - cdf([0, 0.2])
    part = cdf([np.inf, -0.3]) - cdf([0, -0.3])
    assert abs((z[:, 1] < -0.3).mean() - part / inside) < 0.012


def test_equal_ends_are_the_value() -> None:
    ends = np.tile([0.7, -0.2], (5, 1))
    z = truncated_given(_R[:2, :2], ends, ends, np.random.default_rng(0).random((4, 5, 2)))
    np.testing.assert_allclose(z, ends)
