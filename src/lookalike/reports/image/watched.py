"""What the report shows of adversarial training: variety on a small fixed probe, signs of trouble, remedies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from lookalike.reports import wording
from lookalike.reports.charts import Axis, Series, Tone, curves
from lookalike.reports.evidence import Evidence

_KEYS = ("step", "recall", "class distance", "classes lost", "remedy")
_MOST_STRETCHES = 20
_MOST_NAMES = 12
_TALL = 120
_LOG_ENDS = (1e-12, 1e12)

Look = Mapping[str, Any]


def watched_block(run: Evidence) -> dict[str, Any] | None:
    """Return curves of what the looks found, what happened in words, and when which classes were lost.

    None when nothing was watched. A model that kept less shows what it has.
    """
    found = run.part("generator", "facts", "probes")
    rows = [one for one in found if _complete(one)] if isinstance(found, list) else []
    if not rows:
        return None
    first, best, last = rows[0], max(rows, key=lambda one: float(one["recall"])), rows[-1]
    told = [
        f"Recall of the probe goes from {_share(first)} to {_share(last)}; its best was {_share(best)} at step "
        f"{wording.count(best['step'])}.",
        _lost(last),
        *_done(run, rows),
    ]
    return {"charts": _charts(run, rows, told[0]), "told": told, "lost": _stretches(rows)}


def _complete(one: object) -> bool:
    return isinstance(one, Mapping) and all(_number(one.get(key)) for key in _KEYS)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _share(one: Look) -> str:
    return wording.percent(float(one["recall"]))


def _names(one: Look) -> list[str]:
    found = one.get("lost")
    return [str(name) for name in found] if isinstance(found, list) else []


def _lost(last: Look) -> str:
    count = int(last["classes lost"])
    if not count:
        return "At the end every class was drawn about as often as it should be."
    classes, they = ("class was", "it") if count == 1 else ("classes were", "they")
    names = [wording.clipped(name, 40) for name in _names(last)[:_MOST_NAMES]]
    more = [f"{wording.count(count - len(names))} more"] if names and count > len(names) else []
    return (
        f"At the end {wording.count(count)} {classes} drawn less than a quarter as often as {they} should be"
        f"{f': {wording.words(names + more)}' if names else ''}."
    )


def _done(run: Evidence, rows: Sequence[Look]) -> list[str]:
    """Return what happened and which remedy acted when, or why none did."""
    off = run.part("generator", "config", "remedies") is False
    more = "" if run.part("generator", "config", "augment") is False else ", augmentation was raised"
    why = "remedies were off" if off else "all remedies were used up"
    found = []
    for one in rows:
        step = wording.count(one["step"])
        if one["remedy"]:
            found.append(
                f"Step {step}: collapse began; both networks went back to their best state, the learning rate was "
                f"halved{more}."
            )
        elif one.get("collapse"):
            found.append(f"Step {step}: collapse began; nothing was done, because {why}.")
    if rows[-1].get("hardly any variety"):
        found.append(
            "There was hardly any variety at any time. Remedies answer a fall of recall, so none acted"
            f"{'; they were off, too' if off else ''}."
        )
    elif not found and "collapse" not in rows[-1]:
        found.append("Remedies were off." if off else "No remedy was needed.")
    elif not found:
        found.append(f"Recall did not collapse, so no remedy was needed{'; remedies were off' if off else ''}.")
    return found


def _charts(run: Evidence, rows: Sequence[Look], told: str) -> list[dict[str, Any]]:
    """Return small curves over the steps, each with a name and what it means; without figures there is no curve."""
    classes = any(float(one["class distance"]) for one in rows)
    goal = _target(run, rows)
    norms = [
        *_series(rows, "gradient norm G", "generator"),
        *_series(rows, "gradient norm D", "discriminator", "plain"),
    ]
    signs, chances = _series(rows, "r_t"), _series(rows, "augment p", "p")
    drawn = [
        (
            "recall",
            "Recall",
            " of a small fixed probe: share of real images that lie where drawn ones do",
            _series(rows, "recall"),
            Axis("recall of the probe", "share", 0.0, 1.0),
        ),
        (
            "distance",
            "Class distance",
            " of the probe: share of images that would have to change class for each to come as often as it should",
            _series(rows, "class distance") if classes else [],
            Axis("class distance", "share", 0.0, 1.0),
        ),
        (
            "overfitting",
            "Overfitting of the discriminator, r_t",
            ": mean sign of its logits of real images: near 1 it knows them by heart"
            + (", and above the target images are augmented more often" if goal else ""),
            [*signs, *goal] if signs else [],
            Axis("r_t", "", -1.0, 1.0),
        ),
        (
            "augmentation",
            "Augmentation, p",
            ": probability of each change of an image that the discriminator sees",
            chances,
            Axis("probability p", "share", 0.0, max([0.1, *(y for one in chances for _, y in one.points)])),
        ),
        (
            "norms",
            "Gradient norms",
            " of all weights, mean since the look before: a sudden rise means that training is unstable",
            norms,
            _decades("gradient norm (logarithmic)", [y for one in norms for _, y in one.points]),
        ),
    ]
    return [
        {"name": name, "means": means, "chart": _curve(f"watched-{key}", series, up, name, told)}
        for key, name, means, series, up in drawn
        if series
    ]


def _target(run: Evidence, rows: Sequence[Look]) -> list[Series]:
    """Return the line that r_t is steered to; nothing where no image is augmented."""
    target = run.number("generator", "config", "augment_target")
    if target is None or not any(_number(one.get("augment p")) for one in rows):
        return []
    return [Series("target", [(float(one["step"]), target) for one in (rows[0], rows[-1])], "plain")]


def _curve(ident: str, series: Sequence[Series], up: Axis, name: str, told: str) -> Markup:
    if not ident.endswith("recall"):
        told = "; ".join(
            f"{one.name} goes from {wording.written(one.points[0][1], up.unit)} to "
            f"{wording.written(one.points[-1][1], up.unit)}"
            for one in series
        )
    return curves(ident, series, Axis("training step"), up, name, told, tall=_TALL)


def _series(rows: Sequence[Look], key: str, name: str = "", tone: Tone = "synthetic") -> list[Series]:
    points = [(float(one["step"]), float(one[key])) for one in rows if _number(one.get(key))]
    return [Series(name or key, points, tone)] if points else []


def _decades(title: str, values: Sequence[float]) -> Axis:
    """Return a logarithmic axis between powers of ten, so that it has two marks at least."""
    positive = [min(max(value, _LOG_ENDS[0]), _LOG_ENDS[1]) for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    return Axis(title, "", 10.0**low, 10.0 ** max(high, low + 1), log=True)


def _stretches(rows: Sequence[Look]) -> list[dict[str, Any]]:
    """Return classes that were lost in two looks or more one after the other, by when that was."""
    found: dict[tuple[int, int], list[str]] = {}
    for name in sorted({name for one in rows for name in _names(one)}):
        lost = [False, *(name in _names(one) for one in rows), False]
        edges = [place for place, (before, after) in enumerate(pairwise(lost)) if before != after]
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start > 1:
                found.setdefault((start, end - 1), []).append(name)
    return [
        {"when": _when(rows, *place), "names": names[:_MOST_NAMES], "more": len(names[_MOST_NAMES:])}
        for place, names in sorted(found.items())[:_MOST_STRETCHES]
    ]


def _when(rows: Sequence[Look], start: int, end: int) -> str:
    first, last = (wording.count(rows[place]["step"]) for place in (start, end))
    if end == len(rows) - 1:
        return f"{first} to the end" if start else "the whole run"
    return f"{first} to {last}" if start else f"up to {last}"
