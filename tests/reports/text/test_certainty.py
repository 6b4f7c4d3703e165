"""Reliability diagrams: one for each kind of certainty, none without calibration."""

from __future__ import annotations

from lookalike.reports.evidence import Evidence
from lookalike.reports.text.certainty import certainty_block

PART = {"error": 0.25, "bins": [{"sure": 0.2, "right": 0.1, "rows": 5}, {"sure": 0.9, "right": 0.6, "rows": 5}]}
FOUND = {"votes": {"rows": 20, "before": PART, "after": {**PART, "error": 0.05}, "curve": [[0], [1]]}}


def test_errors_before_and_after_stand_beside_the_curves() -> None:
    run = Evidence([], {"generator": {"facts": {"calibration": FOUND}}})
    (one,) = certainty_block(run)
    assert "25.0 % as told, 5.0 % after" in one["told"].replace("\u202f", " ").replace("\u00a0", " ")
    assert "20 real rows" in one["told"]
    assert one["chart"].count("<path") >= 3


def test_without_calibration_there_is_nothing_to_show() -> None:
    assert certainty_block(Evidence([], {"generator": {"facts": {}}})) == []
    assert certainty_block(Evidence([], {})) == []
