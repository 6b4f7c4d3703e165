"""What the report shows of adversarial training: variety on a small fixed probe, classes lost, remedies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lookalike.reports import wording
from lookalike.reports.charts import Axis, Series, curves
from lookalike.reports.evidence import Evidence

_KEYS = ("step", "recall", "class distance", "classes lost", "remedy")


def watched_block(run: Evidence) -> dict[str, Any] | None:
    """Return the curve of the probe's recall, and what was lost and done in words; None when nothing was watched."""
    found = run.part("generator", "facts", "probes")
    rows = [one for one in found if _complete(one)] if isinstance(found, list) else []
    if not rows:
        return None
    first, best, last = rows[0], max(rows, key=lambda one: float(one["recall"])), rows[-1]
    told = [
        f"Recall of the probe goes from {_share(first)} to {_share(last)}; its best was {_share(best)} at step "
        f"{wording.count(best['step'])}.",
        _lost(last),
    ]
    acted = [one for one in rows if one["remedy"]]
    more = "" if run.part("generator", "config", "augment") is False else ", augmentation was raised"
    told += [
        f"Step {wording.count(one['step'])}: collapse began; both networks went back to their best state, the learning "
        f"rate was halved{more}."
        for one in acted
    ]
    if not acted:
        off = run.part("generator", "config", "remedies") is False
        told.append("Remedies were off." if off else "No remedy was needed.")
    points = [(float(one["step"]), float(one["recall"])) for one in rows]
    chart = curves(
        "watched-recall",
        [Series("recall", points, "synthetic")],
        Axis("training step"),
        Axis("recall of the probe", "share", 0.0, 1.0),
        "Variety during training",
        told[0],
    )
    return {"chart": chart, "told": told}


def _complete(one: object) -> bool:
    return isinstance(one, Mapping) and all(
        isinstance(one.get(key), int | float) and math.isfinite(one[key]) for key in _KEYS
    )


def _share(one: Mapping[str, Any]) -> str:
    return wording.percent(float(one["recall"]))


def _lost(last: Mapping[str, Any]) -> str:
    count = int(last["classes lost"])
    if not count:
        return "At the end every class was drawn about as often as it should be."
    classes = "class was" if count == 1 else "classes were"
    return f"At the end {wording.count(count)} {classes} drawn less than a quarter as often as it should be."
