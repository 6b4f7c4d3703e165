"""Inline SVG charts: no script, no request, colours from the page's CSS variables, readable at 360 px.

Every chart is 400 units wide, so that its 13-unit letters are still about 11 px on a phone. Synthetic rows are always
the accent colour and filled, real rows always grey and hollow: shape says the same as colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, final

from markupsafe import Markup, escape

from lookalike.reports import wording

Tone = Literal["synthetic", "real", "mixed", "plain"]
WIDTH = 400
GAUGE_WIDTH = 280
"""Gauges stand beside text and are narrower, so that their letters are not."""
_LETTER = 7.1
"""Mean width of a letter at 13 units."""


@final
@dataclass(frozen=True)
class Axis:
    """Title, unit and range of one axis; None takes the range from the data."""

    title: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False


@final
@dataclass(frozen=True)
class Series:
    """A named curve: points (x, y) in order."""

    name: str
    points: Sequence[tuple[float, float]]
    tone: Tone = "synthetic"


@final
@dataclass(frozen=True)
class Bar:
    """One value with its name, its 95 % interval and, where it helps, a text to print instead of the number."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    tone: Tone = "synthetic"
    text: str = ""


@final
@dataclass(frozen=True)
class Pair:
    """A category with the figure of synthetic and of real rows; either may be missing."""

    name: str
    synthetic: float | None
    real: float | None


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _svg(
    ident: str,
    height: float,
    title: str,
    description: str,
    parts: Sequence[str],
    width: int = WIDTH,
    kind: str = "chart",
) -> Markup:
    own = escape(ident)
    names = f'aria-labelledby="{own}-t {own}-d"'
    head = f'<title id="{own}-t">{escape(title)}</title><desc id="{own}-d">{escape(description)}</desc>'
    # Every part is built in this module from numbers and escaped text.
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {width} {_number(height)}" role="img" {names}>{head}{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_number(x)}" y="{_number(y)}"{place}{style}>{escape(words)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    ends = f'x1="{_number(x1)}" y1="{_number(y1)}" x2="{_number(x2)}" y2="{_number(y2)}"'
    return f'<line class="{kind}" {ends}/>'


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers between two ends, at most about `most` of them.

    Example:
        >>> ticks(0.0, 1.0)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        return [low]
    raw = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = min((factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.999), default=raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


_LEAST = 1e-300
"""Least value on a logarithmic axis: half of a smaller one may be 0."""


@final
@dataclass(frozen=True)
class _Scale:
    """Maps values to units on the page."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, here = (
            (math.log10(self.low), math.log10(self.high), math.log10(max(value, self.low)))
            if self.log
            else (self.low, self.high, value)
        )
        share = (here - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.stop - self.start)

    def marks(self, most: int = 5) -> list[float]:
        """Return where ticks belong."""
        if not self.log:
            return ticks(self.low, self.high, most)
        powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
        return [10.0**power for power in powers] or [self.low, self.high]


def _scale(axis: Axis, values: Sequence[float], start: float, stop: float) -> _Scale:
    finite = [value for value in values if math.isfinite(value) and (value >= _LEAST or not axis.log)]
    low = axis.low if axis.low is not None else min(finite, default=0.1 if axis.log else 0.0)
    high = axis.high if axis.high is not None else max(finite, default=1.0)
    if not high > low:
        low, high = (max(low / 2, _LEAST), low * 2) if axis.log and low > 0 else (low - 0.5, low + 0.5)
    return _Scale(low, high, start, stop, axis.log)


def _short(value: float, unit: str) -> str:
    if unit == "share":
        return wording.percent(value).replace(".0", "")
    if abs(value) >= 10_000:
        thousands = value / 1000
        return f"{thousands:,.0f}k" if thousands < 1000 else f"{thousands / 1000:,.3g}M"
    return f"{value:.4g}".replace("-", "\u2212")


def _frame(x: _Scale, y: _Scale, across: Axis, up: Axis) -> list[str]:
    """Return grid, tick labels and titles of a chart with two axes."""
    parts = []
    for mark in y.marks(4):
        place = y(mark)
        parts.append(_rule(x.start, place, x.stop, place, "grid"))
        parts.append(_text(x.start - 6, place + 4, _short(mark, up.unit), "end", "tick"))
    for mark in x.marks(4):
        anchor = "end" if x(mark) > x.stop - 14 else "middle"
        parts.append(
            _text(x(mark) + (8 if anchor == "end" else 0), y.start + 17, _short(mark, across.unit), anchor, "tick")
        )
    parts.append(_rule(x.start, y.start, x.stop, y.start, "axis"))
    parts.append(_text(0, 12, up.title, kind="axis-title"))
    parts.append(_text(x.stop, y.start + 36, across.title, "end", "axis-title"))
    return parts


def _legend(names: Sequence[tuple[str, Tone]], y: float, dots: bool = False) -> tuple[list[str], float]:
    """Return a legend that wraps, and the height it takes."""
    parts, x = [], 0.0
    for name, tone in names:
        wide = 26 + len(name) * _LETTER + 14
        if x and x + wide > WIDTH:
            x, y = 0.0, y + 18
        parts.append(
            f'<circle class="dot {tone}" cx="{_number(x + 9)}" cy="{_number(y - 4)}" r="4.5"/>'
            if dots
            else _rule(x, y - 4, x + 18, y - 4, f"line {tone}")
        )
        parts.append(_text(x + 24, y, name, kind="legend"))
        x += wide
    return parts, y + 10


def curves(
    ident: str,
    series: Sequence[Series],
    across: Axis,
    up: Axis,
    title: str,
    description: str,
    stepped: bool = False,
    tall: int = 180,
) -> Markup:
    """Return a chart of curves.

    Args:
        ident: Name that is unique on the page.
        series: Curves; real rows are drawn dashed.
        across: Horizontal axis.
        up: Vertical axis.
        title: What a screen reader says first.
        description: What can be seen, in a sentence.
        stepped: Draw steps, as for a histogram or a cumulative share.
        tall: Units from the lower to the upper end of the vertical axis; less where several charts stand together.
    """
    usable = [
        Series(one.name, [(x, y) for x, y in one.points if math.isfinite(x) and math.isfinite(y)], one.tone)
        for one in series
    ]
    usable = [one for one in usable if one.points]
    several = [(one.name, one.tone) for one in usable] if len(usable) > 1 else []
    legend, top = _legend(several, 34) if several else ([], 24.0)
    x = _scale(across, [point[0] for one in usable for point in one.points], 52, WIDTH - 8)
    y = _scale(up, [point[1] for one in usable for point in one.points], top + tall, top + 6)
    parts = [*_frame(x, y, across, up), *legend]
    for one in usable:
        if len(one.points) == 1:
            cx, cy = one.points[0]
            parts.append(f'<circle class="dot {one.tone}" cx="{_number(x(cx))}" cy="{_number(y(cy))}" r="4"/>')
            continue
        places = [(_number(x(px)), _number(y(py))) for px, py in one.points]
        first, *rest = places
        path = f"M{first[0]} {first[1]}" + "".join(f"H{px}V{py}" if stepped else f"L{px} {py}" for px, py in rest)
        parts.append(f'<path class="line {one.tone}" d="{path}"/>')
    return _svg(ident, top + tall + 42, title, description, parts)


def bars(
    ident: str,
    rows: Sequence[Bar],
    axis: Axis,
    title: str,
    description: str,
    reference: tuple[float, str] | None = None,
) -> Markup:
    """Return horizontal bars with intervals; name and number stand above each bar, so that long names fit.

    Args:
        ident: Name that is unique on the page.
        rows: Bars from top to bottom.
        axis: The scale below.
        title: What a screen reader says first.
        description: What can be seen, in a sentence.
        reference: A value to mark with a dashed line, and its name.
    """
    low = min(0.0, axis.low or 0.0, *(bar.value for bar in rows))
    ends = [bar.value for bar in rows] + [bar.interval[1] for bar in rows if bar.interval]
    x = _scale(Axis(axis.title, axis.unit, low, axis.high or max([*ends, 1e-9])), [], 0, WIDTH - 4)
    top, pitch = (18.0, 42.0) if reference else (0.0, 42.0)
    bottom = top + pitch * len(rows) + 4
    parts = []
    if reference:
        place = x(reference[0])
        right = place > WIDTH / 2
        parts.append(_text(place + (-5 if right else 5), 12, reference[1], "end" if right else "start", "tick"))
        parts.append(_rule(place, 2, place, bottom, "reference"))
    for number, bar in enumerate(rows):
        y = top + number * pitch
        shown = bar.text or wording.written(bar.value, axis.unit)
        room = int((WIDTH - len(shown) * _LETTER - 12) / _LETTER)
        parts.append(_text(0, y + 14, wording.clipped(bar.name, room), kind="name"))
        parts.append(_text(WIDTH, y + 14, shown, "end", "value"))
        start, stop = sorted((x(0.0), x(bar.value)))
        wide = max(stop - start, 1.0)
        parts.append(
            f'<rect class="bar {bar.tone}" x="{_number(start)}" y="{_number(y + 20)}" '
            f'width="{_number(wide)}" height="12" rx="1.5"/>'
        )
        if reference:
            parts.append(_rule(x(reference[0]), y + 20, x(reference[0]), y + 32, "reference over"))
        if bar.interval:
            left, right_end = x(bar.interval[0]), x(bar.interval[1])
            parts.append(_rule(left, y + 26, right_end, y + 26, "whisker"))
            parts += [_rule(end, y + 22, end, y + 30, "whisker") for end in (left, right_end)]
    parts.append(_rule(0, bottom, WIDTH, bottom, "axis"))
    for mark in x.marks(4):
        anchor = "start" if x(mark) < 12 else "end" if x(mark) > WIDTH - 12 else "middle"
        parts.append(_text(x(mark), bottom + 16, _short(mark, axis.unit), anchor, "tick"))
    parts.append(_text(0, bottom + 36, axis.title, kind="axis-title"))
    return _svg(ident, bottom + 42, title, description, parts)


def dumbbells(ident: str, rows: Sequence[Pair], axis: Axis, title: str, description: str) -> Markup:
    """Return one line for each category: a hollow dot for real rows, a filled one for synthetic rows.

    Args:
        ident: Name that is unique on the page.
        rows: Categories from top to bottom.
        axis: The scale below.
        title: What a screen reader says first.
        description: What can be seen, in a sentence.
    """
    letters = min(max((len(row.name) for row in rows), default=4), 16)
    left = letters * _LETTER + 12
    values = [value for row in rows for value in (row.synthetic, row.real) if value is not None]
    x = _scale(axis, values, left, WIDTH - 8)
    legend, top = _legend([("synthetic", "synthetic"), ("real", "real")], 12, dots=True)
    pitch = 22 if len(rows) <= 30 else 16
    bottom = top + pitch * len(rows) + 6
    parts = list(legend)
    for mark in x.marks(4):
        parts.append(_rule(x(mark), top, x(mark), bottom, "grid"))
        anchor = "end" if x(mark) > WIDTH - 16 else "middle"
        place = WIDTH if anchor == "end" else x(mark)
        parts.append(_text(place, bottom + 16, _short(mark, axis.unit), anchor, "tick"))
    for number, row in enumerate(rows):
        y = top + (number + 0.5) * pitch
        parts.append(_text(left - 10, y + 4, wording.clipped(row.name, letters), "end", "name"))
        if row.synthetic is not None and row.real is not None:
            parts.append(_rule(x(row.synthetic), y, x(row.real), y, "link"))
        for value, tone in ((row.real, "real"), (row.synthetic, "synthetic")):
            if value is not None:
                parts.append(f'<circle class="dot {tone}" cx="{_number(x(value))}" cy="{_number(y)}" r="4.5"/>')
    parts.append(_rule(left, bottom, WIDTH, bottom, "axis"))
    parts.append(_text(WIDTH, bottom + 36, axis.title, "end", "axis-title"))
    return _svg(ident, bottom + 42, title, description, parts)


def gauge(
    ident: str,
    value: float,
    interval: tuple[float, float] | None,
    marks: Sequence[tuple[float, str]],
    axis: Axis,
    description: str,
) -> Markup:
    """Return a thin scale with thresholds as ticks and the figure as a dot with its interval.

    Args:
        ident: Name that is unique on the page.
        value: The figure; one outside the range is drawn at its end.
        interval: Its 95 % interval.
        marks: Thresholds with their names.
        axis: The scale; both ends must be given.
        description: What can be seen, in a sentence.
    """
    x = _scale(axis, [], 7, GAUGE_WIDTH - 7)
    y = 24.0
    parts = [_rule(x.start, y, x.stop, y, "track")]
    for (place, name), start in zip(
        marks, _room([(x(place), len(name) * _LETTER) for place, name in marks]), strict=True
    ):
        parts.append(_rule(x(place), y - 8, x(place), y + 8, "threshold"))
        if start is not None:
            parts.append(_text(start, y - 12, name, kind="tick"))
    if interval:
        parts.append(_rule(x(interval[0]), y, x(interval[1]), y, "span"))
    parts.append(f'<circle class="dot synthetic" cx="{_number(x(value))}" cy="{_number(y)}" r="5.5"/>')
    ends = ((x.low, 0.0, "start"), (x.high, float(GAUGE_WIDTH), "end"))
    parts += [_text(at, y + 23, _short(end, axis.unit), anchor, "tick") for end, at, anchor in ends]
    parts.append(_text(GAUGE_WIDTH / 2, y + 23, axis.title, "middle", "axis-title"))
    return _svg(ident, y + 28, axis.title, description, parts, GAUGE_WIDTH, "chart gauge")


def _room(labels: Sequence[tuple[float, float]]) -> list[float | None]:
    """Return where labels (tick, width) of a gauge start, so that none covers another; None = no room for it.

    Each stands right of its tick or, failing that, left of it.
    """
    best: list[float | None] = [None] * len(labels)
    for sides in product((True, False), repeat=len(labels)):
        starts: list[float | None] = [None] * len(labels)
        wanted = [at - 2 if right else at - wide + 2 for right, (at, wide) in zip(sides, labels, strict=True)]
        end = 0.0
        for number in sorted(range(len(labels)), key=wanted.__getitem__):
            stop = wanted[number] + labels[number][1]
            if wanted[number] >= end and stop <= GAUGE_WIDTH:
                starts[number] = wanted[number]
                end = stop + 5
        if starts.count(None) < best.count(None):
            best = starts
    return best
