"""What the report shows of a run on a table: columns, constraints, what is missing or rare, and some synthetic rows.

Only shares of ranges and of values that ten training rows have are written, and synthetic rows: no real row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.core.store import write_json
from lookalike.data.formats import boolean_words, date_format, write_dates, write_numbers, written
from lookalike.data.table import CODED, NUMERIC, WORDS, Numbers, Table
from lookalike.reports.tabular.gaps import missing_facts
from lookalike.reports.tabular.holds import constraint_facts
from lookalike.reports.tabular.named import axis, nameable, pooled
from lookalike.reports.tabular.rare import rare_facts

_BINS = 24
_FEW = 10
_LEVELS = 9
_MOST_COLUMNS = 400
_ROWS = 8
_ROW_COLUMNS = 40
_CLIP = 40
_RARE = "(rare value)"
_LOOKED_AT = 200_000
Shares = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def build(
    folder: Path,
    real: Reference[Table],
    accepted: Table,
    rejected: tuple[Table, Sequence[str]],
    scores: Sequence[Mapping[str, Any]],
    rng: Rng,
) -> None:
    """Write gallery.json; equal inputs give equal bytes.

    Args:
        folder: Existing, empty folder.
        real: Real rows.
        accepted: Synthetic rows as delivered.
        rejected: Not used.
        scores: Not used.
        rng: Chooses the rows that are looked at and those that are shown.
    """
    del rejected, scores
    parts = {"real": real.train, "synthetic": accepted, **({"holdout": real.holdout} if len(real.holdout) else {})}
    columns, some = columns_of(parts, rng)
    shown = _some(accepted, rng.child("shown"), _ROWS)
    names = [column.name for column in accepted.schema.columns[:_ROW_COLUMNS]]
    content = {
        "sprites": {},
        "table": {
            "rows": {name: len(table) for name, table in parts.items()},
            "looked_at": {name: len(table) for name, table in some.items()},
            "columns": columns,
            "constraints": constraint_facts(parts),
            "gaps": missing_facts(parts),
            "rare": rare_facts(parts),
            "left_out": max(0, len(accepted.schema.columns) - _MOST_COLUMNS),
            "words": [
                {"name": column.name, "kind": column.kind} for column in accepted.schema.columns if column.kind in WORDS
            ],
            "label": accepted.schema.label,
            "header": names,
            "sample": rows_of(shown, names, real.train),
            "more_columns": max(0, len(accepted.schema.columns) - _ROW_COLUMNS),
        },
    }
    write_json(folder / "gallery.json", content)


def columns_of(parts: Mapping[str, Table], rng: Rng) -> tuple[list[dict[str, Any]], dict[str, Table]]:
    """Return what is shown of every column, the worst first, and the rows that were looked at.

    Args:
        parts: Rows by name: real, synthetic and, if there are any, holdout.
        rng: Chooses the rows of large tables.
    """
    some = {name: _some(table, rng.child(name)) for name, table in parts.items()}
    able = parts["synthetic"].schema.columns[:_MOST_COLUMNS]
    columns = [_column(column, some) for column in able if column.kind not in WORDS]
    return sorted(columns, key=worst_first), some


def worst_first(one: Mapping[str, Any]) -> tuple[float, str]:
    """Return what columns are put in order by."""
    return -(one["distance"] - (one["floor"] or 0.0)), str(one["name"])


def rows_of(table: Table, names: Sequence[str], real: Table) -> list[list[str | None]]:
    """Return the cells of some columns as they are written; a value that too few rows of `real` have is not.

    Args:
        table: Synthetic rows.
        names: The columns.
        real: Training rows in the same columns.
    """
    words = written(table.select(names)).to_pydict()
    for name in names:
        column = table.schema.column(name)
        if column.kind in CODED and len(column.categories):
            codes = real.codes(name)
            known_L = _counted(codes[codes >= 0], len(column.categories))
            named_L = nameable(column, known_L, name == table.schema.label)
            cells = zip(words[name], table.codes(name).tolist(), strict=True)
            words[name] = [word if code < 0 or named_L[code] else _RARE for word, code in cells]
    return [[_clipped(words[name][row]) for name in names] for row in range(len(table))]


def _some(table: Table, rng: Rng, most: int = _LOOKED_AT) -> Table:
    if len(table) <= most:
        return table
    return table.take(np.sort(rng.numpy().permutation(len(table))[:most]))


def _clipped(word: str | None) -> str | None:
    return word if word is None or len(word) <= _CLIP else word[: _CLIP - 1] + "…"


def _column(column: Column, parts: Mapping[str, Table]) -> dict[str, Any]:
    """Return the shares of a column in each part, and how far synthetic rows lie from those that nothing has seen."""
    numeric = column.kind in NUMERIC
    shares, names, named_L = _ranges(column, parts) if numeric else _levels(column, parts)
    missing = {name: float(table.missing(column.name).mean()) if len(table) else 0.0 for name, table in parts.items()}
    whole = {name: np.append(found * (1 - missing[name]), missing[name]) for name, found in shares.items()}
    unseen = "holdout" if "holdout" in parts else "real"
    return {
        "name": column.name,
        "kind": column.kind,
        "unit": column.unit,
        "missing": missing,
        "distance": _distance(whole["synthetic"], whole[unseen]),
        "floor": _distance(whole["real"], whole[unseen]) if unseen == "holdout" else None,
        **names,
        **_shown(column, whole, names, named_L),
    }


def _distance(first: Shares, second: Shares) -> float:
    """Return the share of rows that would have to change for both to be equal."""
    return float(np.abs(first - second).sum() / 2)


def _counted(places: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    return np.asarray(np.bincount(places, minlength=count), dtype=np.int64)


def _as_shares(counts: Mapping[str, npt.NDArray[np.int64]]) -> dict[str, Shares]:
    return {name: found / max(1, int(found.sum())) for name, found in counts.items()}


def _ranges(column: Column, parts: Mapping[str, Table]) -> tuple[dict[str, Shares], dict[str, Any], Flags | None]:
    """Return shares of values where there are few, with those that may be named, else of ranges with open ends."""
    there = {name: table.numbers(column.name)[~table.missing(column.name)] for name, table in parts.items()}
    levels = np.unique(np.concatenate(list(there.values())))
    if len(levels) <= _FEW:
        counts = {name: _counted(np.searchsorted(levels, values), len(levels)) for name, values in there.items()}
        named_L = nameable(column, counts["real"])
        return _as_shares(counts), {"levels": _words(column, levels)}, named_L
    edges = axis(column, there["real"], there["synthetic"], _BINS)
    inner, count = edges[1:-1], len(edges) - 1
    counts = {name: _counted(np.searchsorted(inner, values, "right"), count) for name, values in there.items()}
    ends = edges[[0, -1]] + ((0.5, -0.5) if column.kind == "integer" else 0.0)
    return _as_shares(counts), {"edges": edges.tolist(), "ends": _words(column, ends)}, None


def _words(column: Column, values: Numbers) -> list[str]:
    if column.kind == "datetime":
        form = date_format(column)
        return write_dates(np.rint(values * 1e6).astype(np.int64).view("datetime64[us]"), form)
    return write_numbers(np.asarray(values, dtype=np.float64), column)


def _levels(column: Column, parts: Mapping[str, Table]) -> tuple[dict[str, Shares], dict[str, Any], Flags]:
    names = list(boolean_words(column)) if column.kind == "boolean" else list(column.categories)
    counts = {}
    for name, table in parts.items():
        codes = table.codes(column.name)
        counts[name] = _counted(codes[codes >= 0], len(names))
    label = column.name == parts["real"].schema.label
    return _as_shares(counts), {"levels": names}, nameable(column, counts["real"], label)


def _shown(
    column: Column, whole: Mapping[str, Shares], names: Mapping[str, Any], named_L: Flags | None
) -> dict[str, Any]:
    """Return what a chart shows: all ranges; of values those of enough rows, the commonest of them, and the others."""
    plain = {name: shares[:-1] for name, shares in whole.items()}
    if named_L is None:
        return {"shares": _written(plain)}
    levels, plain = pooled(names["levels"], named_L, plain)
    # What is pooled stays last and apart from what is only less common.
    rare = len(levels) > int(named_L.sum())
    count = len(levels) - rare
    if count <= _LEVELS + 1:
        return {"levels": [_clipped(level) for level in levels], "shares": _written(plain)}
    top = np.argsort(-np.max([shares[:count] for shares in plain.values()], axis=0), kind="stable")[:_LEVELS]
    if column.kind == "ordinal":
        top = np.sort(top)
    shares = {}
    for name, values in plain.items():
        others = max(0.0, float(values[:count].sum() - values[top].sum()))
        shares[name] = np.concatenate([values[top], [others], values[count:]])
    words = [*(_clipped(levels[k]) for k in top), f"{count - len(top):,} others", *levels[count:]]
    return {"levels": words, "shares": _written(shares)}


def _written(shares: Mapping[str, Shares]) -> dict[str, list[float]]:
    return {name: [round(float(share), 5) for share in values] for name, values in shares.items()}
