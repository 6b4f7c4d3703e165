"""The blocks of the report about how the rows were made: balance, training, what was thrown away, cost, provenance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from lookalike.reports import wording
from lookalike.reports.charts import Axis, Bar, Pair, Series, bars, curves, dumbbells
from lookalike.reports.evidence import Evidence, further, pair, short, unit, verdict_of
from lookalike.reports.record import Record

_MOST_CLASSES = 60
_MOST_FILES = 60
_MOST_LINKS = 6
_WRITTEN = "written"
_MOST_SHORT = 40
_MOST_POINTS = 300
_FACTS = {
    "preset": "preset",
    "parameters": "parameters",
    "steps": "training steps",
    "base": "base model",
    "images_seen": "images seen",
    "texts_seen": "texts seen",
    "precision": "number format",
    "device": "device",
    "seconds": "training time",
}


def _counts(value: object, classes: int) -> list[int] | None:
    usable = isinstance(value, list) and len(value) == classes and all(isinstance(one, int | float) for one in value)
    return [int(one) for one in value] if usable else None  # type: ignore[attr-defined]


def balance_block(record: Record) -> dict[str, Any] | None:
    """Return counts per class, or of all rows where there are no classes; None when the manifest has no counts."""
    run = record.evidence
    names = [str(name) for name in run.part("data", "classes") or []]
    columns = {
        "real": _counts(run.part("data", "counts", "train"), max(1, len(names))),
        **{key: _counts(run.part("sample", key), max(1, len(names))) for key in ("asked", "made", "accepted")},
    }
    if all(column is None for column in columns.values()):
        return None
    order = list(range(len(names)))[:_MOST_CLASSES]
    rows = [
        {"name": names[place], **{key: wording.count(column[place]) if column else wording.NOTHING
                                  for key, column in columns.items()}}
        for place in order
    ]  # fmt: skip
    totals = {key: wording.count(sum(column)) if column else wording.NOTHING for key, column in columns.items()}
    return {
        "rows": rows,
        "totals": totals,
        "left_out": len(names) - len(order),
        "shortfall": _shortfall(run),
        "chart": _shares(names, order, columns["real"], columns["accepted"]) if len(names) > 1 else None,
        "tables": _tables(record),
    }


def _tables(record: Record) -> list[dict[str, str]]:
    """Return how many rows each of several tables has; nothing of a run on one table."""
    table = (record.gallery or {}).get("table")
    listed = table.get("tables") if isinstance(table, Mapping) else None
    return [
        {"name": str(one.get("name")), **{key: wording.count(one.get(key)) for key in ("real", "holdout", "synthetic")}}
        for one in (listed if isinstance(listed, list) else [])
    ]


def _shortfall(run: Evidence) -> list[dict[str, str]]:
    """Return the parts of the quota that lack rows, with what their rows were rejected for."""
    listed = run.part("sample", "shortfall")
    rows = []
    for one in listed[:_MOST_SHORT] if isinstance(listed, list) else []:
        reasons = one.get("reasons") if isinstance(one, Mapping) else None
        if isinstance(reasons, Mapping):
            told = "; ".join(f"{reason} ({wording.count(lost)})" for reason, lost in reasons.items())
            counts = {key: wording.count(one.get(key)) for key in ("asked", "short")}
            rows.append({"cell": str(one.get("cell")), **counts, "why": told or "too few were made"})
    return rows


def _shares(names: list[str], order: list[int], real: list[int] | None, accepted: list[int] | None) -> Markup | None:
    if not real or not accepted or not sum(real) or not sum(accepted):
        return None
    pairs = [Pair(names[place], accepted[place] / sum(accepted), real[place] / sum(real)) for place in order]
    told = "; ".join(
        f"{one.name}: synthetic {wording.percent(one.synthetic)}, real {wording.percent(one.real)}"
        for one in pairs[:20]
    )
    highest = max(max(one.synthetic or 0, one.real or 0) for one in pairs)
    axis = Axis("share of all rows in the class", "share", 0.0, min(1.0, highest * 1.1))
    return dumbbells("balance-shares", pairs, axis, "Class balance", told)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most 300 points: the mean of each group of neighbours."""
    group = max(1, math.ceil(len(points) / _MOST_POINTS))
    parts = [points[start : start + group] for start in range(0, len(points), group)]
    return [(part[-1][0], sum(y for _, y in part) / len(part)) for part in parts]


