"""`lookalike init` and `lookalike schema` on a table: a recipe that runs, and columns that can be corrected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import lookalike
from lookalike.cli.app import app
from lookalike.cli.starter import starter
from lookalike.cli.starter_tables import declared, table_at
from lookalike.pipeline.recipe import load

ROWS = "age,town,when,size,ill\n" + "".join(
    f"{30 + k % 7},{'ab'[k % 2]},{1 + k % 9:02d}.01.2021,{k / 4},{['no', 'yes'][k % 3 == 0]}\n" for k in range(60)
)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path / "rows.csv"


def _said(*line: str) -> str:
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.output


def test_the_recipe_runs(table: Path) -> None:
    assert "label: ill, the last column, with classes" in _said("init", "rows.csv")
    recipe = load(table.parent / "recipe.yaml")
    assert recipe.goal == "share"
    assert recipe.sample.rows == 48
    assert recipe.generator.use in ("tabular.trees", "tabular.marginals")
    small = recipe.model_copy(update={"filters": (), "measure": (), "audits": ()})
    assert len(lookalike.run(small, table.parent / "run", workers=1).synthetic()) == 48
    lines = (table.parent / "run" / "written" / "csv" / "table.csv").read_text().splitlines()
    assert lines[0] == ROWS.splitlines()[0]
    assert len(lines) == 49


def test_a_csv_is_written_back_as_it_is_cut(table: Path) -> None:
    line = "  # the rows as a CSV too, written as yours are"
    assert starter("rows.csv", None, table.parent)[0].endswith(f"\nwrite: [csv]{line}\n")
    table.write_text(ROWS.replace(",", ";"))
    text, _ = starter("rows.csv", None, table.parent)
    assert text.endswith("\nwrite: [{use: csv, delimiter: ;}]" + line + "\n")
    assert yaml.safe_load(text)["write"] == [{"use": "csv", "delimiter": ";"}]
    table.write_text("\n".join(ROWS.replace(",", "\t").splitlines()[:6]))
    assert yaml.safe_load(starter("rows.csv", None, table.parent)[0])["write"] == [{"use": "csv", "delimiter": "\t"}]
    table.write_text(ROWS)
    (table.parent / "parquet").mkdir()
    (path,) = lookalike.find("writers", "parquet")().write(lookalike.read("csv", path="rows.csv"), Path("parquet"))
    assert starter(str(path), None, table.parent)[0].endswith(
        "\n# write: [csv]  # the rows as a CSV too, beside Parquet\n"
    )


def test_what_a_recipe_says_of_every_choice(table: Path) -> None:
    text, lines = starter(str(table), "share", table.parent)
    tree = yaml.safe_load(text)
    assert tree["data"] == {"read": "csv", "path": "rows.csv", "label": "ill", "holdout": 0.2}
    assert "goal: share" in text
    assert "# columns: {age: {kind: integer, low: 0, high: 120}}" in text
    assert lines[0] == "reader csv: 60 rows, 5 columns"
    assert "integer: age" in lines


def test_the_schema_is_shown_with_reasons(table: Path) -> None:
    said = _said("schema", "rows.csv").splitlines()
    assert said[0].split() == ["column", "kind", "missing", "why"]
    assert said[1].split(maxsplit=2) == ["age", "integer", "whole numbers from 30 to 36"]
    assert said[3].endswith("dates written as %d.%m.%Y")
    lines = [json.loads(line) for line in _said("schema", "rows.csv", "--json").splitlines()]
    assert lines[2] == {
        "column": "when", "kind": "datetime", "format": "%d.%m.%Y", "missing": 0, "why": "dates written as %d.%m.%Y",
    }  # fmt: skip


def test_what_it_prints_can_be_put_into_a_recipe_and_changed(table: Path) -> None:
    _said("init", "rows.csv")
    said = _said("schema", "rows.csv")
    columns: dict[str, Any] = yaml.safe_load(said[said.index("data:") :])["data"]["columns"]
    assert list(columns) == ["age", "town", "when", "size", "ill"]
    path = table.parent / "recipe.yaml"
    tree = yaml.safe_load(path.read_text())
    columns["age"] = {"kind": "category"}
    tree["data"]["columns"] = columns
    path.write_text(yaml.safe_dump(tree))
    again = _said("schema", "recipe.yaml").splitlines()
    assert again[1].split() == ["age", "category", "declared"]


def test_likely_constraints_are_shown_and_hold_once_confirmed(table: Path) -> None:
    rows = "".join(f"{k % 5},{['low', 'mid', 'high', 'top', 'none'][k % 5]},{k % 7},{k % 7 * 12}\n" for k in range(70))
    table.write_text("years,school,month,year\n" + rows)
    said = _said("schema", "rows.csv")
    assert "constraints" not in yaml.safe_load(said[said.index("data:") :])["data"]
    assert "#   # year = 12 * month: holds in 70 of 70 rows" in said
    lines = said[said.index("data:") :].splitlines()
    start = lines.index("  # constraints:")
    confirmed = "\n".join([*lines[: start - 1], *(line.replace("  # ", "  ", 1) for line in lines[start:])])
    rules = yaml.safe_load(confirmed)["data"]["constraints"]
    assert {"rule": "formula", "column": "year", "equals": "12 * month"} in rules
    assert {"rule": "combination", "columns": ["years", "school"]} in rules
    tree = {"name": "x", "data": {"read": "csv", "path": "rows.csv", "constraints": rules}, "sample": {"rows": 20}}
    (table.parent / "r.yaml").write_text(yaml.safe_dump({**tree, "generator": "tabular.marginals"}))
    lookalike.run(table.parent / "r.yaml", table.parent / "run", workers=1)
    found = [json.loads(line) for line in _said("schema", "rows.csv", "--json").splitlines()]
    assert any("evidence" in line for line in found)


def test_marks_of_numbers_are_declared_as_they_were_seen(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x;y\n" + "".join(f"{k % 7},{k % 9}0;{k % 5} kg\n" for k in range(60)))
    found = table_at(str(tmp_path / "d.csv")).columns
    assert declared(found[0]) == {"kind": "number", "decimals": 2, "grid": 0.1, "decimal": ","}
    assert declared(found[1]) == {"kind": "integer", "prefix": "", "suffix": " kg"}


@pytest.mark.parametrize("rows", [1, 2, 3, 19])
def test_the_recipe_of_very_few_rows_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.csv").write_text(
        "a,b,c\n" + "".join(f"{k},{'xy'[k % 2]},2020-01-0{1 + k % 9}\n" for k in range(rows))
    )
    _said("init", "few.csv")
    recipe = load(tmp_path / "recipe.yaml")
    assert recipe.data is not None
    assert (recipe.data.holdout, recipe.measure, recipe.audits, recipe.sample.rows) == (0, (), (), rows)
    events: list[Any] = []
    done = lookalike.run(tmp_path / "recipe.yaml", tmp_path / "run", workers=1, watch=events.append)
    assert len(done.synthetic()) == rows
    assert "NOT ESTIMATED" in done.report.read_text()
    assert not any(getattr(event, "reused", False) for event in events)
