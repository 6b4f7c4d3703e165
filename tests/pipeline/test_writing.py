"""Delivered rows in further formats: equal to the rows, in the forms of the input, once, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.shop import write_shop

import lookalike
from lookalike.core.errors import ConfigError
from lookalike.core.events import Event, StageDone
from lookalike.core.schema import Column
from lookalike.data.readers.csv import Csv
from lookalike.data.readers.jsonl import Jsonl
from lookalike.pipeline.folder import verify
from lookalike.pipeline.recipe import dump, parse

KILLED = """
import os, shutil, signal, sys
import lookalike
from lookalike.core import store
from lookalike.data.writers.csv import Csv

def half(self, data, folder):
    (folder / "table.csv").write_text("age,")
    os.kill(os.getpid(), signal.SIGKILL)

def copy(source, target, **options):
    if "write-" in str(source):
        target.mkdir(parents=True)
        half(None, None, target)
    return real(source, target, **options)

real = shutil.copytree
if sys.argv[1] == "writing":
    Csv.write = half
else:
    store.shutil.copytree = copy
lookalike.run("recipe.yaml", "run", workers=1)
"""


def clinic(path: Path, n: int = 300) -> Path:
    """Write rows as a German hospital would: semicolons, decimal commas, times of day, an own order of dates."""
    draw = np.random.default_rng(0)
    lines = ["pay;at;since;ill;town;code"]
    for _ in range(n):
        pay = "" if draw.random() < 0.1 else f"{draw.gamma(9, 200):.2f}".replace(".", ",")
        at = f"{draw.integers(7, 18):02d}:{15 * draw.integers(0, 4):02d}"
        since = f"{draw.integers(1, 28):02d}.{draw.integers(1, 12):02d}.20{draw.integers(10, 20)}"
        town = draw.choice(['"Ulm; Donau"', "Bonn", ""])
        lines.append(f"{pay};{at};{since};{draw.choice(['yes', 'no'])};{town};{draw.integers(1, 40):03d}")
    path.write_text("\n".join([*lines, ""]))
    return path


def tree(folder: Path, **changes: Any) -> dict[str, Any]:
    if not (folder / "clinic.csv").exists():
        clinic(folder / "clinic.csv")
    return {
        "name": "clinic",
        "data": {"read": "csv", "path": str(folder / "clinic.csv"), "label": "ill"},
        "generator": "tabular.marginals",
        "sample": {"rows": 120},
        "measure": ["tabular.column_shape"],
        **changes,
    }


class Stages(list[Event]):
    """Events; of each stage, whether it was reused."""

    folder = None

    def __call__(self, event: Event) -> None:
        self.append(event)

    def reused(self) -> dict[str, bool]:
        return {event.stage: event.reused for event in self if isinstance(event, StageDone)}


def run(folder: Path, **changes: Any) -> tuple[Any, dict[str, bool]]:
    watch = Stages()
    return lookalike.run(tree(folder, **changes), folder / "run", workers=1, watch=watch), watch.reused()


def values_of(data: Any, column: Column) -> list[Any]:
    """Return the values of a column, categories by their names; nothing of how they are written."""
    found = data.table.column(column.name).to_pylist()
    if column.kind != "category":
        return list(found)
    names = data.schema.column(column.name).categories
    return [None if code is None else names[code] for code in found]


SEMICOLON = {"use": "csv", "delimiter": ";"}


def test_the_csv_read_again_is_what_was_delivered_in_the_forms_of_the_input(tmp_path: Path) -> None:
    done, _ = run(tmp_path, write=[SEMICOLON])
    path = tmp_path / "run" / "written" / "csv" / "table.csv"
    kinds = {c.name: {"kind": c.kind} for c in done.synthetic().schema.columns}
    assert {name: kind["kind"] for name, kind in kinds.items()} == {
        "pay": "number", "at": "datetime", "since": "datetime",
        "ill": "boolean", "town": "category", "code": "category",
    }  # fmt: skip
    (tmp_path / "again").mkdir()
    again: Any = Csv(path=str(path), label="ill", columns=kinds).read(tmp_path / "again")  # type: ignore[arg-type]
    assert len(again) == 120
    for column in done.synthetic().schema.columns:
        values = [values_of(data, column) for data in (again, done.synthetic())]
        assert values[0] == values[1], column.name
    real, made = (pd.read_csv(each, sep=";", dtype=str) for each in (tmp_path / "clinic.csv", path))
    assert list(made.columns) == list(real.columns)
    forms = {
        "pay": r"\d+,\d\d", "at": r"\d\d:\d\d", "since": r"\d\d\.\d\d\.\d{4}", "ill": "yes|no",
        "town": "Ulm; Donau|Bonn", "code": r"\d\d\d",
    }  # fmt: skip
    for name, form in forms.items():
        for frame in (real, made):
            assert frame[name].dropna().str.fullmatch(form).all(), (name, form)
    assert made["pay"].isna().any()


def test_adding_a_writer_repeats_nothing_and_running_again_writes_nothing(tmp_path: Path) -> None:
    _, first = run(tmp_path)
    assert "write" not in first
    assert not (tmp_path / "run" / "written").exists()
    _, added = run(tmp_path, write=["csv"])
    assert [stage for stage in ("read", "split", "fit", "sample", "write", "measure") if not added[stage]] == ["write"]
    before = (tmp_path / "run" / "written" / "csv" / "table.csv").read_text()
    _, again = run(tmp_path, write=["csv"])
    assert again["write"]
    assert (tmp_path / "run" / "written" / "csv" / "table.csv").read_text() == before
    _, other = run(tmp_path, write=["csv", SEMICOLON])
    assert not other["write"]
    assert {path.name for path in (tmp_path / "run" / "written").iterdir()} == {"csv", "csv-2"}
    assert (tmp_path / "run" / "written" / "csv-2" / "table.csv").read_text().startswith("pay;at;")
    _, more = run(tmp_path, write=["csv"], sample={"rows": 121})
    assert not more["write"]
    assert len(pd.read_csv(tmp_path / "run" / "written" / "csv" / "table.csv")) == 121
    run(tmp_path)
    assert not (tmp_path / "run" / "written").exists()


def test_the_manifest_knows_the_files(tmp_path: Path) -> None:
    done, _ = run(tmp_path, write=["csv", "parquet"])
    listed = [one["path"] for one in done.manifest["files"] if one["path"].startswith("written/")]
    assert listed == ["written/csv/table.csv", "written/parquet/part-00000.parquet"]
    assert "synthetic/, written/ and rejected/ are synthetic" in done.manifest["statement"]
    assert 'href="./written/csv/table.csv" download' in done.report.read_text()
    assert verify(tmp_path / "run") == []
    path = tmp_path / "run" / "written" / "csv" / "table.csv"
    path.write_text(path.read_text().replace("yes", "no"))
    (problem,) = verify(tmp_path / "run")
    assert problem.startswith("written/csv/table.csv: changed")
    run(tmp_path, write=["csv", "parquet"])
    assert verify(tmp_path / "run") == []


@pytest.mark.parametrize("moment", ["writing", pytest.param("copying", marks=pytest.mark.slow)])
def test_a_kill_leaves_nothing_half_written(tmp_path: Path, moment: str) -> None:
    (tmp_path / "recipe.yaml").write_text(dump(parse(tree(tmp_path, write=["csv"], measure=[]))))
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, moment],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    there = tmp_path / "run"
    assert list(there.rglob(".*.tmp")), "nothing was under way"
    assert not (there / "written").exists()
    assert len(list((there / ".store").glob("write-*"))) == (moment == "copying")
    watch = Stages()
    done = lookalike.run(there.parent / "recipe.yaml", there, workers=1, watch=watch)
    assert watch.reused()["sample"]
    assert watch.reused()["write"] == (moment == "copying")
    assert len(pd.read_csv(there / "written" / "csv" / "table.csv")) == len(done.synthetic())
    assert not list(there.rglob(".*.tmp"))
    assert verify(there) == []


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (["cvs"], "no writer is called 'cvs'; allowed: csv, jsonl, npz, parquet, png, sql; did you mean 'csv'?"),
        (["png"], "write: png writes image data, but the rows are tabular data; allowed: csv, parquet; "),
        (["jsonl"], "write: jsonl writes text data, but the rows are tabular data; allowed: csv, parquet; "),
        (["sql"], "write: sql writes outside of the run's folder"),
        ([{"use": "csv", "delimeter": ";"}], "write.0.csv.delimeter: unknown key; did you mean 'delimiter'?"),
    ],
)
def test_what_cannot_write_is_refused_before_any_work(tmp_path: Path, write: list[Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run(tmp_path, write=write)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_more_rows_are_written_as_the_recipe_says_or_as_asked(tmp_path: Path) -> None:
    run(tmp_path, write=[SEMICOLON])
    more = lookalike.sample(tmp_path / "run", 20, workers=1)
    lines = (more / "_written" / "csv" / "table.csv").read_text().splitlines()
    assert lines[0] == "pay;at;since;ill;town;code"
    assert len(lines) == 21
    frame = pd.read_parquet(more)
    assert len(frame) == 20
    assert list(pd.read_csv(more / "_written" / "csv" / "table.csv", sep=";")["ill"]) == list(frame["ill"])
    other = lookalike.sample(tmp_path / "run", 20, workers=1, out=tmp_path / "out", write=["csv", "parquet"])
    assert {path.name for path in (other / "_written").iterdir()} == {"csv", "parquet"}
    assert (other / "_written" / "csv" / "table.csv").read_text().splitlines() == lines
    plain = lookalike.sample(tmp_path / "run", 20, workers=1, out=tmp_path / "out", write=[])
    assert [path.name for path in plain.iterdir()] == ["part-00000.parquet"]
    with pytest.raises(ConfigError, match="png writes image data"):
        lookalike.sample(tmp_path / "run", 20, workers=1, write=["png"])
    assert verify(tmp_path / "run") == []


def test_several_tables_become_a_file_each(tmp_path: Path) -> None:
    recipe = {
        "name": "shops",
        "data": {"read": "tables", "tables": write_shop(tmp_path, 80)},
        "generator": "tables.nested",
        "sample": {"rows": 30},
        "write": ["csv"],
    }
    done = lookalike.run(recipe, tmp_path / "run", workers=1)
    made = done.synthetic()
    for name, table in made.tables.items():
        frame = pd.read_csv(tmp_path / "run" / "written" / "csv" / f"{name}.csv")
        assert len(frame) == len(table)
        assert list(frame.columns) == list(pd.read_csv(tmp_path / f"{name}.csv").columns)
    assert verify(tmp_path / "run") == []


def test_texts_become_json_lines(tmp_path: Path) -> None:
    recipe = {
        "name": "notes",
        "generator": {
            "use": "text.prompted",
            "task": {"describe": "short notes", "labels": {"up": "about rising", "down": "about falling"}},
            "backend": {"use": "echo"},
        },
        "sample": {"rows": 12},
        "write": ["jsonl", {"use": "jsonl", "chat": "Write: {label}"}],
    }
    done = lookalike.run(recipe, tmp_path / "run", workers=1)
    path = tmp_path / "run" / "written" / "jsonl" / "texts.jsonl"
    (tmp_path / "again").mkdir()
    again = Jsonl(path=str(path), text="text", label="label").read(tmp_path / "again")
    assert again.texts() == done.synthetic().texts()
    first = json.loads((tmp_path / "run" / "written" / "jsonl-2" / "texts.jsonl").read_text().splitlines()[0])
    assert first["messages"][0]["content"] in ("Write: up", "Write: down")