def training_block(record: Record) -> dict[str, Any] | None:
    """Return the loss curve, facts of the model and events; None when nothing is known of the generator."""
    run = record.evidence
    facts = run.part("generator", "facts")
    facts = facts if isinstance(facts, Mapping) else {}
    if not run.part("generator") and not record.notes:
        return None
    curve = facts.get("curve")
    points = [found for one in (curve if isinstance(curve, list) else []) if (found := pair(one))]
    points = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    chart = None
    if len(points) > 1:
        values = [y for _, y in points]
        log = min(values) > 0 and max(values) / min(values) > 30
        chart = curves(
            "training-loss",
            [Series("loss", _thinned(points), "synthetic")],
            Axis("training step"),
            Axis("training loss" + (" (logarithmic)" if log else ""), low=None if log else min(0.0, *values), log=log),
            "Training loss",
            f"The loss starts at {wording.figure(values[0])} and ends at {wording.figure(values[-1])} "
            f"after {wording.count(points[-1][0])} steps.",
        )
    listed = [(label, _fact(key, facts[key])) for key, label in _FACTS.items() if facts.get(key) not in (None, "")]
    return {
        "chart": chart,
        "facts": listed,
        "method": str(run.part("generator", "use") or ""),
        "notes": [_note(note) for note in record.notes],
        "checkpoints": wording.count(record.checkpoints) if record.checkpoints else "",
        "resumed": record.resumed,
    }


def _fact(key: str, value: object) -> str:
    if key == "seconds":
        return wording.duration(value)
    return wording.count(value) if isinstance(value, int | float) else str(value)


def _note(note: Mapping[str, Any]) -> dict[str, str]:
    return {
        "stage": str(note.get("stage", "")),
        "message": wording.clipped(note.get("message", ""), 400),
        "level": str(note.get("level", "info")),
    }


def discarded_block(record: Record) -> dict[str, Any] | None:
    """Return what each filter refused, with examples, and what filtering did to the scores; None without filters."""
    run = record.evidence
    used = run.part("filters")
    used = list(used) if isinstance(used, list) else []
    unusable = run.part("sample", "unusable")
    if isinstance(unusable, Mapping) and unusable:
        used.insert(0, {"use": run.part("generator", "use"), "dropped": unusable})
    if not used:
        return None
    made = run.total("sample", "made")
    lines = []
    for one in used:
        dropped = one.get("dropped")
        reasons = dropped if isinstance(dropped, Mapping) and dropped else {"": 0}
        for reason, lost in reasons.items():
            lines.append(
                {
                    "filter": str(one.get("use")),
                    "reads_real": bool(one.get("reads_real")),
                    "reason": str(reason) or "refused nothing",
                    "count": wording.count(lost),
                    "share": wording.percent(lost / made) if made else wording.NOTHING,
                }
            )
    total = sum(sum(one["dropped"].values()) for one in used if isinstance(one.get("dropped"), Mapping))
    gallery = record.gallery or {}
    return {
        "lines": lines,
        "total": wording.count(total),
        "made": wording.count(made),
        "share": wording.percent(total / made) if made else "",
        "examples": gallery.get("rejected", []),
        "effects": _effects(run),
        "rounds": wording.count(run.part("sample", "rounds")),
    }


def _effects(run: Evidence) -> list[dict[str, str]]:
    """Return figures that exist both before and after filtering, side by side."""
    found = []
    for before in run.scores:
        after = run.score(short(before)) if before.get("target") == "unfiltered" else None
        if after is None or before.get("floor") is None:
            continue
        found.append(_effect(str(before.get("method")), before, after))
        for name, own in further(before).items():
            if name in further(after):
                found.append(_effect(name, {**before, **own}, {**after, **further(after)[name]}))
    return found


