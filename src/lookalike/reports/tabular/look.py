"""What the report shows of a table's gallery: columns, worst first, and sample rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from lookalike.reports import wording
from lookalike.reports.record import Record
from lookalike.reports.tabular.gaps import missing_block
from lookalike.reports.tabular.holds import constraints_block
from lookalike.reports.tabular.pairs import pair_map, worst_pairs
from lookalike.reports.tabular.rare import rare_block
from lookalike.reports.tabular.shapes import histogram, levels

_OPEN = 6
_CHARTS = 60
_LISTED = 200


def columns_block(record: Record) -> dict[str, Any] | None:
    """Return charts of the columns, worst first, and sample rows; None when the run has no gallery of a table."""
    found = record.gallery.get("table") if record.gallery else None
    if not isinstance(found, Mapping) or not isinstance(found.get("columns"), list):
        return None
    columns = found["columns"]
    cards = [_card(number, one, found.get("label")) for number, one in enumerate(columns[:_CHARTS])]
    score = record.evidence.score("pair_trend")
    pairs = pair_map(score.get("detail") or {}) if score else None
    rows, looked_at = found.get("rows", {}), found.get("looked_at", {})
    return {
        "pairs": pairs,
        "worst_pairs": worst_pairs(score.get("detail") or {}) if score and pairs else [],
        "open": cards[:_OPEN],
        "more": cards[_OPEN:],
        "list": [_listed(one) for one in columns[:_LISTED]],
        "left_out": wording.count(max(0, len(columns) - _LISTED) + int(found.get("left_out", 0))),
        "any_left_out": len(columns) > _LISTED or bool(found.get("left_out")),
        "keys": [one["name"] for one in found.get("words", []) if one.get("kind") == "id"],
        "texts": [one["name"] for one in found.get("words", []) if one.get("kind") == "text"],
        "holdout": "holdout" in rows,
        "constraints": constraints_block(found.get("constraints"), rows, record.evidence),
        "gaps": missing_block(found.get("gaps")),
        "rare": rare_block(found.get("rare")),
        "some": any(looked_at.get(name) != count for name, count in rows.items()),
        "looked_at": wording.count(max(looked_at.values(), default=0)),
        "about": str(found.get("about") or "Synthetic rows, drawn at random"),
        "header": list(found.get("header", [])),
        "sample": [[("–" if cell is None else cell, cell is None) for cell in row] for row in found.get("sample", [])],
        "more_columns": int(found.get("more_columns", 0)),
    }


def _card(number: int, one: Mapping[str, Any], label: object) -> dict[str, Any]:
    distance, floor = wording.percent(one["distance"]), one.get("floor")
    told = f"{distance} of the rows would have to change" + (
        f"; between real rows {wording.percent(floor)}" if floor is not None else ""
    )
    return {
        "name": one["name"],
        "kind": one["kind"] + (f", {one['unit']}" if one.get("unit") else ""),
        "label": one["name"] == label,
        "distance": distance,
        "real": wording.percent(floor) if floor is not None else "",
        "chart": _chart(f"column-{number}", one, told),
    }


def _chart(ident: str, one: Mapping[str, Any], told: str) -> Markup:
    title = f"Column {one['name']}"
    if one.get("levels") is not None:
        return levels(ident, one["shares"], one["levels"], one["missing"], title, told)
    dates = one["kind"] == "datetime"
    return histogram(ident, one["shares"], one["edges"], one["ends"], one["missing"], title, told, dates)


def _listed(one: Mapping[str, Any]) -> dict[str, str]:
    floor = one.get("floor")
    return {
        "name": one["name"],
        "kind": one["kind"],
        "distance": wording.percent(one["distance"]),
        "real": wording.percent(floor) if floor is not None else wording.NOTHING,
    }
