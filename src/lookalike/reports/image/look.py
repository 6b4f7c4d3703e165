"""What the report shows of a gallery: pictures by class and order, each with its nearest training pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lookalike.reports import wording
from lookalike.reports.record import Record

ORDERS: tuple[tuple[str, str, str], ...] = (
    ("random", "random", "chosen at random"),
    ("typical", "most typical", "nearest to the mean real image of the class first"),
    ("unusual", "least typical", "farthest from the mean real image of the class first"),
    ("nearest", "nearest to training", "those most like a training image first: look for copies"),
)
"""Key, name and meaning of each order."""
NEAR = 0.01
"""A picture is marked when no more than this share of held-out images lies as near to a training image."""
_PIXEL_ART = 48
"""Longest side, in pixels, up to which every pixel is drawn as a square."""
_SIDE = 56
_MEDIUM = 84
_LARGE = 112
_WIDE, _NARROW = 640, 240
"""Pixels that a sheet of controls may take beside its headings, on a wide and on a narrow page."""


def scale(side: int, target: int) -> float:
    """Return the factor that shows `side` pixels at about `target`: a whole number for small pictures, else a fraction.

    Example:
        >>> scale(8, 56), scale(64, 56)
        (7, 0.875)
    """
    return max(1, target // side) if side <= _PIXEL_ART else target / side


def look_block(record: Record) -> dict[str, Any] | None:
    """Return what the block "Look at it" shows; None when the run has no gallery."""
    gallery = record.gallery
    if gallery is None or not gallery.get("items"):
        return None
    names = [str(name) for name in gallery.get("class_names", [])]
    unit = str(gallery.get("near", {}).get("unit", ""))
    items = [_item(item, names, unit, bool(gallery.get("holdout"))) for item in gallery["items"]]
    classes = [
        {
            "name": _name(names, one["class"]),
            "rows": wording.count(one["rows"]),
            "orders": [(key, [items[number] for number in one["orders"].get(key, [])]) for key, _, _ in ORDERS],
        }
        for one in gallery["classes"]
    ]
    return {
        "orders": ORDERS,
        "classes": classes,
        "sheets": {name: _sheet(facts) for name, facts in gallery["sprites"].items()},
        "left_out": int(gallery.get("classes_left_out", 0)),
        "looked_at": wording.count(gallery.get("looked_at")),
        "of": wording.count(gallery.get("of")),
        "all": gallery.get("looked_at") == gallery.get("of"),
        "compressed": bool(gallery.get("compressed")),
        "holdout": bool(gallery.get("holdout")),
        "near_name": str(gallery.get("near", {}).get("name", "")),
        "typical_name": str(gallery.get("typical", {}).get("name", "")),
        "by_pixel": unit == "share",
        "size": " × ".join(str(side) for side in gallery.get("size", [])),
        "marked": sum(item["near"] for item in items),
        "names": names,
        "strip": [one["orders"][0][1][0] for one in classes if one["orders"][0][1]][:12],
    }


def controls_block(record: Record) -> dict[str, Any] | None:
    """Return the sheets of pictures that show what the generator's controls do; None when the run has none."""
    controls = record.controls
    if controls is None or not controls.get("sheets"):
        return None
    sprite = _sheet(controls["sprites"]["controls"])
    longest = max(sprite["width"], sprite["height"])
    return {
        "sprite": sprite,
        "compressed": bool(controls.get("compressed")),
        "sheets": [
            {
                "title": str(one["title"]),
                "caption": str(one["caption"]),
                "columns": [str(name) for name in one["columns"]],
                "sources": bool(one.get("sources")),
                "lines": list(zip((str(name) for name in one["lines"]), one["grid"], strict=True)),
                "large": scale(longest, min(_SIDE, _WIDE // len(one["columns"]))),
                "small": scale(longest, min(_SIDE, _NARROW // len(one["columns"]))),
            }
            for one in controls["sheets"]
        ],
    }


def _name(names: list[str], number: object) -> str:
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else "?"


def _place(cell: object, columns: int) -> tuple[int, int]:
    number = int(cell) if isinstance(cell, int) else 0
    return number % columns, number // columns


def _sheet(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers that CSS needs to cut one picture out of a sheet, in picture pixels."""
    width, height, gutter = int(facts["width"]), int(facts["height"]), int(facts["gutter"])
    longest = max(width, height)
    return {
        "width": width,
        "height": height,
        "gutter": gutter,
        "sheet_width": (width + 2 * gutter) * int(facts["columns"]),
        "columns": int(facts["columns"]),
        "small": scale(longest, _SIDE),
        "medium": scale(longest, _MEDIUM),
        "large": scale(longest, _LARGE),
        "pixelated": longest <= _PIXEL_ART,
    }


def _item(item: Mapping[str, Any], names: list[str], unit: str, holdout: bool) -> dict[str, Any]:
    near = item["neighbours"][0] if item.get("neighbours") else None
    percentile = item.get("percentile")
    marked = holdout and isinstance(percentile, int | float) and percentile <= NEAR
    return {
        "cell": item["cell"],
        "row": wording.count(item["row"]),
        "class": _name(names, item["class"]),
        "confidence": wording.percent(item["confidence"]) if item.get("confidence") is not None else "",
        "percentile": wording.percent(percentile) if percentile is not None else "",
        "distance": wording.written(near["distance"], unit) if near else "",
        "near": marked,
        "neighbours": [
            {
                "cell": one["cell"],
                "row": wording.count(one["row"]),
                "class": _name(names, one["class"]),
                "distance": wording.written(one["distance"], unit),
            }
            for one in item.get("neighbours", [])
        ],
    }
