"""What the report shows of a run on several tables: every column of each, how many rows belong to each, one family.

Only shares of ranges and of values that ten training rows have are written, and synthetic rows: no real row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.store import write_json
from lookalike.data.relations import Relations
from lookalike.data.table import Table, table_schema
from lookalike.reports.tabular.gallery import columns_of, rows_of, worst_first

_ROWS = 12
_ROW_COLUMNS = 40


def build(
    folder: Path,
    real: Reference[Relations],
    accepted: Relations,
    rejected: tuple[Relations, Sequence[str]],
    scores: Sequence[Mapping[str, Any]],
    rng: Rng,
) -> None:
    """Write gallery.json; equal inputs give equal bytes.

    Args:
        folder: Existing, empty folder.
        real: Real families.
        accepted: Synthetic families as delivered.
        rejected: Not used.
        scores: Not used.
        rng: Chooses the rows of large tables that are looked at.
    """
    del rejected, scores
    parts = {"real": real.train, "synthetic": accepted, **({"holdout": real.holdout} if len(real.holdout) else {})}
    columns: list[dict[str, Any]] = []
    rows: dict[str, int] = dict.fromkeys(parts, 0)
    looked_at = dict.fromkeys(parts, 0)
    words = []
    tables: list[dict[str, Any]] = []
    for member in accepted.schema.tables:
        if member.keep:
            continue
        # All rows of a shared table are learnt from: there are none to compare with that were held out.
        seen = {name: data for name, data in parts.items() if name != "holdout" or not member.shared}
        named = {name: _named(data, member.name) for name, data in seen.items()}
        found, some = columns_of(named, rng.child(member.name))
        columns += found
        count = {name: len(data.tables[member.name]) if name in seen else 0 for name, data in parts.items()}
        tables.append({"name": member.name, **count})
        rows = {name: rows[name] + count[name] for name in parts}
        looked_at = {name: looked_at[name] + (len(some[name]) if name in seen else 0) for name in parts}
        words += [
            {"name": f"{member.name}: {column.name}", "kind": column.kind}
            for column in member.rows.columns
            if column.kind in ("id", "text")
        ]
    shown, of_real, header = _family(accepted, real.train)
    content = {
        "sprites": {},
        "table": {
            "rows": rows,
            "tables": tables,
            "looked_at": looked_at,
            "columns": sorted(columns, key=worst_first),
            "left_out": 0,
            "words": words,
            "label": f"{accepted.schema.tables[0].name}: {accepted.schema.label}" if accepted.schema.label else None,
            "about": "Synthetic families, row by row",
            "header": header[:_ROW_COLUMNS],
            "sample": rows_of(shown, header[:_ROW_COLUMNS], of_real),
            "more_columns": max(0, len(header) - _ROW_COLUMNS),
        },
    }
    write_json(folder / "gallery.json", content)


def _named(data: Relations, name: str) -> Table:
    """Return a table with how many rows of others its rows own, columns with its name before theirs."""
    table = data.extended(name)
    columns = [column.model_copy(update={"name": f"{name}: {column.name}"}) for column in table.schema.columns]
    return Table(pa.table(table.table.columns, names=[column.name for column in columns]), table_schema(columns))


def _family(data: Relations, real: Relations) -> tuple[Table, Table, list[str]]:
    """Return the first rows of the first table that has an owner, with its columns; all real ones; and the names."""
    name = data.owned[0].name if data.owned else data.schema.tables[0].name
    table = data.joined(name, shared=True)
    names = list(table.table.column_names)
    return table.take(np.arange(min(_ROWS, len(table)))), real.joined(name, shared=True), names
