"""The figures that verdicts are made of: each found in a run's scores, or missing for a stated reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from lookalike.core.registry import names
from lookalike.reports import wording
from lookalike.reports.evidence import Evidence, Record, detail, pair, reason, score_row, short, trained, unit

_NO_DISTANCES = ("membership", "canary", "singling_out", "attribute_inference")
_OF_THE_MODEL = ("equivariance", "perceptual_path_length")
"""How a generator moves from one image to another says nothing of how near its rows are to real ones."""
_MOST_KEPT = 1.5
"""Share of what real rows give from which on only so much is told: the learner of real rows is weak then."""


@final
@dataclass(frozen=True)
class Figure:
    """A number that a rule judges, and the numbers that a reader sees.

    Attributes:
        value: What the rule compares.
        low: Lower end of its 95 % interval; None = no interval.
        high: Upper end.
        number: The measured number, in its unit.
        interval: Interval of that number, in its unit; may be empty.
        real: The same number for real rows.
        real_label: What those real rows are.
        label: What the measured number is.
        texts: Further words for the sentences.
    """

    value: float
    low: float | None
    high: float | None
    number: str
    interval: str
    real: str
    real_label: str
    label: str
    texts: Mapping[str, str] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Missing:
    """Why there is no figure."""

    reason: str


def _numbers(score: Record, *keys: str) -> list[float] | Missing:
    """Return the named numbers of a score, or why one is missing."""
    found = []
    for key in keys:
        value = score.get(key)
        if not isinstance(value, int | float) or not math.isfinite(value):
            told = reason(score)
            names = {"floor": "there is no real-against-real figure", "ceiling": "there is no worst-case figure"}
            default = f"{names.get(key, 'the figure')} for {score.get('method', 'the metric')}"
            return Missing(told or (default if key in names else f"{default} is not a number"))
        found.append(float(value))
    return found


def _scaled(score: Record, share: float, lowest: float, spread: float) -> tuple[float, float | None, float | None]:
    bounds = pair(score.get("interval"))
    if bounds is None:
        return share, None, None
    ends = sorted((bound - lowest) / spread for bound in bounds)
    return share, ends[0], ends[1]


def _shown(score: Record, real: object) -> tuple[str, str, str]:
    used = unit(score)
    return (
        wording.written(score.get("value"), used),
        wording.interval(score.get("interval"), used),
        wording.written(real, used),
    )


def _does(evidence: Evidence, kind: str, name: str) -> str:
    """Return which method of the run's modality would give what is missing; nothing when there is none."""
    full = f"{evidence.part('data', 'modality') or 'image'}.{name}"
    return f" ({full} does)" if full in names(kind) else ""


def kept_accuracy(evidence: Evidence) -> Figure | Missing:
    """Return the accuracy that training on synthetic rows keeps, counted from chance: 1 = as good as real rows."""
    score = evidence.chosen("utility", ("train_on_synthetic",))
    if score is None:
        return Missing("no metric trained a classifier on the rows" + _does(evidence, "metrics", "train_on_synthetic"))
    numbers = _numbers(score, "value", "floor", "ceiling")
    if isinstance(numbers, Missing):
        return numbers
    value, real, chance = numbers
    measure, model = trained(score)
    lowest = pair((score_row(score, "real_same_size") or {}).get("interval")) or (real, real)
    if min(real, lowest[0]) <= chance:
        # A share of what may be nothing tells nothing, however large it is.
        return Missing(f"a {model} that learns from as many real rows is no better than chance, as far as can be told")
    number, interval, same = _shown(score, real)
    kept = (value - chance) / (real - chance)
    more = {"value": f"more than {wording.percent(_MOST_KEPT)}"} if kept > _MOST_KEPT else {}
    return Figure(
        *_scaled(score, kept, chance, real - chance),
        number,
        interval,
        same,
        "trained on as many real rows",
        f"{measure} on held-out real rows",
        {"measure": measure, "model": model, **more},
    )


def gain_of_adding(evidence: Evidence) -> Figure | Missing:
    """Return the accuracy with real + synthetic rows minus that with the real rows alone, in shares of one."""
    score = evidence.chosen("utility", ("train_on_synthetic",))
    both, real = score_row(score, "real_plus_synthetic"), score_row(score, "real")
    if score is None or both is None or real is None:
        told = reason(score) if score else ""
        return Missing(told or "no metric compared real + synthetic rows with the real rows alone")
    gain = float(both["accuracy"]) - float(real["accuracy"])
    low, high = _gain_interval(score, both, real, gain)
    if low is None:
        return Missing("the accuracies with and without the rows have no interval")
    points = wording.percent(gain, signed=True).replace("%", "points")
    alone, measure = kept_accuracy(evidence), trained(score)[0]
    kept = (
        f"; alone they keep {alone.texts.get('value', wording.percent(alone.value))} of the {measure}"
        if isinstance(alone, Figure) and not detail(score).get("learner_weak")
        else ""
    )
    return Figure(
        gain,
        low,
        high,
        wording.percent(both["accuracy"]),
        wording.interval(both.get("interval"), "share"),
        wording.percent(real["accuracy"]),
        f"{measure}, real rows alone",
        f"{measure}, real + synthetic rows",
        {"points": points, "alone": kept, "measure": measure},
    )


