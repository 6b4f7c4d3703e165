"""Tables that are hard or broken: one line with what was found and how to fix it, or rows in a stated way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests.cli.calling import call, refused

from lookalike.pipeline.folder import RunFolder

GOOD = [f"{20 + k},{'ab'[k % 2]},{k * 1.5},{'xy'[k % 2]}" for k in range(60)]
HEADER = "age,town,size,label"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lookalike"])


def recipe(lines: list[str], header: str = HEADER, **data: Any) -> str:
    Path("rows.csv").write_text("\n".join([header, *lines]) + "\n")
    tree = {
        "name": "rows",
        "data": {"read": "csv", "path": "rows.csv", **data},
        "generator": "tabular.marginals",
        "sample": {"rows": 30},
    }
    Path("recipe.yaml").write_text(yaml.safe_dump(tree))
    return "recipe.yaml"


@pytest.mark.parametrize(
    ("lines", "header", "data", "told"),
    [
        ([*GOOD, "old,a,1,x"], HEADER, {}, "column age mixes 60 numbers and 1 other values (the first in row 61)"),
        ([*GOOD, "30,a,inf,x"], HEADER, {}, "column size holds 1 infinite values"),
        (GOOD, "age,age,size,label", {}, "several columns called age"),
        ([*GOOD, "30,a,1"], HEADER, {}, "row 61 has 3 cells, but the header has 4"),
        ([*GOOD, "30,a,1,"], HEADER, {}, "1 rows of rows.csv have no label"),
        ([*GOOD, "30,a,1,z"], HEADER, {}, "classes have one row only: 'z'"),
        (GOOD, HEADER, {"label": "income"}, "no column 'income'; found age, town, size, label"),
        (GOOD, HEADER, {"columns": {"agee": {}}}, "no column 'agee', which data.columns names"),
        (GOOD, HEADER, {"columns": {"age": {"kind": "whole"}}}, "data.columns.age.kind"),
        (GOOD, HEADER, {"columns": {"age": {"high": 30}}}, "declared with high: 30, but holds a value above it"),
        (GOOD, HEADER, {"columns": {"town": {"kind": "id"}}}, "declared as id, but repeats some of its values"),
        ([], HEADER, {}, "holds no rows"),
        (["30,a,1,x"], HEADER, {}, "holds one class only"),
        (["30,a,1,x"], HEADER, {"label": ""}, "impossible split"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line(
    capsys: pytest.CaptureFixture[str], lines: list[str], header: str, data: dict[str, Any], told: str
) -> None:
    assert told in refused(capsys, "run", recipe(lines, header, **data), "--workers", "1")


def test_mixed_time_zones(capsys: pytest.CaptureFixture[str]) -> None:
    whens = [f"2021-0{1 + k % 9}-01T10:00:00+0{1 + k % 2}:00" for k in range(20)]
    lines = [f"{when},{'xy'[k % 2]}" for k, when in enumerate(whens)]
    code, _ = call(capsys, "run", recipe(lines, "when,label"), "--workers", "1")
    assert code == 0
    assert RunFolder(Path("runs/rows")).manifest()["data"]["notes"] == [
        "column when: dates written as %Y-%m-%dT%H:%M:%S%z; 2 time zones, brought to UTC"
    ]
    lines[3] = "2021-01-01T10:00:00,x"
    assert "with a time zone and dates without one" in refused(capsys, "run", recipe(lines, "when,label"))


HARD = {
    "constant": ["7"] * 20,
    "nothing": [""] * 20,
    "seen once": ["a"] * 19 + ["b"],
    "key": [f"k{k}" for k in range(20)],
    "key_id": [f"k{k // 2}" for k in range(20)],
    "late": [""] * 19 + ["2021-01-01"],
    "one": ["only"] * 20,
}


def test_hard_columns_run(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [",".join(cells) for cells in zip(*HARD.values(), strict=True)]
    assert call(capsys, "run", recipe(lines, ",".join(HARD), label=""), "--workers", "1")[0] == 0
    made = pd.read_parquet("runs/rows/synthetic")
    assert list(made.columns) == list(HARD)
    assert set(made["constant"]) == {7}
    assert made["nothing"].isna().all()
    assert set(made["one"]) == {"only"}
    assert made["key"].is_unique
    assert not set(made["key"]) & set(HARD["key"])
    assert set(made["key_id"]) <= set(HARD["key_id"])


@pytest.mark.parametrize("rows", [1, 2])
def test_one_and_two_rows_run(capsys: pytest.CaptureFixture[str], rows: int) -> None:
    assert call(capsys, "run", recipe(GOOD[:rows], label="", holdout=0), "--workers", "1")[0] == 0
    assert len(pd.read_parquet("runs/rows/synthetic")) == 30


def test_a_method_for_other_data_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "run", recipe(GOOD), "--set", "generator=image.ddpm")
    assert "image.ddpm works on image data, but the rows are tabular data" in line
    assert "nothing is at nowhere.csv" in refused(capsys, "schema", "nowhere.csv")
