"""What the report shows of how certain a language model was of its labels, and how far that came true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lookalike.reports import wording
from lookalike.reports.charts import Axis, Series, curves
from lookalike.reports.evidence import Evidence

_NAMES = {"label_probability": "probability of the label", "votes": "share of votes", "stated": "stated certainty"}


def certainty_block(run: Evidence) -> list[dict[str, Any]]:
    """Return a reliability diagram for each kind of certainty that was compared with real labels."""
    found = run.part("generator", "facts", "calibration")
    if not isinstance(found, Mapping):
        return []
    return [_diagram(str(kind), one) for kind, one in found.items() if isinstance(one, Mapping)]


def _diagram(kind: str, one: Mapping[str, Any]) -> dict[str, Any]:
    name, rows = _NAMES.get(kind, kind), wording.count(one.get("rows"))
    before, after = (float(one[part]["error"]) for part in ("before", "after"))
    told = (
        f"Calibration error {wording.percent(before)} as told, {wording.percent(after)} after calibration, on {rows} "
        "real rows; each was calibrated by the others."
    )
    series = [
        Series("perfect", [(0.0, 0.0), (1.0, 1.0)], "real"),
        Series("as told", _points(one["before"]), "plain"),
        Series("calibrated", _points(one["after"]), "synthetic"),
    ]
    across, up = Axis(name, "share", 0.0, 1.0), Axis("share that was right", "share", 0.0, 1.0)
    return {
        "name": name,
        "chart": curves(f"reliability-{kind}", series, across, up, f"Reliability: {name}", told),
        "told": told,
    }


def _points(part: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(float(point["sure"]), float(point["right"])) for point in part["bins"]]
