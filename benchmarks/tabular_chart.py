"""Draws what `benchmarks/tabular.py --keep FOLDER` measured: seconds to learn against how well rows are told apart.

    python benchmarks/tabular_chart.py results/adult docs/images/tables-peers.svg

One point for each generator: across, the processor seconds of a fit (a logarithmic axis); upwards, the AUC with which
boosted trees tell its rows from real ones, .5 at the bottom. Ours are filled circles, others hollow squares; baselines
are left out.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

WIDTH, HEIGHT = 900, 520
LEFT, RIGHT, TOP, BOTTOM = 70, 870, 66, 460
LETTER, LINE = 7.6, 17
INK, QUIET, RULE, OURS, THEIRS = "#1a1d21", "#59606a", "#dfe2e7", "#1f4fc9", "#7d4a00"
BASELINES = ("tabular.bootstrap", "tabular.marginals", "tabular.smote")
NAMES = {
    "arf": "arfpy",
    "mostly": "mostlyai-engine",
    "sdv_copula": "SDV, copula",
    "sdv_ctgan": "SDV, CTGAN",
    "sdv_tvae": "SDV, TVAE",
    "forest_diffusion": "ForestDiffusion",
}


@dataclass(frozen=True)
class Point:
    """One generator: its name, seconds to fit, and AUC."""

    name: str
    seconds: float
    told: float
    ours: bool


def points(folder: Path) -> list[Point]:
    """Return what was measured, means over drawings; a generator without a finished drawing is left out."""
    found = []
    for one in sorted(folder.iterdir()):
        each = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(one.glob("*/figures.json"))]
        if not each or one.name in BASELINES:
            continue
        costs = json.loads((one / "cost.json").read_text(encoding="utf-8"))
        ours = one.name.startswith("tabular.")
        name = one.name.removeprefix("tabular.") if ours else NAMES.get(one.name, one.name)
        seconds = float(np.mean([cost["fit"] for cost in costs]))
        found.append(Point(name, seconds, float(np.mean([figure["told"] for figure in each])), ours))
    return found


def across(seconds: float, most: int) -> float:
    """Return where so many seconds lie, from .1 to 10 to the power of `most`."""
    return LEFT + (RIGHT - LEFT) * (math.log10(max(seconds, 0.1)) + 1) / (most + 1)


def upwards(told: float) -> float:
    """Return where an AUC lies, from .5 to 1."""
    return BOTTOM - (BOTTOM - TOP) * (min(max(told, 0.5), 1.0) - 0.5) / 0.5


def labels(places: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Return where names stand and how they are anchored: beside their point, moved until none lies on another."""
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y, _ in places]
    found = []
    for x, y, name in places:
        wide = LETTER * len(name)
        for k in range(24):
            shift = (k // 2 + 1) // 2 * LINE * (1 if k // 2 % 2 else -1)
            left = x + 11 if k % 2 == 0 else x - 11 - wide
            box = (left, y + shift - 8, left + wide, y + shift + 8)
            free = all(box[2] < a or box[0] > c or box[3] < b or box[1] > d for a, b, c, d in taken)
            if free and LEFT <= left and left + wide <= RIGHT + 25 and TOP - 8 <= y + shift <= BOTTOM - 4:
                break
        taken.append(box)
        found.append((left, y + shift + 4.5, name))
    return found


def text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start", weight: int = 400) -> str:
    """Return a line of text."""
    style = f'fill="{colour}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def chart(found: list[Point], title: str) -> str:
    """Return an SVG picture."""
    most = max(3, math.ceil(math.log10(max(point.seconds for point in found))))
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', text(LEFT, 26, title, weight=600)]
    parts.append(text(LEFT, 47, "AUC with which boosted trees tell the rows from real ones; lower is better", QUIET))
    for told in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        y = upwards(told)
        parts.append(f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{RULE}"/>')
        parts.append(text(LEFT - 10, y + 4.5, f"{told:.1f}", QUIET, "end"))
    for power in range(-1, most + 1):
        x = across(10.0**power, most)
        parts.append(text(x, BOTTOM + 22, f"{10.0**power:,.10g}", QUIET, "middle"))
    parts.append(text((LEFT + RIGHT) / 2, BOTTOM + 46, "processor seconds to learn", QUIET, "middle"))
    order = sorted(found, key=lambda point: (point.told, point.seconds))
    places = [(across(point.seconds, most), upwards(point.told), point.name) for point in order]
    for point, (x, y, _), (left, base, name) in zip(order, places, labels(places), strict=True):
        if point.ours:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{OURS}"/>')
        else:
            square = f'x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"'
            parts.append(f'<rect {square} fill="#fff" stroke="{THEIRS}" stroke-width="2"/>')
        parts.append(text(left, base, name, OURS if point.ours else THEIRS))
    told = ", ".join(f"{point.name} {point.seconds:.3g} s, {point.told:.2f}" for point in order)
    head = f"<title>{escape(title)}</title><desc>{escape(told)}</desc>"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    font = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" font-size="14"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} role="img">{head}{"".join(parts)}</svg>\n'


def main() -> None:
    """Read the figures and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--title", default="Filled circles are generators of lookalike, squares those of other packages"
    )
    asked = parser.parse_args()
    found = points(asked.folder)
    if not found:
        raise SystemExit(f"{asked.folder} holds no measured generator; run benchmarks/tabular.py --keep first")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(chart(found, asked.title), encoding="utf-8")


if __name__ == "__main__":
    main()
