"""Charts of one column in small: real rows grey and hollow, synthetic rows in the accent colour, the holdout dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from lookalike.reports import wording
from lookalike.reports.charts import WIDTH, ticks

_HIGH = 110.0
_ROW = 24.0
_LEFT = 128.0
_RIGHT = 58.0
_LETTERS = 16
_GAP = 14.0
_MISSING = 46.0
Shares = Mapping[str, Sequence[float]]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "tick") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_n(x)}" y="{_n(y)}"{place} class="{kind}">{escape(words)}</text>'


def _svg(ident: str, height: float, title: str, told: str, parts: Sequence[str]) -> Markup:
    own = escape(ident)
    head = f'<title id="{own}-t">{escape(title)}</title><desc id="{own}-d">{escape(told)}</desc>'
    # Every part is built in this module from numbers and escaped text.
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {_n(height)}" role="img" aria-labelledby="{own}-t {own}-d">'
        f"{head}{''.join(parts)}</svg>"
    )


def histogram(
    ident: str,
    shares: Shares,
    edges: Sequence[float],
    ends: Sequence[str],
    missing: Mapping[str, float],
    title: str,
    told: str,
    dates: bool = False,
) -> Markup:
    """Return a histogram of up to three parts; a bar of what is missing stands at its right.

    Args:
        ident: Name that is unique on the page.
        shares: Share of each range, by part: real, synthetic, holdout.
        edges: Ends of the ranges, one more than there are.
        ends: The first and the last of them in words.
        missing: Share that is missing, by part.
        title: What a screen reader says first.
        told: What can be seen, in a sentence.
        dates: Only the ends are written below.
    """
    gone = any(missing.values())
    wide = WIDTH - (_MISSING + _GAP if gone else 0.0)
    most = max([1e-9, *(max(values, default=0.0) for values in shares.values()), *missing.values()])
    parts = []

    def y(share: float) -> float:
        return 4 + _HIGH * (1 - share / most)

    count = max(1, len(edges) - 1)
    pitch = wide / count
    for place, share in enumerate(shares.get("real", ())):
        parts.append(_bar(place * pitch, y(share), pitch, 4 + _HIGH))
    for name, kind in (("holdout", "line real"), ("synthetic", "line")):
        if name in shares:
            parts.append(_steps([y(share) for share in shares[name]], pitch, 4 + _HIGH, kind))
    parts.append(f'<line class="axis" x1="0" y1="{_n(4 + _HIGH)}" x2="{_n(wide)}" y2="{_n(4 + _HIGH)}"/>')
    parts += _below(edges, ends, wide, dates)
    if gone:
        parts += _beside(missing, wide + _GAP, y)
    return _svg(ident, _HIGH + 26, title, told, parts)


def _bar(x: float, top: float, wide: float, bottom: float) -> str:
    high = max(0.0, bottom - top)
    return f'<rect class="bar plain" x="{_n(x)}" y="{_n(top)}" width="{_n(wide)}" height="{_n(high)}"/>'


def _steps(heights: Sequence[float], pitch: float, bottom: float, kind: str) -> str:
    path = f"M0 {_n(bottom)}" + "".join(
        f"V{_n(height)}H{_n((place + 1) * pitch)}" for place, height in enumerate(heights)
    )
    return f'<path class="{kind}" d="{path}V{_n(bottom)}"/>'


def _below(edges: Sequence[float], ends: Sequence[str], wide: float, dates: bool) -> list[str]:
    """Return the numbers below the axis: round ones, or the two ends."""
    base = _HIGH + 20
    if dates:
        return [_text(0, base, ends[0]), _text(wide, base, ends[-1], "end")]
    low, high = edges[0], edges[-1]
    found = []
    for mark in ticks(low, high, 5):
        x = (mark - low) / (high - low) * wide if high > low else wide / 2
        anchor = "start" if x < 16 else "end" if x > wide - 16 else "middle"
        found.append(_text(x, base, _short(mark), anchor))
    return found


def _short(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g}M".replace("-", "\u2212")
    if abs(value) >= 1e4:
        return f"{value / 1e3:.3g}k".replace("-", "\u2212")
    return f"{value:.4g}".replace("-", "\u2212")


def _beside(missing: Mapping[str, float], x: float, y: object) -> list[str]:
    height = y if callable(y) else float
    found = [_bar(x, height(missing.get("real", 0.0)), _MISSING, 4 + _HIGH)]
    for name, kind in (("holdout", "line real"), ("synthetic", "line")):
        if name in missing:
            top = _n(height(missing[name]))
            found.append(f'<path class="{kind}" d="M{_n(x)} {top}H{_n(x + _MISSING)}"/>')
    found.append(f'<line class="axis" x1="{_n(x)}" y1="{_n(4 + _HIGH)}" x2="{WIDTH}" y2="{_n(4 + _HIGH)}"/>')
    return [*found, _text(x + _MISSING / 2, _HIGH + 20, "missing", "middle")]


def levels(
    ident: str, shares: Shares, names: Sequence[str], missing: Mapping[str, float], title: str, told: str
) -> Markup:
    """Return a line for each value: hollow bars for real rows, filled ones for synthetic rows, ticks for the holdout.

    Args:
        ident: Name that is unique on the page.
        shares: Share of each value, by part: real, synthetic, holdout.
        names: The values.
        missing: Share that is missing, by part; a line of its own where there is any.
        title: What a screen reader says first.
        told: What can be seen, in a sentence.
    """
    rows = [(name, {part: values[place] for part, values in shares.items()}) for place, name in enumerate(names)]
    if any(missing.values()):
        rows.append(("missing", dict(missing)))
    most = max([1e-9, *(share for _, found in rows for share in found.values())])
    wide = WIDTH - _LEFT - _RIGHT
    parts = []
    for number, (name, found) in enumerate(rows):
        y = number * _ROW
        parts.append(_text(_LEFT - 8, y + 16, wording.clipped(name, _LETTERS), "end", "name"))
        real, made = (max(0.5, found.get(part, 0.0) / most * wide) for part in ("real", "synthetic"))
        parts.append(f'<rect class="bar plain" x="{_n(_LEFT)}" y="{_n(y + 3)}" width="{_n(real)}" height="17"/>')
        parts.append(f'<rect class="bar" x="{_n(_LEFT)}" y="{_n(y + 8)}" width="{_n(made)}" height="7"/>')
        if "holdout" in found:
            x = _n(_LEFT + found["holdout"] / most * wide)
            parts.append(f'<line class="whisker" x1="{x}" y1="{_n(y + 1)}" x2="{x}" y2="{_n(y + 22)}"/>')
        parts.append(_text(WIDTH, y + 16, wording.percent(found.get("synthetic")), "end", "value"))
    parts.append(f'<line class="axis" x1="{_n(_LEFT)}" y1="0" x2="{_n(_LEFT)}" y2="{_n(len(rows) * _ROW)}"/>')
    return _svg(ident, len(rows) * _ROW + 2, title, told, parts)
