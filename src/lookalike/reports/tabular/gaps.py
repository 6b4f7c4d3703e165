"""Missing values in the report: how often each column has none, and which columns lack theirs in the same rows.

Legend: N rows, F columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lookalike.data.table import WORDS, Table
from lookalike.reports import wording

_COLUMNS = 400
_PAIRED = 60
_PAIRS = 200
_OPEN = 10
_SEEN = 5e-5
"""Share below which two columns count as never missing together: it would be written as 0 %."""


def missing_facts(parts: Mapping[str, Table]) -> dict[str, Any]:
    """Return the share of missing values of each column, and of each two columns at once, in every part.

    Args:
        parts: Rows by name: real, synthetic, holdout.
    """
    schema = parts["synthetic"].schema
    known = [column.name for column in schema.columns if column.kind not in WORDS][:_COLUMNS]
    share = {name: {part: _mean(table, name) for part, table in parts.items()} for name in known}
    some = [name for name in known if any(share[name].values())]
    columns: list[dict[str, Any]] = [{"name": name, "missing": share[name]} for name in some]
    columns.sort(key=lambda one: (-_off(one["missing"]), one["name"]))
    # Two columns of which one hardly ever lacks a value are hardly ever missing together.
    often = sorted(some, key=lambda name: -max(share[name].values()))[:_PAIRED]
    return {"columns": columns, "pairs": _pairs(parts, often)}


def _mean(table: Table, name: str) -> float:
    return table.table.column(name).null_count / len(table) if len(table) else 0.0


def _off(shares: Mapping[str, float]) -> float:
    """Return how far the synthetic share lies from that of rows that nothing has seen, if there are any."""
    return abs(shares["synthetic"] - shares.get("holdout", shares["real"]))


def _pairs(parts: Mapping[str, Table], names: list[str]) -> list[dict[str, Any]]:
    together = {}
    for part, table in parts.items():
        gone_FN = np.array([table.missing(name) for name in names], dtype=np.float32).reshape(len(names), len(table))
        together[part] = np.asarray(gone_FN @ gone_FN.T, dtype=np.float64) / max(1, len(table))
    found: list[dict[str, Any]] = [
        {
            "names": [names[one], names[other]],
            "missing": {part: float(both[one, other]) for part, both in together.items()},
        }
        for one in range(len(names))
        for other in range(one)
    ]
    found = [one for one in found if max(one["missing"].values()) >= _SEEN]
    found.sort(key=lambda one: (-_off(one["missing"]), one["names"]))
    return found[:_PAIRS]


def missing_block(found: object) -> dict[str, Any] | None:
    """Return lines for columns and for pairs, the worst first; None when no value is missing.

    Args:
        found: What `missing_facts` gave.
    """
    if not isinstance(found, Mapping) or not found.get("columns"):
        return None
    columns = [_line(one["name"], one["missing"]) for one in found["columns"]]
    pairs = [_line(" and ".join(one["names"]), one["missing"]) for one in found.get("pairs", [])]
    return {"columns": columns[:_OPEN], "more": columns[_OPEN:], "pairs": pairs[:_OPEN], "total": len(columns)}


def _line(name: str, missing: Mapping[str, float]) -> dict[str, str]:
    return {"name": name, **{part: wording.percent(missing.get(part)) for part in ("real", "synthetic", "holdout")}}
