from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from lookalike.techniques import bootstrap
from lookalike.techniques.bootstrap import centred_interval, jackknife_interval, percentile_interval, resampled_means


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_resampled_means_vary_as_a_mean_of_draws_does() -> None:
    values = generator().standard_normal((400, 2)) * [1, 3]
    found = resampled_means(values, 4000, generator(1))
    assert found.shape == (4000, 2)
    assert found.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=0.02)
    assert found.std(axis=0) == pytest.approx(values.std(axis=0) / 20, rel=0.05)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = generator().standard_normal((50, 3))
    whole = resampled_means(values, 33, generator(1))
    monkeypatch.setattr(bootstrap, "_CELLS", 200)
    assert resampled_means(values, 33, generator(1)) == pytest.approx(whole)


def test_one_row_has_no_spread() -> None:
    assert (resampled_means(np.array([[2.0]]), 7, generator()) == 2).all()


def test_a_percentile_interval_holds_the_middle() -> None:
    assert percentile_interval(np.arange(1001.0)) == pytest.approx((25, 975))
    assert percentile_interval(np.arange(1001.0), 0.5) == pytest.approx((250, 750))


def test_a_centred_interval_surrounds_its_figure_however_biased_the_replicates_are() -> None:
    replicates = generator().standard_normal(5000) + 100
    low, high = centred_interval(3.0, replicates)
    assert (low, high) == pytest.approx((3 - 1.96, 3 + 1.96), abs=0.1)


def test_the_jackknife_of_a_mean_is_the_textbook_interval() -> None:
    values = generator().standard_normal(40)
    left_out = np.array([np.delete(values, place).mean() for place in range(40)])
    width = student.ppf(0.975, 39) * values.std(ddof=1) / np.sqrt(40)
    assert jackknife_interval(values.mean(), left_out) == pytest.approx((values.mean() - width, values.mean() + width))
