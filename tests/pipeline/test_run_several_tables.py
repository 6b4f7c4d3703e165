"""A run on several tables: from files to files, whole families on either side of the split, keys valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.shop import write_shop

import lookalike
from lookalike.core.errors import ConfigError
from lookalike.data import open_dataset
from lookalike.data.shards import read_shard
from lookalike.data.writers.csv import Csv
from lookalike.data.writers.sql import Sql
from lookalike.pipeline.folder import verify
from lookalike.pipeline.recipe import dump, parse

MEASURE = [
    {"use": "tables.joined", "table": "sales", "measure": "tabular.two_sample"},
    "tables.key_integrity",
    "tables.children",
    "tables.siblings",
]


def run(folder: Path, data: dict[str, Any] | None = None, workers: int = 1, out: str = "run", **changes: Any) -> Any:
    tree: dict[str, Any] = {
        "name": "shops",
        "goal": "share",
        "data": {"read": "tables", "tables": write_shop(folder, 300), **(data or {})},
        "generator": "tables.nested",
        "sample": {"rows": 200},
        **changes,
    }
    for table in tree["data"]["tables"].values():
        table["path"] = Path(table["path"]).name
    (folder / "recipe.yaml").write_text(dump(parse(tree)))
    return lookalike.run(folder / "recipe.yaml", folder / out, workers=workers)


def test_from_files_to_files(tmp_path: Path) -> None:
    done = run(tmp_path, measure=MEASURE, audits=[{"use": "tables.joined", "table": "sales"}])
    made = done.synthetic()
    frames = {name: pd.read_parquet(tmp_path / "run" / "synthetic" / name) for name in made.tables}
    assert {name: list(frame.columns) for name, frame in frames.items()} == {
        name: list(pd.read_csv(tmp_path / f"{name}.csv").columns) for name in frames
    }
    assert len(frames["shops"]) == 200
    assert set(frames["sales"]["shop"]) <= set(frames["shops"]["shop"])
    assert set(frames["items"]["sale"]) <= set(frames["sales"]["sale"])
    assert frames["sales"]["sale"].is_unique
    assert set(frames["sales"]["land"]) <= {"DE", "FR"}
    assert frames["lands"]["name"].tolist() == ["Germany", "France", "Italy"]
    shard = tmp_path / "run" / "synthetic" / "sales" / "part-00000.parquet"
    assert read_shard(shard).fingerprint() == made.tables["sales"].fingerprint()
    assert verify(tmp_path / "run") == []
    assert done.manifest["data"]["kept"] == ["lands"]
    assert "real rows: lands" in done.manifest["statement"]
    assert any("lands: kept" in note for note in done.manifest["data"]["notes"])
    scores = {row["detail"]["title"]: row for row in done.scores}
    assert scores["keys that are valid"]["value"] == 1
    page = done.report.read_text()
    assert "shops: number of sales" in page
    assert "Tables of real rows" in page
    kept = tmp_path / "csv"
    kept.mkdir()
    assert [path.name for path in Csv().write(made, kept)] == ["shops.csv", "sales.csv", "items.csv", "lands.csv"]
    written = Sql(url="sqlite:///shop.db").write(made, kept)
    sums = pd.read_sql(
        "SELECT COUNT(*) AS n FROM items JOIN sales USING (sale) JOIN shops USING (shop)", f"sqlite:///{written[0]}"
    )
    assert sums["n"][0] == len(frames["items"])


def test_no_family_is_on_two_sides(tmp_path: Path) -> None:
    done = run(tmp_path, sample={"rows": 5})
    split = tmp_path / "run" / ".store" / done.manifest["stores"]["split"]
    train, holdout = open_dataset(split / "train"), open_dataset(split / "holdout")
    assert (len(train), len(holdout)) == (240, 60)
    for name, column in (("shops", "shop"), ("sales", "shop"), ("items", "sale")):
        both = [set(side.tables[name].strings(column)) for side in (train, holdout)]
        assert not both[0] & both[1]
    assert sum(len(side.tables["sales"]) for side in (train, holdout)) == len(pd.read_csv(tmp_path / "sales.csv"))


def test_workers_and_more_rows_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.generators.tables.nested.Nested.rows_per_shard", 64)
    one = run(tmp_path)
    # Workers are other processes, where shards have their usual size: more rows need more of them.
    more = lookalike.sample(tmp_path / "run", 70, workers=1)
    assert {path.name for path in more.iterdir()} == {"shops", "sales", "items", "lands"}
    assert len(pd.read_parquet(more / "shops")) == 70
    again = run(tmp_path, out="again")
    assert again.synthetic().fingerprint() == one.synthetic().fingerprint()


def test_a_limit_counts_families_and_constraints_hold_in_every_table(tmp_path: Path) -> None:
    tables = write_shop(tmp_path, 300)
    rules = [
        {"rule": "formula", "column": "tax", "equals": "price * 0.2"},
        {"rule": "range", "column": "price", "low": 0},
    ]
    sales = pd.read_csv(tmp_path / "sales.csv")
    sales["tax"] = (sales["price"] * 0.2).round(2)
    sales.to_csv(tmp_path / "more.csv", index=False)
    tables["sales"] = {**tables["sales"], "path": "more.csv", "constraints": rules}
    done = run(tmp_path, {"tables": tables, "limit": 100})
    assert done.manifest["data"]["rows"] == 100
    made = done.synthetic()
    found = made.tables["sales"]
    assert np.abs(found.numbers("tax") - found.numbers("price") * 0.2).max() < 0.00501
    assert done.manifest["sample"]["made"] == done.manifest["sample"]["accepted"]


def test_a_holdout_of_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a share of the rows of the root is held out"):
        run(tmp_path, {"holdout": {"read": "csv", "path": "shops.csv"}})


def test_methods_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tabular.two_sample works on tabular data, but the rows are tables data"):
        run(tmp_path, measure=["tabular.two_sample"])
    with pytest.raises(ConfigError, match="only tables have them"):
        run(tmp_path, out="other", data={"constraints": [{"rule": "range", "column": "area", "low": 0}]})