def _gain_interval(score: Record, both: Record, real: Record, gain: float) -> tuple[float | None, float | None]:
    """Return the interval of the gain; without a paired one, a wider one from the two separate intervals."""
    given = detail(score).get("gain")
    paired = pair(given.get("interval")) if isinstance(given, Mapping) else None
    if paired is not None:
        return paired
    first, second = pair(both.get("interval")), pair(real.get("interval"))
    if first is None or second is None:
        return None, None
    # Both were tested on the same rows, so their errors agree in part and this is wider than need be.
    half = math.hypot((first[1] - first[0]) / 2, (second[1] - second[0]) / 2)
    return gain - half, gain + half


def distance_share(evidence: Evidence) -> Figure | Missing:
    """Return where a distance stands between real against real (0) and the worst case (1).

    Where chance alone makes real rows as different from each other as the worst case is (few rows, columns without
    relations), the likeness of single columns speaks in place of a metric of whole rows, if it was measured.
    """
    score = evidence.chosen("fidelity", ("frechet", "kernel", "two_sample"), besides=_OF_THE_MODEL)
    if score is None:
        return Missing("no metric compared the rows with real ones" + _does(evidence, "metrics", "frechet"))
    found = _on_the_way(score)
    single = evidence.score("column_shape")
    return _on_the_way(single) if isinstance(found, Missing) and single is not None else found


def _on_the_way(score: Record) -> Figure | Missing:
    numbers = _numbers(score, "value", "floor", "ceiling")
    if isinstance(numbers, Missing):
        return numbers
    value, floor, ceiling = numbers
    chance = pair(detail(score).get("floor_interval")) or (floor, floor)
    if chance[0] <= ceiling <= chance[1]:
        return Missing("the worst case is no worse than real against real, so the metric tells nothing")
    number, interval, real = _shown(score, floor)
    return Figure(
        *_scaled(score, (value - floor) / (ceiling - floor), floor, ceiling - floor),
        number,
        interval,
        real,
        "real against real, same size",
        str(detail(score).get("title") or f"{short(score).replace('_', ' ')} distance"),
    )


def recall_share(evidence: Evidence) -> Figure | Missing:
    """Return recall or coverage, whichever is lower, as a share of its real-against-real value.

    Recall alone trusts outliers: a few far rows reach much, and noise can score above real data. Coverage does not.
    """
    score = evidence.chosen("diversity", ("precision_recall", "distinct_n", "self_bleu"))
    if score is None:
        return Missing("no metric measured variety" + _does(evidence, "metrics", "precision_recall"))
    own = str(detail(score).get("title") or short(score).replace("_", " "))
    found = [_share_of_variety(score, own) if score.get("better") == "lower" else _share_of_real(score, own)]
    coverage = detail(score).get("coverage")
    if isinstance(coverage, Mapping) and isinstance(found[0], Figure):
        found.append(_share_of_real({**score, **coverage}, own.replace("recall", "coverage")))
    figures = [one for one in found if isinstance(one, Figure)]
    return min(figures, key=lambda one: one.value) if figures else found[0]


def _share_of_real(score: Record, label: str) -> Figure | Missing:
    numbers = _numbers(score, "value", "floor")
    if isinstance(numbers, Missing):
        return numbers
    value, floor = numbers
    if floor <= 0:
        return Missing("even real rows cover nothing of each other, so the metric tells nothing")
    number, interval, real = _shown(score, floor)
    return Figure(
        *_scaled(score, value / floor, 0.0, floor), number, interval, real, "real against real, same size", label
    )


def _share_of_variety(score: Record, label: str) -> Figure | Missing:
    """Return how far repetition stays below that of one row again and again, as a share of what real rows do."""
    numbers = _numbers(score, "value", "floor", "ceiling")
    if isinstance(numbers, Missing):
        return numbers
    value, floor, ceiling = numbers
    if ceiling <= floor:
        return Missing(
            "even real rows repeat each other as much as one row again and again, so the metric tells nothing"
        )
    number, interval, real = _shown(score, floor)
    scaled = _scaled(score, (ceiling - value) / (ceiling - floor), ceiling, floor - ceiling)
    return Figure(*scaled, number, interval, real, "real against real, same size", label)


def near_copies(evidence: Evidence) -> Figure | Missing:
    """Return the share of near copies beyond that among held-out rows, in shares of one."""
    score = evidence.chosen("privacy", ("nearest_neighbour", "verbatim", "closest_record"), besides=_NO_DISTANCES)
    near = detail(score).get("near_copies") if score else None
    if score and isinstance(near, Mapping):
        score = {**score, **near, "detail": {"title": "near copies of training rows", "unit": "share"}}
    if score is None:
        return Missing("copies of training rows were not looked for" + _does(evidence, "audits", "nearest_neighbour"))
    numbers = _numbers(score, "value", "floor")
    if isinstance(numbers, Missing):
        return numbers
    value, floor = numbers
    number, interval, real = _shown(score, floor)
    return Figure(
        *_scaled(score, value - floor, floor, 1.0),
        number,
        interval,
        real,
        "held-out real rows",
        str(detail(score).get("title") or "near copies of training rows"),
    )


