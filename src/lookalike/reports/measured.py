"""The blocks of the report about figures: scores, utility in detail, privacy in detail."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from lookalike.core.errors import LookalikeError
from lookalike.core.registry import find
from lookalike.reports import wording
from lookalike.reports.charts import Axis, Bar, Pair, Series, Tone, bars, curves, dumbbells
from lookalike.reports.evidence import (
    Evidence,
    Record,
    detail,
    features,
    further,
    pair,
    reason,
    score_row,
    trained,
    unit,
    verdict_of,
)
from lookalike.reports.record import Record as Folder
from lookalike.reports.rules import ORDER

DOCS = "https://lookalike.readthedocs.io/en/latest/methods/"
_BETTER = {"lower": "lower", "higher": "higher", "target": "near real"}
_TARGETS = {"accepted": "", "unfiltered": "before filtering"}
_MOST_CLASSES = 60
_MOST_LOST = 8
_ROWS: tuple[tuple[str, str, Tone], ...] = (
    ("real", "all real training rows", "real"),
    ("real_same_size", "as many real rows as synthetic", "real"),
    ("real_class_weights", "real rows, classes weighted", "real"),
    ("synthetic", "synthetic rows only", "synthetic"),
    ("real_plus_synthetic", "real + synthetic rows", "mixed"),
    ("few_real", "few real rows", "real"),
    ("few_real_plus_synthetic", "few real + synthetic rows", "mixed"),
    ("shuffled_labels", "baseline: real texts with shuffled labels", "plain"),
    ("pixel_marginals", "baseline: pixels shuffled in each class", "plain"),
)


def badness(score: Record) -> float:
    """Return how bad a score is: 0 = as good as real against real, 1 = worst case; unknown counts as worst."""
    numbers = [score.get(key) for key in ("value", "floor", "ceiling")]
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        return math.inf
    value, floor, ceiling = (float(number) for number in numbers)  # type: ignore[arg-type]
    return (value - floor) / (ceiling - floor) if ceiling != floor else math.inf


def definition(kind: str, name: str) -> str:
    """Return the first sentence of a method's docstring; empty when the method is not installed here."""
    try:
        text = inspect.getdoc(find(f"{kind}s", name)) or ""
    except (LookalikeError, ImportError):
        return ""
    return " ".join(text.split("\n\n")[0].split())


def scores_block(run: Evidence) -> dict[str, Any]:
    """Return the table of scores in groups by verdict, worst first, and what each metric means."""
    names = [*ORDER.get(run.goal, ORDER["augment"])]
    names += sorted({verdict_of(score) for score in run.scores} - set(names))
    groups = []
    for name in names:
        own = sorted((score for score in run.scores if verdict_of(score) == name), key=lambda score: -badness(score))
        if own:
            lines = [line for score in own for line in [_score_line(score), *_further(score)]]
            groups.append({"name": (name or "other").capitalize(), "rows": lines})
    methods = sorted({(str(score.get("kind", "metric")), str(score.get("method"))) for score in run.scores})
    meanings = [{"method": name, "text": text} for kind, name in methods if (text := definition(kind, name))]
    return {"groups": groups, "meanings": meanings}


def _score_line(score: Record) -> dict[str, Any]:
    used = unit(score)
    name, digest = features(score)
    method = str(score.get("method"))
    alone = score.get("floor") is None and score.get("ceiling") is None
    return {
        "method": method,
        "further": False,
        "title": str(detail(score).get("title") or detail(score).get("figure") or ""),
        "link": f"{DOCS}#{method}",
        "target": _TARGETS.get(str(score.get("target", "accepted")), str(score.get("target"))),
        # A number that nothing stands beside tells nobody anything.
        "value": wording.NOTHING if alone else wording.written(score.get("value"), used),
        "interval": wording.interval(score.get("interval"), used),
        "real": wording.written(score.get("floor"), used),
        "worst": wording.written(score.get("ceiling"), used),
        "better": _BETTER.get(str(score.get("better")), ""),
        "n_real": wording.count(score.get("n_real")),
        "n_synthetic": wording.count(score.get("n_synthetic")),
        "features": name,
        "digest": digest[:8],
        "reason": reason(score),
        "lost": _lost(score),
    }