def _effect(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    used = unit(after)
    return {
        "verdict": verdict_of(before),
        "method": name,
        "before": wording.written(before.get("value"), used),
        "before_interval": wording.interval(before.get("interval"), used),
        "after": wording.written(after.get("value"), used),
        "after_interval": wording.interval(after.get("interval"), used),
        "real": wording.written(after.get("floor"), used),
    }


def cost_block(run: Evidence) -> dict[str, Any] | None:
    """Return time and memory by stage and per accepted row; None when no stage was timed."""
    stages = [one for one in run.part("stages") or [] if isinstance(one, Mapping)]
    if not stages:
        return None
    wall = [float(one.get("wall_seconds") or 0) for one in stages]
    cpu = [float(one.get("cpu_seconds") or 0) for one in stages]
    accepted = run.total("sample", "accepted") or 0
    slow = [Bar(str(one.get("stage")), seconds, None, "plain", wording.duration(seconds))
            for one, seconds in zip(stages, wall, strict=True)]  # fmt: skip
    long = max(wall, default=0) >= 180
    factor = 60 if long else 1
    scaled = [Bar(bar.name, bar.value / factor, None, "plain", bar.text) for bar in slow]
    axis = Axis("wall-clock time, minutes" if long else "wall-clock time, seconds")
    told = "; ".join(f"{bar.name}: {bar.text}" for bar in slow)
    return {
        "chart": bars("cost-stages", scaled, axis, "Time by stage", told),
        "rows": [
            {
                "stage": str(one.get("stage")),
                "wall": wording.duration(one.get("wall_seconds")),
                "cpu": wording.duration(one.get("cpu_seconds")),
                "peak": wording.size((one.get("peak_mb") or 0) * 1e6),
                "reused": bool(one.get("reused")),
            }
            for one in stages
        ],
        "wall": wording.duration(sum(wall)),
        "cpu": wording.duration(sum(cpu)),
        "peak": wording.size(max(float(one.get("peak_mb") or 0) for one in stages) * 1e6),
        "row_wall": wording.duration(sum(wall) / accepted) if accepted else "",
        "row_cpu": wording.duration(sum(cpu) / accepted) if accepted else "",
        "reused": any(one.get("reused") for one in stages),
        "asked": _asked(run, int(accepted)),
    }


def _asked(run: Evidence, accepted: int) -> str:
    """Return in words what a language model was asked and what it cost; empty when there was none."""
    paid = run.part("answers")
    if not isinstance(paid, Mapping):
        return ""
    tokens = {name: int(paid.get(name) or 0) for name in ("requests", "tokens_in", "tokens_out")}
    money = float(paid.get("money") or 0)
    requests, tokens_in, tokens_out = (wording.count(count) for count in tokens.values())
    told = f"{requests} answers of the language model: {tokens_in} tokens in, {tokens_out} tokens out"
    each = (tokens["tokens_in"] + tokens["tokens_out"]) / accepted if accepted else 0
    told += f", {wording.count(round(each))} tokens per accepted row" if accepted else ""
    if not money:
        return told + "; no prices were given."
    return (
        told
        + f"; {money:.4g} by the given prices"
        + (f", {money / accepted:.2g} per accepted row." if accepted else ".")
    )


def provenance_block(record: Record) -> dict[str, Any]:
    """Return recipe, fingerprints, versions, files with hashes, and the command that repeats the run."""
    run = record.evidence
    listed = run.part("files")
    files = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    files = [one for one in files if one.get("path") != "report.html"]
    shown = [
        {
            "path": str(one.get("path")),
            "href": "./" + quote(str(one.get("path"))),
            "sha256": str(one.get("sha256")),
            "bytes": wording.size(one.get("bytes")),
        }
        for one in files[:_MOST_FILES]
    ]
    return {
        "recipe": record.recipe,
        "fingerprints": _pairs(run.part("data", "fingerprints")),
        "versions": _pairs(run.part("versions")),
        "environment": _pairs(run.part("environment")),
        "seed": str(run.part("seeds", "root") if run.part("seeds", "root") is not None else wording.NOTHING),
        "notes": [str(note) for note in run.part("data", "notes") or []],
        "files": shown,
        "more_files": len(files) - len(shown),
        "downloads": [one for one in shown if one["path"].startswith("synthetic/")][:_MOST_LINKS],
        "written": _written(files),
        "statement": str(run.part("statement") or "The rows are synthetic: they were made by a computer."),
        "created": str(run.part("created") or ""),
    }


def _written(files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a link to every file of a writer of few files, and one to the folder of a writer of many."""
    inside: dict[str, list[Mapping[str, Any]]] = {}
    for one in files:
        if (path := str(one.get("path"))).startswith(f"{_WRITTEN}/"):
            inside.setdefault("/".join(path.split("/")[:2]), []).append(one)
    links = []
    for folder, found in inside.items():
        few = len(found) <= _MOST_LINKS
        for path, some in [(str(one.get("path")), [one]) for one in found] if few else [(f"{folder}/", found)]:
            size = wording.size(sum(int(one.get("bytes") or 0) for one in some))
            told = size if few else f"{wording.count(len(some))} files, {size}"
            links.append({"path": path, "href": "./" + quote(path), "told": told, "file": few})
    return links


def _pairs(value: object) -> list[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return []
    return [(str(key), str(one)) for key, one in value.items() if one is not None]