def closer_to_training(evidence: Evidence) -> Figure | Missing | None:
    """Return the share of rows closer to training rows than to unseen ones, beyond the expected; None if not asked."""
    score = evidence.score("closest_record")
    if score is None:
        return None
    numbers = _numbers(score, "value", "floor")
    if isinstance(numbers, Missing):
        return numbers
    value, floor = numbers
    number, interval, real = _shown(score, floor)
    label = "closer to training rows than to unseen ones"
    return Figure(*_scaled(score, value - floor, floor, 1.0), number, interval, real, "expected of unseen rows", label)


def attack_risk(evidence: Evidence) -> Figure | Missing | None:
    """Return the risk of the singling-out or inference attack whose interval begins highest; None if none was made."""
    scores = [score for name in ("singling_out", "attribute_inference") if (score := evidence.score(name))]
    if not scores:
        return None
    bounded = [score for score in scores if pair(score.get("interval")) is not None]
    if not bounded:
        return Missing(reason(scores[0]) or "the attacks have no interval")
    score = max(bounded, key=lambda one: (pair(one.get("interval")) or (0.0, 0.0))[0])
    numbers = _numbers(score, "value")
    if isinstance(numbers, Missing):
        return numbers
    number, interval, real = _shown(score, score.get("floor"))
    label = str(detail(score).get("title") or short(score).replace("_", " "))
    worst = str(detail(score).get("worst") or "")
    told = f" ({worst.replace('_', ' ')})" if worst else ""
    texts = {"attack": f"{label}{told}"}
    return Figure(*_scaled(score, numbers[0], 0.0, 1.0), number, interval, real, "rows never used", label, texts)


def membership(evidence: Evidence) -> Figure | Missing:
    """Return the membership advantage: true-positive minus false-positive rate of the best attack."""
    score = evidence.score("membership")
    if score is None:
        return Missing("no attack tried to tell which rows were used in training")
    numbers = _numbers(score, "value")
    if isinstance(numbers, Missing):
        return numbers
    bounds = pair(score.get("interval"))
    if bounds is None:
        return Missing(reason(score) or "the membership attack has no interval")
    number, interval, real = _shown(score, score.get("floor"))
    return Figure(numbers[0], *bounds, number, interval, real, "rows never used", "membership advantage")


def exposure(evidence: Evidence) -> Figure | Missing | None:
    """Return the exposure of planted sentences beyond that of sentences never planted, in bits; None without any."""
    score = evidence.score("canary")
    if score is None:
        return None
    numbers = _numbers(score, "value", "floor")
    if isinstance(numbers, Missing):
        return numbers
    value, floor = numbers
    excess = detail(score).get("excess")
    low, high = (pair(excess.get("interval")) if isinstance(excess, Mapping) else None) or (None, None)
    number, interval, real = _shown(score, floor)
    repeats = detail(score).get("repeats")
    often = "once" if repeats == 1 else f"{wording.count(repeats)} times"
    return Figure(
        value - floor,
        low,
        high,
        number,
        interval,
        real,
        "sentences never planted",
        "exposure of planted sentences",
        {"repeats": often},
    )


def passed_share(evidence: Evidence) -> Figure | Missing:
    """Return the share of made rows that passed every filter, with its Wilson 95 % interval.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    made = evidence.total("sample", "made")
    passed = evidence.total("sample", "passed")
    passed = evidence.total("sample", "accepted") if passed is None else passed
    if not made or passed is None:
        return Missing("the manifest does not say how many rows were made")
    if not evidence.part("filters"):
        return Missing("no filter looked at the rows, so nothing could be refused")
    share, z = min(passed / made, 1.0), 1.959964
    centre = (share + z * z / (2 * made)) / (1 + z * z / made)
    half = z / (1 + z * z / made) * math.sqrt(share * (1 - share) / made + z * z / (4 * made * made))
    bounds = (max(0.0, centre - half), min(1.0, centre + half))
    return Figure(
        share,
        *bounds,
        f"{wording.count(passed)} of {wording.count(made)}",
        wording.interval(bounds, "share"),
        wording.NOTHING,
        "real rows were not filtered",
        "rows made",
    )


def constraints_met(evidence: Evidence) -> Figure | None:
    """Return the share of stated constraints that every delivered row meets; None where none are stated."""
    score = evidence.chosen("validity", ("constraints",))
    stated = detail(score).get("constraints") if score else None
    if not isinstance(stated, Mapping) or not stated.get("total"):
        return None
    met, total = int(stated.get("met", 0)), int(stated["total"])
    shown = f"{met} of {total}"
    label = "constraints met by every row"
    return Figure(met / total, None, None, shown, "", wording.NOTHING, "real rows were not checked", label)
