"""The analytic Gaussian mechanism against published numbers and a numerical integral."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from lookalike.core.errors import ConfigError
from lookalike.privacy.gaussian import delta_of, noise_for


@pytest.mark.parametrize(
    ("n", "expected"),
    # 15.34 in print belongs to n = 1.75 million; 40 digits give 15.392 for 1.9 million.
    [(1_900_000, (15.39, 8.03, 4.24)), (8_396, (11.60, 6.22, 3.38)), (75_316, (13.26, 7.01, 3.75))],
)
def test_private_evolution_needs_the_published_noise(n: int, expected: tuple[float, ...]) -> None:
    found = [noise_for(epsilon, 1 / (n * math.log(n)), steps=10) for epsilon in (1.0, 2.0, 4.0)]
    assert found == pytest.approx(expected, abs=0.05)


def test_one_release_spends_the_published_epsilon() -> None:
    assert delta_of(0.7255, 5.0) == pytest.approx(1e-5, rel=0.01)


@pytest.mark.parametrize(("epsilon", "sigma", "steps"), [(0.5, 1.0, 1), (1.0, 2.0, 4), (3.0, 0.7, 1)])
def test_delta_is_the_integral_of_what_the_bound_lets_through(epsilon: float, sigma: float, steps: int) -> None:
    mu = math.sqrt(steps) / sigma

    def left(x: float) -> float:
        return max(0.0, float(norm.pdf(x, mu) - math.exp(epsilon) * norm.pdf(x)))

    assert delta_of(epsilon, sigma, steps) == pytest.approx(quad(left, -20, 20 + mu, limit=500)[0], abs=1e-7)


def test_noise_never_overspends_and_is_tight() -> None:
    for epsilon in (0.01, 0.1, 1.0, 10.0, 50.0):
        for delta in (1e-9, 1e-5, 0.1):
            sigma = noise_for(epsilon, delta, steps=3)
            assert delta_of(epsilon, sigma, steps=3) <= delta
            assert delta_of(epsilon, sigma * 0.999, steps=3) > delta


def test_more_noise_spends_less() -> None:
    spent = [delta_of(1.0, sigma) for sigma in np.geomspace(0.1, 100, 50)]
    assert (np.diff(spent) <= 0).all()
    assert delta_of(1000.0, 0.02) <= 1


@pytest.mark.parametrize(("epsilon", "delta"), [(0, 1e-5), (-1, 1e-5), (1, 0), (1, 1)])
def test_no_budget_is_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(ConfigError, match="privacy budget needs"):
        noise_for(epsilon, delta)
