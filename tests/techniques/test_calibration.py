"""Calibration: known errors, a curve that undoes a known distortion, and no peeking."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.techniques.calibration import calibrate, calibrated, calibration_error, isotonic, reliability


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    sure = np.array([0.95] * 10 + [0.55] * 10)
    right = np.array([1.0] * 5 + [0.0] * 5 + [1.0] * 6 + [0.0] * 4)
    assert calibration_error(sure, right) == pytest.approx((0.45 + 0.05) / 2)
    assert [one["rows"] for one in reliability(sure, right)] == [10, 10]
    assert calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0


def test_overconfidence_is_undone() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random(4000)
    right = (draw.random(4000) < truth).astype(float)
    told = truth**0.3
    found = calibrate(told, right, np.arange(4000))
    assert found["before"]["error"] > 0.2
    assert found["after"]["error"] < 0.04
    x, y = (np.array(part) for part in found["curve"])
    assert calibrated(np.array([0.5**0.3]), (x, y))[0] == pytest.approx(0.5, abs=0.06)


def test_after_is_measured_on_rows_that_were_not_seen() -> None:
    draw = np.random.default_rng(1)
    told, right = draw.random(40), (draw.random(40) < 0.5).astype(float)
    seen = calibration_error(calibrated(told, isotonic(told, right)), right)
    assert calibrate(told, right, np.arange(40))["after"]["error"] > seen + 0.05


def test_what_is_not_a_number_stays_so() -> None:
    assert np.isnan(calibrated(np.array([np.nan]), (np.array([0.0, 1.0]), np.array([0.0, 1.0])))[0])
