"""Constraints in the report: how each is kept, what that cost, and which rows break it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lookalike.core.constraints import Range
from lookalike.data.holding import broken
from lookalike.data.reduced import reduction_of
from lookalike.data.table import Table
from lookalike.reports import wording
from lookalike.reports.evidence import Evidence

_LISTED = 100


def constraint_facts(parts: Mapping[str, Table]) -> list[dict[str, Any]]:
    """Return what each constraint of the real rows says, how it is kept, and in how many rows of each part it is not.

    Args:
        parts: Rows by name; `real` is what was learnt from.
    """
    real = parts["real"]
    if not real.schema.constraints:
        return []
    way = reduction_of(real)
    found = []
    for rule in real.schema.constraints:
        # A bound of a column keeps numbers that a model makes; only a look at the rows keeps them whatever it does.
        bound = isinstance(rule, Range) and rule.column not in way.replaced
        how = "construction" if rule.title in way.kept else "bound" if bound else "rejection"
        counts = {name: int(broken(table, rule).sum()) for name, table in parts.items()}
        found.append({"title": rule.title, "rule": rule.rule, "how": how, "broken": counts})
    return found


_HOW = {
    "construction": "by construction",
    "bound": "as a bound of the column, and by rejection",
    "rejection": "by rejection",
}


def constraints_block(found: object, rows: Mapping[str, int], run: Evidence) -> list[dict[str, Any]]:
    """Return a line for each constraint, those that rows still break and those that cost most first.

    Args:
        found: What `constraint_facts` gave.
        rows: Number of rows of each part.
        run: Tells which rows were rejected, and why.
    """
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    unusable = run.part("sample", "unusable")
    lost = unusable if isinstance(unusable, Mapping) else {}
    made = run.total("sample", "made")
    lines = []
    for one in found:
        rejected = int(lost.get(f"breaks {one['title']}", 0))
        counts = {name: int(count) for name, count in one["broken"].items()}
        order = (-counts.get("synthetic", 0), -rejected, -counts.get("holdout", 0), one["title"])
        lines.append(
            (
                order,
                {
                    "title": one["title"],
                    "rule": one["rule"],
                    "how": _HOW.get(one["how"], one["how"]),
                    "rejected": wording.count(rejected) if isinstance(unusable, Mapping) else wording.NOTHING,
                    "rejected_share": wording.percent(rejected / made) if made and rejected else "",
                    "broken": {name: _told(count, rows.get(name, 0)) for name, count in counts.items()},
                },
            )
        )
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])][:_LISTED]


def _told(count: int, rows: int) -> str:
    return f"{wording.count(count)} ({wording.percent(count / rows)})" if count and rows else wording.count(count)
