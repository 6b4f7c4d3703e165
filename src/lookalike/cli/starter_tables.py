"""The first recipe for a table, and the inferred columns as a page to read and to correct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lookalike.cli.opening import Opening, flow, plural
from lookalike.core.errors import DataError, LookalikeError
from lookalike.core.registry import find, names
from lookalike.core.rng import Rng
from lookalike.data.detect import describe, guess
from lookalike.data.detect_tables import TableDescription, describe_table
from lookalike.data.discover import Candidate, candidates
from lookalike.data.formats import date_format, write_seconds
from lookalike.data.infer import Inferred
from lookalike.data.marks import way_and_look
from lookalike.data.pixels import shown
from lookalike.pipeline import api
from lookalike.pipeline.plan import make_plan
from lookalike.pipeline.recipe import load

_SHOWN = 12
KEY = "the key"
COPIED = "copied from "
LEFT = "left out: "
"""What the reasons of columns begin with of which a recipe says enough."""
_MANY = 1_000_000
_SCANTY = 20
"""Rows below which none are held out, and nothing is compared with them."""
_LOOKED_AT = 200_000
_GENERATORS = {
    "tabular.trees": "columns one after the other, each by a tree of those before it",
    "tabular.marginals": "each column on its own: a baseline to start from",
}
_FILTERS = {"tabular.valid": "rows that break a rule", "tabular.near_copy": "rows too near to a real one"}
_MEASURES = {
    "tabular.train_on_synthetic": "is a model trained on them as good on the held-out rows?",
    "tabular.two_sample": "can a model tell them from real rows?",
    "tabular.column_shape": "column by column",
    "tabular.pair_trend": "two columns at a time",
    "tabular.precision_recall": "",
    "tabular.coverage": "are all values and ranges there?",
    "tabular.missing_pattern": "are values missing together as in the data?",
    "tabular.constraints": "does every row meet data.constraints?",
}
_AUDITS = {"tabular.closest_record": "copies", "tabular.membership": "can one tell who was in the data?"}
_TEMPLATE = """\
# Made by looking at {where}: {rows}, {columns}.
# What each column is taken for, and why:   lookalike schema {data_path}
{head}
data:
{data}
generator: {generator}
sample:
  rows: {wanted}  # as many as there are to learn from
{balance}"""


def table_recipe(found: TableDescription, opening: Opening) -> tuple[str, list[str]]:
    """Return a commented recipe for a table, and what was seen in lines.

    Args:
        found: What lies there.
        opening: What the recipe is for.
    """
    text = _TEMPLATE.format(
        where=opening.where,
        rows=plural(found.rows, "row"),
        columns=plural(len(found.columns), "column"),
        data_path=opening.data,
        head=opening.head(),
        data="\n".join(_data(found, opening)),
        generator=next(f"{name}  # {about}" for name, about in _GENERATORS.items() if name in names("generators")),
        wanted=max(1, round(min(found.rows, _MANY) * (1 if found.rows < _SCANTY else 0.8))),
        balance="  # balance: uniform  # as many of each class; default natural: as they come\n" if found.label else "",
    )
    if found.rows < _SCANTY:
        few = f"  # {plural(found.rows, 'row')}: too few to be measured\n"
        text += _list("filters", "filters", dict([next(iter(_FILTERS.items()))]))
        return text + f"measure: []{few}audits: []\n" + _write(found), _findings(found)
    text += _list("filters", "filters", _FILTERS) + _list("measure", "metrics", _MEASURES)
    return text + _list("audits", "audits", _AUDITS) + _write(found), _findings(found)


def _write(found: TableDescription) -> str:
    """Return the line that gives the rows of a CSV file back as one; of other sources as a comment."""
    if found.reader != "csv":
        return "# write: [csv]  # the rows as a CSV too, beside Parquet\n"
    return f"write: {flow([csv_writer(found.options)])}  # the rows as a CSV too, written as yours are\n"


def csv_writer(options: Mapping[str, object]) -> object:
    """Return the writer of a CSV file cut as the one that is read with these settings."""
    delimiter, _ = find("readers", "csv")(**options).header()
    return "csv" if delimiter == "," else {"use": "csv", "delimiter": delimiter}


def _list(key: str, kind: str, wanted: dict[str, str]) -> str:
    lines = [f"  - {name}" + (f"  # {about}" if about else "") for name, about in wanted.items() if name in names(kind)]
    return "\n".join([f"{key}:", *lines, ""]) if lines else ""


def _data(found: TableDescription, opening: Opening) -> Iterator[str]:
    yield f"  read: {found.reader}"
    for key, value in opening.placed(found.options).items():
        if key != "label":
            yield f"  {key}: {flow(value)}" + ("  # not as texts" if key == "table" else "")
    kind = next((one.column.kind for one in found.columns if one.column.name == found.label), "")
    what = f", {'classes' if kind in ('category', 'boolean', 'ordinal') else 'a number'}" if kind else ""
    yield f"  label: {flow(found.label)}  # what is to be predicted ({found.why}{what}); '' = nothing"
    if found.rows > _MANY:
        yield f"  limit: {_MANY}  # of {found.rows:,}: drawn at random"
    yield "  # columns: {age: {kind: integer, low: 0, high: 120}}  # what you know better, and public bounds"
    for one in found.columns:
        if one.column.kind == "text":
            yield f"  # leave_out: [{flow(one.column.name)}]  # free text is not modelled: its cells stay empty"
            break
    if found.rows < _SCANTY:
        yield f"  holdout: 0  # {plural(found.rows, 'row')}: too few to keep some for testing"
        return
    yield "  holdout: 0.2  # real rows kept for testing; nothing that learns sees them"


def _findings(found: TableDescription) -> list[str]:
    """Return what was seen, a line each."""
    kinds: dict[str, list[str]] = {}
    for one in found.columns:
        kinds.setdefault(one.column.kind, []).append(shown(one.column.name))
    lines = [f"reader {found.reader}: {plural(found.rows, 'row')}, {plural(len(found.columns), 'column')}"]
    for kind, listed in kinds.items():
        more = f", and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        lines.append(f"{kind}: {', '.join(listed[:_SHOWN])}{more}")
    lines.append(f"label: {shown(found.label) or 'none'}, {found.why}")
    return [*lines, *(f"note: {note}" for note in found.notes), "why, and how to change it: lookalike schema DATA"]


def table_at(data: str) -> TableDescription:
    """Return what a table holds, or the one that a recipe reads.

    Raises:
        DataError: There is no table.
    """
    path = Path(data)
    if path.suffix.lower() in (".yaml", ".yml"):
        plan = make_plan(load(path), path.resolve().parent)
        if plan.reader is None:
            raise DataError(f"{shown(data)} reads no data; give a recipe with data, or a table")
        return describe_table(plan.reader.name, plan.reader.method.model_dump(exclude_unset=True))
    found = describe(data)
    if isinstance(found, TableDescription):
        return found
    return describe_table(*guess(data))


def likely_keys(found: TableDescription) -> list[str]:
    """Return the columns that no two rows share and no row lacks."""
    facts = [(one.column, one.facts) for one in found.columns]
    return [column.name for column, fact in facts if column.kind == "id" and not fact.missing]


def schema_table(columns: Sequence[Inferred]) -> list[str]:
    """Return the columns as lines of a table: name, kind, share that is missing, reason."""
    rows = [("column", "kind", "missing", "why")]
    for one in columns:
        lack = f"{100 * one.facts.missing / one.facts.rows:.3g} %" if one.facts.missing else ""
        rows.append((_clipped(one.column.name), one.column.kind, lack, one.reason))
    wide = [max(len(row[place]) for row in rows) for place in range(3)]
    return ["  ".join([*(cell.ljust(size) for cell, size in zip(row, wide, strict=False)), row[3]]) for row in rows]


def _clipped(name: str) -> str:
    name = shown(name)
    return name if len(name) <= 40 else name[:39] + "…"


def schema_yaml(columns: Sequence[Inferred]) -> list[str]:
    """Return the lines of a recipe that say of every column what it is: to be changed where that is wrong."""
    return ["data:", "  columns:", *(f"    {flow(one.column.name)}: {flow(declared(one))}" for one in columns)]


def declared(one: Inferred) -> dict[str, object]:
    """Return what a recipe has to say of a column for it to be read as it was inferred."""
    column = one.column
    found: dict[str, object] = {"kind": column.kind}
    if column.kind == "datetime" and "%" in column.stored:
        found["format"] = column.stored
    if column.kind == "ordinal":
        found["categories"] = list(column.categories)
    if column.kind in ("number", "integer"):
        look = way_and_look(column.stored)[1]
        found |= {"decimal": look.decimal} if look.decimal != "." else {}
        found |= {"prefix": look.prefix, "suffix": look.suffix} if look.prefix or look.suffix else {}
    for key in ("low", "high", "decimals", "grid"):
        value = getattr(column, key)
        if value is not None and (key != "decimals" or column.kind == "number"):
            dates = column.kind == "datetime" and key != "decimals"
            found[key] = write_seconds(value, date_format(column)) if dates else value
    return found


def discovered(found: TableDescription) -> tuple[list[Candidate], str]:
    """Return constraints that the rows meet, and a note on what was looked at."""
    try:
        data = api.read(found.reader, **{"label": found.label, **found.options})
    except LookalikeError as error:
        return [], f"constraints were not looked for: {error}"
    if len(data) <= _LOOKED_AT:
        return candidates(data), ""
    some = np.sort(Rng(0).child("discover").numpy().permutation(len(data))[:_LOOKED_AT])
    return candidates(data.take(some)), f"constraints were looked for in {_LOOKED_AT:,} rows, drawn at random"


def discovered_yaml(rules: Sequence[Candidate], note: str) -> list[str]:
    """Return constraints as lines of a recipe that say nothing until their marks are taken away."""
    lines = [f"  # {' '.join(note.split())}"] if note else []
    if rules:
        lines += [
            "  # No row breaks these. They hold in synthetic rows once you take the # away from those that you know:"
        ]
        lines.append("  # constraints:")
    for one in rules:
        rule = one.rule.model_dump(mode="json", exclude_defaults=True)
        lines += [f"  #   # {' '.join(one.evidence.split())}", f"  #   - {flow(rule)}"]
    return lines


def schema_lines(
    name: str, found: TableDescription, rules: Sequence[Candidate], note: str, together: bool = True
) -> list[str]:
    """Return all that is said of a table; of one of several under its name, with what could be its key.

    Args:
        name: Of one of several; empty = it is alone.
        found: The table.
        rules: What may hold in every row.
        note: What is said of these.
        together: Whether one recipe reads several.
    """
    head = [
        f"table {name}: {plural(found.rows, 'row')}",
        f"could be its key: {', '.join(likely_keys(found)) or 'none'}",
    ]
    change = "\nto change it, put what is wrong into the recipe:\n"
    # What is declared as another kind is not copied.
    plain = [one for one in found.columns if not one.reason.startswith((KEY, COPIED, LEFT))]
    yaml = [*schema_yaml(plain), *discovered_yaml(rules, note)]
    if not name:
        return [*schema_table(found.columns), change, *yaml]
    inner = ["data:", "  tables:", f"    {name}:", *("  " * 2 + line for line in yaml[1:])] if together else yaml
    return [*head, *schema_table(found.columns), change, *inner, ""]
