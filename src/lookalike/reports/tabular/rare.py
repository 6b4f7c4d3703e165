"""What is rare in the report: the rarest classes of the label, and values of categories that few rows have.

What may be named says `named`: a value that fewer than ten real rows have is counted.
Legend: L levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.core.schema import Column
from lookalike.data.formats import boolean_words
from lookalike.data.table import CODED, Table
from lookalike.reports import wording
from lookalike.reports.tabular.named import nameable

Counts = npt.NDArray[np.float64]
_RARE = 0.01
_CLASSES = 8
_COLUMNS = 60
_LEVELS = 60
_OPEN = 10
_CLIP = 40


def rare_facts(parts: Mapping[str, Table]) -> dict[str, Any]:
    """Return the shares of the rarest classes and of rare values in every part, and how many never appear.

    Args:
        parts: Rows by name: real, synthetic, holdout.
    """
    schema = parts["synthetic"].schema
    coded = [column for column in schema.columns if column.kind in CODED and len(column.categories)]
    classes: list[dict[str, Any]] = []
    columns: list[dict[str, Any]] = []
    levels: list[dict[str, Any]] = []
    for column in coded:
        counts = {part: _counts(table, column) for part, table in parts.items()}
        if column.name == schema.label:
            classes = _classes(column, counts)
            continue
        rare_L = np.flatnonzero((counts["real"] > 0) & (counts["real"] < _RARE * len(parts["real"])))
        if len(rare_L):
            columns.append(_column(column, counts, rare_L, {part: len(table) for part, table in parts.items()}))
            levels += _levels(column, counts, rare_L, {part: len(table) for part, table in parts.items()})
    columns.sort(key=lambda one: (one["by_chance"] - one["never"], one["name"]))
    levels.sort(key=lambda one: (-one["off"], one["column"], one["name"]))
    return {"classes": classes, "columns": columns[:_COLUMNS], "levels": levels[:_LEVELS]}


def _counts(table: Table, column: Column) -> Counts:
    codes = table.codes(column.name)
    return np.bincount(codes[codes >= 0], minlength=len(column.categories)).astype(np.float64)


def _words(column: Column) -> list[str]:
    names = boolean_words(column) if column.kind == "boolean" else column.categories
    return [wording.clipped(name, _CLIP) for name in names]


def _shares(counts: Mapping[str, Counts], place: int, rows: Mapping[str, int]) -> dict[str, float]:
    return {part: float(found[place] / max(1, rows[part])) for part, found in counts.items()}


def _classes(column: Column, counts: Mapping[str, Counts]) -> list[dict[str, Any]]:
    """Return the rarest classes, the rarest first."""
    rows = {part: int(found.sum()) for part, found in counts.items()}
    names = _words(column)
    some = np.argsort(counts["real"], kind="stable")[:_CLASSES].tolist()
    return [{"name": names[place], "share": _shares(counts, place, rows)} for place in some]


def _column(
    column: Column, counts: Mapping[str, Counts], rare_L: npt.NDArray[np.intp], rows: Mapping[str, int]
) -> dict[str, Any]:
    """Return how many rows have a rare value, and how many of these values never appear.

    As many rows drawn from the real ones would lack a value of share p with probability (1 - p)^n.
    """
    share_L = counts["real"][rare_L] / max(1, rows["real"])
    return {
        "name": column.name,
        "rare": len(rare_L),
        "share": {part: float(found[rare_L].sum() / max(1, rows[part])) for part, found in counts.items()},
        "never": float((counts["synthetic"][rare_L] == 0).mean()),
        "by_chance": float(((1 - share_L) ** rows["synthetic"]).mean()),
    }


def _levels(
    column: Column, counts: Mapping[str, Counts], rare_L: npt.NDArray[np.intp], rows: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return rare values that enough rows have to be named, with how far off they are in standard errors."""
    names = _words(column)
    found = []
    for place in rare_L[nameable(column, counts["real"].astype(np.int64))[rare_L]].tolist():
        share = _shares(counts, place, rows)
        total = max(1, rows["real"]) + max(1, rows["synthetic"])
        both = (counts["real"][place] + counts["synthetic"][place]) / total
        error = (both * (1 - both) * (1 / max(1, rows["real"]) + 1 / max(1, rows["synthetic"]))) ** 0.5
        off = abs(share["synthetic"] - share["real"]) / error
        found.append({"column": column.name, "name": names[place], "share": share, "off": round(float(off), 3)})
    return found


def rare_block(found: object) -> dict[str, Any] | None:
    """Return lines for classes, columns and values; None when nothing is rare and the label has no classes.

    Args:
        found: What `rare_facts` gave.
    """
    if not isinstance(found, Mapping) or not (found.get("classes") or found.get("columns")):
        return None
    columns = [
        {
            "name": one["name"],
            "rare": wording.count(one["rare"]),
            **_written(one["share"]),
            "never": wording.percent(one["never"]),
            "by_chance": wording.percent(one["by_chance"]),
        }
        for one in found.get("columns", [])
    ]
    return {
        "classes": [{"name": one["name"], **_written(one["share"])} for one in found.get("classes", [])],
        "columns": columns[:_OPEN],
        "more": columns[_OPEN:],
        "levels": [
            {"column": one["column"], "name": one["name"], **_written(one["share"])}
            for one in found.get("levels", [])[:_OPEN]
        ],
    }


def _written(share: Mapping[str, float]) -> dict[str, str]:
    return {part: wording.percent(share.get(part)) for part in ("real", "synthetic", "holdout")}
