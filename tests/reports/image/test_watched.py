"""Variety during training, classes lost and remedies, in the report's words."""

from __future__ import annotations

from typing import Any

from lookalike.reports.evidence import Evidence
from lookalike.reports.image.watched import watched_block


def _row(step: int, recall: float, lost: int = 0, remedy: int = 0) -> dict[str, float]:
    return {"step": step, "recall": recall, "class distance": 0.1, "classes lost": lost, "remedy": remedy}


def _told(*rows: Any) -> list[str]:
    block = watched_block(Evidence([], {"generator": {"facts": {"probes": list(rows)}}}))
    return [one.replace("\u202f", " ").replace("\u00a0", " ") for one in block["told"]] if block else []


def test_recall_is_told_from_first_to_last_with_the_best() -> None:
    assert _told(_row(10, 0.1), _row(20, 0.8), _row(30, 0.6))[0] == (
        "Recall of the probe goes from 10.0 % to 60.0 %; its best was 80.0 % at step 20."
    )


def test_lost_classes_and_remedies_are_told() -> None:
    told = _told(_row(10, 0.5), _row(20, 0.2), _row(30, 0.2, lost=2, remedy=1))
    assert told[1].startswith("At the end 2 classes were drawn")
    assert told[2].startswith("Step 30: collapse began")
    assert "every class" in _told(_row(10, 0.5))[1]
    assert "1 class was" in _told(_row(10, 0.5, lost=1))[1]


def test_remedies_that_were_off_are_not_called_unneeded() -> None:
    assert _told(_row(10, 0.5))[2] == "No remedy was needed."
    manifest = {"generator": {"facts": {"probes": [_row(10, 0.5)]}, "config": {"remedies": False}}}
    block = watched_block(Evidence([], manifest))
    assert block is not None and block["told"][2] == "Remedies were off."


def test_nothing_is_shown_without_complete_rows() -> None:
    assert watched_block(Evidence([], {})) is None
    assert _told({"step": 1}, "x", _row(1, float("nan"))) == []