def _lost(score: Record) -> str:
    """Return the kinds of real rows that a score misses, the most expected first, or an empty text."""
    given = detail(score).get("lost")
    found = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    named = [f"{wording.clipped(one.get('class'), 40)} (kind {one.get('kind')})" for one in found]
    more = [f"{len(named) - _MOST_LOST} more"] if len(named) > _MOST_LOST else []
    return wording.words(named[:_MOST_LOST] + more)


def _further(score: Record) -> list[dict[str, Any]]:
    """Return a line for each further figure of a score."""
    lines = []
    for name, given in further(score).items():
        line = _score_line({**score, **given, "detail": {**detail(score), "title": name.replace("_", " ")}})
        lines.append({**line, "further": True, "reason": "", "lost": ""})
    return lines


def _per_class(row: Record | None, classes: Sequence[str]) -> list[float | None]:
    given = row.get("per_class") if row else None
    if isinstance(given, Mapping):
        given = [given.get(name) for name in classes]
    if not isinstance(given, list | tuple) or len(given) != len(classes):
        return [None] * len(classes)
    return [float(value) if isinstance(value, int | float) and math.isfinite(value) else None for value in given]


def _training_rows(run: Evidence, score: Record) -> list[tuple[Bar, object]]:
    """Return a bar for each set of training rows, with the size of the set."""
    known = {name: (label, tone) for name, label, tone in _ROWS}
    given = detail(score).get("rows")
    names = [*known, *(str(name) for name in (given if isinstance(given, Mapping) else {}) if name not in known)]
    found: list[tuple[Bar, object]] = []
    for name in names:
        row = score_row(score, name)
        label, tone = known.get(name, (name.replace("_", " "), "plain"))
        if row:
            found.append((Bar(label, float(row["accuracy"]), pair(row.get("interval")), tone), row.get("n")))
    raw = run.score("train_on_synthetic", "unfiltered")
    if raw and isinstance(raw.get("value"), int | float) and raw.get("floor") is not None:
        place = next((number for number, (bar, _) in enumerate(found) if bar.tone == "mixed"), len(found))
        before = Bar("synthetic rows before filtering", float(raw["value"]), pair(raw.get("interval")), "plain")
        found.insert(place, (before, raw.get("n_synthetic")))
    return found


def utility_block(run: Evidence) -> dict[str, Any] | None:
    """Return bars of accuracy by training set and figures per class; None when nothing was trained."""
    score = run.score("train_on_synthetic")
    if score is None:
        return None
    found = _training_rows(run, score)
    rows = [bar for bar, _ in found]
    chance = score.get("ceiling")
    mark = (float(chance), "worst case: chance") if isinstance(chance, int | float) else None
    told = "; ".join(f"{bar.name}: {wording.percent(bar.value)}" for bar in rows)
    measure, model = trained(score)
    axis = Axis(f"{measure} on held-out real rows", "share", 0.0, 1.0)
    title = f"{measure[:1].upper()}{measure[1:]} by what the {model} learnt from"
    table = [
        {
            "name": bar.name,
            "n": wording.count(n),
            "value": wording.percent(bar.value),
            "interval": wording.interval(bar.interval, "share"),
        }
        for bar, n in found
    ]
    covers = detail(score).get("interval_covers", detail(score).get("interval"))
    return {
        "chart": bars("utility-bars", rows, axis, title, told, mark) if rows else None,
        "reason": reason(score),
        "table": table,
        "learner": str(detail(score).get("learner") or "One classifier"),
        "tested": wording.count(score.get("n_real")),
        "covers": covers if isinstance(covers, str) else "",
        **_class_figures(score, [str(name) for name in run.part("data", "classes") or []]),
    }


