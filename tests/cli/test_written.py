"""The command line tells where rows in further formats lie, and refuses in one line what cannot be written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from tests.cli.calling import call, refused

from lookalike.cli.app import main

PATH = Path("runs/rows/written/csv/table.csv")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lookalike"])
    Path("rows.csv").write_text("age,town\n" + "".join(f"{20 + k % 9},{'ab'[k % 2]}\n" for k in range(60)))
    tree = {"name": "rows", "data": {"read": "csv", "path": "rows.csv"}, "generator": "tabular.marginals"}
    Path("recipe.yaml").write_text(yaml.safe_dump({**tree, "sample": {"rows": 30}}))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    sys.argv = ["lookalike", *arguments]
    with pytest.raises(SystemExit) as ended:
        main()
    found = capsys.readouterr()
    assert not ended.value.code, found.err
    return found.out.splitlines()


def test_the_last_lines_name_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    plain = said(capsys, "run", "recipe.yaml", "--workers", "1")
    assert plain[-2:] == ["report: runs/rows/report.html", "rows:   runs/rows/synthetic"]
    lines = said(
        capsys, "run", "recipe.yaml", "--workers", "1", "--set", "write=[csv, {use: parquet, rows_per_shard: 9}]"
    )
    assert lines[:-2] == plain
    assert lines[-2:] == [f"csv:    {PATH}", "parquet: runs/rows/written/parquet"]
    last = json.loads(said(capsys, "report", "runs/rows", "--json")[-1])
    assert last["written"] == {"csv": str(PATH), "parquet": "runs/rows/written/parquet"}


def test_more_rows_in_further_formats(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "run", "recipe.yaml", "--workers", "1")
    more = ("sample", "runs/rows", "--rows", "7", "--workers", "1", "--out", "more")
    assert said(capsys, *more) == ["7 rows, not filtered: more"]
    lines = said(capsys, *more, "--write", "csv", "--write", "parquet")
    assert lines == [
        "7 rows, not filtered: more",
        "csv: more/_written/csv/table.csv",
        "parquet: more/_written/parquet/part-00000.parquet",
    ]
    assert len(Path("more/_written/csv/table.csv").read_text().splitlines()) == 8
    last = json.loads(said(capsys, *more, "--write", "csv", "--json")[-1])
    assert last["written"] == {"csv": "more/_written/csv/table.csv"}
    assert "no writer is called 'exel'; allowed: csv," in refused(capsys, *more, "--write", "exel")
    assert "jsonl writes text data, but the rows are tabular data" in refused(capsys, *more, "--write", "jsonl")


def test_verify_sees_a_change_and_a_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "run", "recipe.yaml", "--workers", "1", "--set", "write=[csv]")[0] == 0
    PATH.write_text(PATH.read_text() + "99,c\n")
    assert "written/csv/table.csv: changed" in refused(capsys, "verify", "runs/rows")
    PATH.unlink()
    assert "written/csv/table.csv: missing" in refused(capsys, "verify", "runs/rows")


@pytest.mark.parametrize(
    ("write", "told"),
    [
        ("[exel]", "no writer is called 'exel'; allowed: csv, "),
        ("[npz]", "write: npz writes image data, but the rows are tabular data; allowed: csv, parquet; "),
        ("[sql]", "from Python: lookalike.find('writers', 'sql')().write(run.synthetic(), run.folder)"),
        ("csv", "recipe.yaml.write: takes a list, found 'csv'; write [csv]"),
    ],
)
def test_a_wrong_writer_is_one_line(write: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capsys, "run", "recipe.yaml", "--set", f"write={write}")
    assert not Path("runs").exists()
