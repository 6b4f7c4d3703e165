"""Rows asked for by columns: every row has the values, in a run and in a further sample, or one line says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.cli.calling import call, refused
from tests.data.shop import write_shop
from tests.pipeline.test_run_tables import people

import lookalike
from lookalike.core.errors import ConfigError
from lookalike.pipeline.recipe import dump, load, parse
from lookalike.pipeline.wanted import given


def run(folder: Path, where: dict[str, Any], data: dict[str, Any] | None = None, **changes: Any) -> Any:
    people(folder / "people.csv")
    tree = {
        "name": "people",
        "data": {"read": "csv", "path": str(folder / "people.csv"), "label": "smokes", **(data or {})},
        "generator": changes.pop("generator", "tabular.trees"),
        "sample": {"rows": 40, "where": where, **changes.pop("sample", {})},
    }
    return lookalike.run(tree, folder / "run", workers=1)


def table(folder: Path) -> pd.DataFrame:
    return pd.concat(pd.read_parquet(path) for path in sorted(folder.glob("*.parquet")))


def test_every_row_has_what_is_asked(tmp_path: Path) -> None:
    done = run(tmp_path, {"town": "Ulm"}, sample={"balance": "uniform"})
    made = table(tmp_path / "run" / "synthetic")
    assert (made["town"] == "Ulm").all()
    assert made["smokes"].value_counts().to_dict() == {"yes": 20, "no": 20}
    assert done.manifest["sample"]["where"] == {"town": "Ulm"}
    assert "Every synthetic row was asked to have town = Ulm" in done.report.read_text()
    more = table(lookalike.sample(tmp_path / "run", 30, workers=1))
    assert (more["town"] == "Ulm").all()
    other = table(lookalike.sample(tmp_path / "run", 30, workers=1, where={"town": "Bonn"}))
    assert (other["town"] == "Bonn").all()
    gone = table(lookalike.sample(tmp_path / "run", 30, label="true", workers=1, where={"town": None}))
    assert gone["town"].isna().all()
    assert (gone["smokes"] == "yes").all()


def test_the_command_line_speaks_the_language_of_the_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, {}, generator="tabular.marginals")
    born = str(pd.read_csv(tmp_path / "people.csv")["born"][0])
    draw = ("sample", str(tmp_path / "run"), "--rows", "12", "--workers", "1")
    out = ("--out", str(tmp_path / "more"))
    assert call(capsys, *draw, *out, "--where", "smokes=yes", "--where", f"born={born}")[0] == 0
    made = table(tmp_path / "more")
    assert (made["smokes"] == "yes").all()
    assert {str(day)[:10] for day in made["born"]} == {born}
    for option, line in (
        (("--where", "nope=1"), "cannot choose by 'nope'; allowed: weight, born, town, smokes"),
        (("--where", "town=Rom"), "town has no value 'Rom'; allowed: Bonn, Ulm"),
        (("--where", "town"), "--where takes COLUMN=VALUE, found 'town'"),
        (("--where", "town=Ulm", "--set", "where={town: Ulm}"), "say the same"),
    ):
        assert line in refused(capsys, *draw, *option)


@pytest.mark.parametrize(
    ("where", "changes", "words"),
    [
        ({"nope": 1}, {}, "cannot choose by 'nope'"),
        ({"weight": 1000}, {}, "weight = 1000.0 lies beyond all training rows"),
        ({"weight": 70.123}, {}, "weight has 1 digits after the point"),
        ({"weight": None}, {}, "weight is never missing"),
        ({"town": "Kiel"}, {"data": {"columns": {"town": {"kind": "category", "categories": ["Ulm", "Bonn", "Kiel"]}}}},
         "no training row has the value asked of town"),
        ({"smokes": "yes"}, {"sample": {"balance": "uniform"}}, "smokes is the label, and the classes are asked for"),
        ({"town": "Ulm"}, {"generator": "tabular.smote"}, "tabular.smote can choose by a label with classes only"),
        ({"town": "Ulm"}, {"sample": {"per": ["tone"]}}, "they cannot be combined"),
        ({"town": ["Ulm", "Bonn"]}, {}, "sample.where.town"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_stops_before_fitting(
    tmp_path: Path, where: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, where, **changes)
    assert not list(tmp_path.glob("run/.store/fit-*"))


def test_of_several_tables_the_root_is_asked(tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "name": "shops",
        "data": {"read": "tables", "tables": write_shop(tmp_path, 80)},
        "generator": "tables.nested",
    }
    root = pd.read_csv(tmp_path / "shops.csv")
    name = next(column for column in root if root[column].nunique() < 10)
    value = root[name].mode()[0]
    done = lookalike.run({**tree, "sample": {"rows": 20, "where": {name: value}}}, tmp_path / "run", workers=1)
    assert set(table(tmp_path / "run" / "synthetic" / "shops")[name]) == {value}
    with pytest.raises(ConfigError, match="cannot choose by 'nope'"):
        lookalike.sample(done.folder, 5, workers=1, where={"nope": 1})


def test_other_data_have_no_columns_to_ask_by(tmp_path: Path) -> None:
    tree = {"name": "d", "data": {"read": "builtin", "name": "digits"}, "generator": "image.ddpm"}
    with pytest.raises(ConfigError, match="only rows of tables are asked for by columns"):
        lookalike.run({**tree, "sample": {"rows": 5, "where": {"a": 1}}}, tmp_path / "run", workers=1)


def test_a_recipe_keeps_what_is_asked(tmp_path: Path) -> None:
    sample = {"rows": 5, "where": {"sex": None, "day": "2020-01-31", "n": 4, "x": 0.5, "ok": True}}
    recipe = parse({"name": "a", "generator": "tabular.trees", "sample": sample})
    (tmp_path / "r.yaml").write_text(dump(recipe))
    assert load(tmp_path / "r.yaml") == recipe
    (tmp_path / "d.yaml").write_text("name: a\ngenerator: tabular.trees\nsample: {rows: 5, where: {day: 2020-01-31}}\n")
    assert load(tmp_path / "d.yaml").sample.where == {"day": "2020-01-31"}
    with pytest.raises(ConfigError, match="names a twice"):
        given(["a=1", "a=2"])