def _class_figures(score: Record, classes: list[str]) -> dict[str, Any]:
    real_row = score_row(score, "real_same_size") or score_row(score, "real")
    synthetic, real = _per_class(score_row(score, "synthetic"), classes), _per_class(real_row, classes)
    both = [
        Pair(name, ours, theirs)
        for name, ours, theirs in zip(classes, synthetic, real, strict=True)
        if ours is not None or theirs is not None
    ]
    both.sort(key=lambda one: (one.synthetic if one.synthetic is not None else 2) - (one.real or 0))
    left_out = max(0, len(both) - _MOST_CLASSES)
    both = both[:_MOST_CLASSES]
    if not both:
        return {"classes": None, "class_table": [], "classes_left_out": 0}
    values = [value for one in both for value in (one.synthetic, one.real) if value is not None]
    low = max(0.0, math.floor(min(values) * 10 - 0.3) / 10)
    chart = dumbbells(
        "utility-classes",
        both,
        Axis("share of the class's real rows recognised", "share", low, 1.0),
        "Accuracy per class",
        "; ".join(f"{one.name}: {_both(one)}" for one in both[:20]),
    )
    table = [
        {"name": one.name, "synthetic": wording.percent(one.synthetic), "real": wording.percent(one.real)}
        for one in both
    ]
    return {"classes": chart, "class_table": table, "classes_left_out": left_out}


def _both(one: Pair) -> str:
    return f"synthetic {wording.percent(one.synthetic)}, real {wording.percent(one.real)}"


def privacy_block(record: Folder) -> dict[str, Any]:
    """Return what is guaranteed and what was only tested."""
    run = record.evidence
    spent = run.part("privacy", "spent")
    notes = run.part("privacy", "notes")
    guarantee = []
    if isinstance(spent, Mapping):
        names = {"epsilon": "ε", "delta": "δ", "relation": "neighbouring relation", "unit": "protected unit"}
        for key, value in spent.items():
            shown = wording.figure(value) if isinstance(value, int | float) else str(value)
            guarantee.append((names.get(str(key), str(key)), shown))
    audits = [score for score in run.scores if score.get("kind") == "audit" or verdict_of(score) == "privacy"]
    return {
        "guarantee": guarantee,
        "notes": [str(note) for note in notes] if isinstance(notes, list) else [],
        "audits": [line for score in audits for line in _audit_lines(score)],
        "chart": _distances(record.gallery or {}),
    }


def _audit_lines(score: Record) -> list[dict[str, Any]]:
    """Return a line for an audit, and one for each further figure that it expects a value of."""
    found = detail(score)
    lines = [{**_score_line(score), "leak": _largest_leak(score)}]
    if isinstance(found.get("exact_copies"), int):
        lines[0]["title"] += f"; {wording.count(found['exact_copies'])} exact copies"
    for name, given in found.items():
        if isinstance(given, Mapping) and {"value", "expected"} <= given.keys():
            title = f"{str(name).replace('_', ' ')}; {wording.percent(given['expected'])} when nothing is copied"
            figure = {"value": given["value"], "interval": given.get("interval"), "floor": given["expected"]}
            line = _score_line({**score, **figure, "ceiling": None, "detail": {"title": title, "unit": "share"}})
            lines.append({**line, "further": True, "real": wording.NOTHING, "leak": ""})
    return lines


def _largest_leak(score: Record) -> str:
    """Return the largest leak that an audit could have missed, in its words or numbers."""
    found = detail(score)
    for key in ("largest_leak", "largest_undetected", "detectable", "resolution"):
        if key in found:
            value = found[key]
            if not isinstance(value, int | float):
                return str(value)
            return wording.written(value, unit(score)) + (" of the rows" if unit(score) == "share" else "")
    bounds = pair(score.get("interval"))
    return f"up to {wording.written(bounds[1], unit(score))} is not excluded" if bounds else ""


def _distances(gallery: Record) -> Markup | None:
    """Return cumulative curves of nearest distances, synthetic against held-out rows, as the gallery measured them."""
    given, near = gallery.get("distances"), gallery.get("near")
    if not isinstance(given, Mapping) or not isinstance(near, Mapping) or "holdout" not in given:
        return None
    named: tuple[tuple[str, str, Tone], ...] = (
        ("synthetic", "synthetic", "synthetic"),
        ("holdout", "held-out real", "real"),
    )
    series = [
        Series(label, list(zip(map(float, given[key]), map(float, given["levels"]), strict=True)), tone)
        for key, label, tone in named
    ]
    name, used = str(near.get("name", "")), str(near.get("unit", ""))
    across = "distance to the nearest training image" + ("" if used == "share" else f" ({name} features)")
    return curves(
        "privacy-distances",
        series,
        Axis(across, used),
        Axis("share of rows at most this far", "share", 0.0, 1.0),
        "Distance to the nearest training image",
        "A curve of synthetic rows that rises earlier than that of held-out real rows is a sign of copying.",
    )
