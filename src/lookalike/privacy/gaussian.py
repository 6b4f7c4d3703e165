"""The Gaussian mechanism, exactly: what noise spends, and what noise a budget asks for."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.stats import norm

from lookalike.core.errors import ConfigError

_LEAST, _MOST = 1e-4, 1e8


def delta_of(epsilon: float, noise_multiplier: float, steps: int = 1) -> float:
    """Return the smallest delta at which releases with Gaussian noise are (epsilon, delta) private.

    Args:
        epsilon: At least 0; the relation is add or remove one record.
        noise_multiplier: Standard deviation of the noise over the L2 sensitivity, above 0.
        steps: Releases of the same records, at least 1; every one sees all of them, so nothing is gained by sampling.

    Returns:
        A number in [0, 1].

    Source: Balle and Wang 2018, arXiv:1805.06530, theorem 8 (analytic Gaussian mechanism); Dong et al. 2019,
        arXiv:1905.02383, corollary 3.3 (composition of T of them is one with mu = sqrt(T) / sigma).
    """
    mu = math.sqrt(steps) / noise_multiplier
    # The second term in logarithms: e^epsilon overflows long before the product does.
    second = math.exp(min(0.0, epsilon + float(norm.logcdf(-epsilon / mu - mu / 2))))
    return max(0.0, float(norm.cdf(-epsilon / mu + mu / 2)) - second)


def noise_for(epsilon: float, delta: float, steps: int = 1) -> float:
    """Return the smallest noise multiplier at which `steps` releases stay within a budget.

    Args:
        epsilon: Above 0.
        delta: Above 0 and below 1.
        steps: As in `delta_of`.

    Raises:
        ConfigError: The budget is no budget.

    Example:
        >>> n = 8396
        >>> round(noise_for(epsilon=2.0, delta=1 / (n * math.log(n)), steps=10), 2)
        6.21
    """
    if epsilon <= 0 or not 0 < delta < 1:
        raise ConfigError(f"a privacy budget needs epsilon above 0 and delta between 0 and 1, found {epsilon}, {delta}")

    def over(log_sigma: float) -> float:
        return delta_of(epsilon, math.exp(log_sigma), steps) - delta

    tight = math.exp(brentq(over, math.log(_LEAST), math.log(_MOST), xtol=1e-12))
    # Rounding must never overspend.
    while delta_of(epsilon, tight, steps) > delta:
        tight *= 1 + 1e-12
    return tight
