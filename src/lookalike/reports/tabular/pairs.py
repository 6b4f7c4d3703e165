"""A map of all pairs of columns: the darker a cell, the further synthetic rows are from how the two go together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from lookalike.reports import wording
from lookalike.reports.charts import WIDTH

_LEFT = 140.0
_LETTERS = 15
_TOP = 30.0
_WORST = 10
_STEPS = ((0.02, 0.07, "to .02"), (0.05, 0.25, "to .05"), (0.1, 0.5, "to .1"), (0.2, 0.75, "to .2"), (1.0, 1.0, "more"))
"""Differences up to the first number are drawn with the second as opacity: one hue, so that no colour must be told."""


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def pair_map(detail: Mapping[str, Any], ident: str = "pair-map") -> Markup | None:
    """Return the map of a score of `pair_trend`; None when it holds no differences of all pairs.

    Args:
        detail: What the score says of itself: `columns`, and `apart`, one row of differences below the diagonal each.
        ident: Name that is unique on the page.
    """
    names, apart = detail.get("columns"), detail.get("apart")
    if not isinstance(names, list) or not isinstance(apart, list) or not len(names) == len(apart) > 1:
        return None
    names, apart = _worst_first(names, apart)
    count = len(names)
    wide, high = (WIDTH - _LEFT) / count, 20.0 if count <= 20 else 15.0
    bottom = _TOP + count * high
    # One path for each step instead of one rectangle for each pair: 42 columns are 861 pairs.
    paths = [""] * len(_STEPS)
    for row, values in enumerate(apart):
        for column, value in enumerate(values):
            step = next((k for k, (most, _, _) in enumerate(_STEPS) if value <= most), len(_STEPS) - 1)
            paths[step] += f"M{_n(_LEFT + column * wide)} {_n(_TOP + row * high)}h{_n(wide)}v{_n(high)}h-{_n(wide)}z"
    parts = _legend()
    parts += [
        f'<path class="bar" fill-opacity="{opacity}" d="{path}"/>'
        for (_, opacity, _), path in zip(_STEPS, paths, strict=True)
        if path
    ]
    for row, name in enumerate(names):
        words = f"{wording.clipped(str(name), _LETTERS)} {row + 1}"
        y = _TOP + (row + 0.5) * high + 4
        parts.append(f'<text x="{_n(_LEFT - 6)}" y="{_n(y)}" text-anchor="end" class="tick">{escape(words)}</text>')
    every = max(1, math.ceil((22 if count > 9 else 12) / wide))
    for column in range(0, count, every):
        x = _LEFT + (column + 0.5) * wide
        parts.append(f'<text x="{_n(x)}" y="{_n(bottom + 16)}" text-anchor="middle" class="tick">{column + 1}</text>')
    own = escape(ident)
    head = f'<title id="{own}-t">Pairs of columns</title><desc id="{own}-d">{escape(_told(names, apart))}</desc>'
    # Every part is built in this module from numbers and escaped text.
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {_n(bottom + 24)}" role="img" aria-labelledby="{own}-t {own}-d">'
        f"{head}{''.join(parts)}</svg>"
    )


def worst_pairs(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs that differ most, as their names and the difference in words, the worst first.

    Args:
        detail: As of `pair_map`.
    """
    names, apart = detail.get("columns"), detail.get("apart")
    if not isinstance(names, list) or not isinstance(apart, list) or len(names) != len(apart):
        return []
    found = [(-value, row, column) for row, values in enumerate(apart) for column, value in enumerate(values)]
    return [
        (f"{names[column]} and {names[row]}", f"{-value:.3f}".removeprefix("0"))
        for value, row, column in sorted(found)[:_WORST]
    ]


def _worst_first(names: list[Any], apart: list[list[float]]) -> tuple[list[Any], list[list[float]]]:
    """Return columns and their differences in the order of their mean difference to all others, the greatest first."""
    count = len(names)
    whole = [[apart[max(one, other)][min(one, other)] if one != other else 0.0 for other in range(count)]
             for one in range(count)]  # fmt: skip
    order = sorted(range(count), key=lambda place: -sum(whole[place]))
    return [names[place] for place in order], [
        [whole[one][other] for other in order[:row]] for row, one in enumerate(order)
    ]


def _legend() -> list[str]:
    parts = []
    for number, (_, opacity, words) in enumerate(_STEPS):
        x = number * WIDTH / len(_STEPS)
        parts.append(f'<rect class="bar" fill-opacity="{opacity}" x="{_n(x)}" y="3" width="16" height="13"/>')
        parts.append(f'<text x="{_n(x + 21)}" y="14" class="tick">{words}</text>')
    return parts


def _told(names: list[Any], apart: list[list[float]]) -> str:
    value, row, column = max(
        (value, row, place) for row, values in enumerate(apart) for place, value in enumerate(values)
    )
    far = sum(value > _STEPS[2][0] for values in apart for value in values)
    pairs = len(names) * (len(names) - 1) // 2
    return f"{far} of {pairs} pairs differ by more than .1; most: {names[column]} and {names[row]}, by {value:.2f}"
