"""A run on a table: from csv to report, in the columns of the real rows, by class only where asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.core.errors import ConfigError, DataError
from lookalike.data.readers.csv import Csv
from lookalike.data.shards import read_shard
from lookalike.pipeline.folder import verify
from lookalike.pipeline.recipe import dump, parse


def people(path: Path, n: int = 400, seed: int = 0) -> Path:
    """Write rows of people; `weight` is a column of theirs."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "name": [f"p{seed}-{k}" for k in range(n)],
            "weight": np.round(draw.normal(70, 10, n), 1),
            "born": pd.to_datetime("1990-01-01") + pd.to_timedelta(draw.integers(0, 3000, n), "D"),
            "town": draw.choice(["Ulm", "Bonn", None], n),
            "smokes": draw.choice(["yes", "no"], n, p=[0.2, 0.8]),
        }
    )
    frame.to_csv(path, index=False)
    return path


def run(folder: Path, data: dict[str, Any] | None = None, **changes: Any) -> Any:
    tree: dict[str, Any] = {
        "name": "people",
        "data": {"read": "csv", "path": str(folder / "people.csv"), "label": "smokes", **(data or {})},
        "generator": "tabular.marginals",
        "sample": {"rows": 300},
        **changes,
    }
    people(folder / "people.csv")
    (folder / "recipe.yaml").write_text(dump(parse(tree)))
    return lookalike.run(folder / "recipe.yaml", folder / "run", workers=1)


def test_rows_come_in_the_columns_of_the_real_ones(tmp_path: Path) -> None:
    done = run(tmp_path)
    made = done.synthetic()
    frame = pd.read_parquet(tmp_path / "run" / "synthetic")
    assert list(frame.columns) == ["name", "weight", "born", "town", "smokes"]
    assert set(frame["smokes"]) == {"yes", "no"}
    assert read_shard(tmp_path / "run" / "synthetic" / "part-00000.parquet").fingerprint() == made.fingerprint()
    assert abs((made.labels == 1).mean() - 0.2) < 0.1
    sample = done.manifest["sample"]
    assert sample["asked"] == [300]
    assert sum(sample["accepted"]) == 300
    assert len(sample["accepted"]) == 2
    assert done.manifest["data"]["modality"] == "tabular"
    assert verify(tmp_path / "run") == []
    assert "Look at it" in done.report.read_text()


def test_classes_can_be_asked_for(tmp_path: Path) -> None:
    done = run(tmp_path, sample={"rows": 100, "balance": "uniform"})
    assert done.synthetic().counts().tolist() == [50, 50]
    more = lookalike.sample(tmp_path / "run", 20, label="true", workers=1)
    assert (read_shard(more / "part-00000.parquet").labels == 1).all()
    again = run(tmp_path, sample={"rows": 100, "balance": {"true": 10, "false": 90}})
    assert again.synthetic().counts().tolist() == [90, 10]


def test_a_number_as_label_has_no_classes(tmp_path: Path) -> None:
    done = run(tmp_path, {"label": "weight"}, sample={"rows": 50, "balance": "real"})
    assert done.synthetic().classes == ()
    assert done.manifest["sample"]["accepted"] == [50]
    lookalike.sample(tmp_path / "run", 20, workers=1)
    with pytest.raises(ConfigError, match="no class is called"):
        lookalike.sample(tmp_path / "run", 20, label="70.0", workers=1)


def test_a_limit_is_a_stated_sample(tmp_path: Path) -> None:
    done = run(tmp_path, {"limit": 200})
    assert done.manifest["data"]["rows"] == 200
    assert done.manifest["data"]["notes"] == ["data.limit: 200 of 400 rows, drawn at random"]


def test_a_given_holdout_is_read_like_the_data(tmp_path: Path) -> None:
    more = people(tmp_path / "test.csv", 30, 1)
    holdout = {"read": "csv", "path": str(more)}
    done = run(tmp_path, {"holdout": holdout})
    assert done.manifest["data"]["holdout"] == 30
    more.write_text(more.read_text().replace("Ulm", "Rom"))
    with pytest.raises(DataError, match=r"column town holds \d+ values that are not known values"):
        run(tmp_path, {"holdout": holdout})


def test_copies_are_counted_by_everything_but_the_key(tmp_path: Path) -> None:
    path = people(tmp_path / "people.csv")
    (tmp_path / "read").mkdir()
    table: Any = Csv(path=str(path), label="smokes").read(tmp_path / "read")
    done = run(tmp_path, generator="tabular.bootstrap", sample={"rows": 60})
    assert set(done.synthetic().row_hashes()) <= set(table.row_hashes())
    assert done.manifest["data"]["shared_rows"] == 0


@pytest.mark.parametrize("rows", [2, 5])
def test_what_cannot_be_measured_stands_aside(tmp_path: Path, rows: int) -> None:
    people(tmp_path / "few.csv", rows)
    told: list[Any] = []
    tree = {
        "name": "few",
        "data": {"read": "csv", "path": str(tmp_path / "few.csv"), "label": ""},
        "generator": "tabular.trees",
        "sample": {"rows": rows},
        "measure": [f"tabular.{name}" for name in ("column_shape", "two_sample", "train_on_synthetic", "coverage")],
        "audits": ["tabular.closest_record", "tabular.membership", "tabular.singling_out"],
    }
    done = lookalike.run(tree, tmp_path / "run", workers=1, watch=told.append)
    assert len(done.synthetic()) == rows
    scores = {row["method"]: row for row in done.scores}
    assert scores["tabular.train_on_synthetic"]["value"] is None
    assert "needs a label" in scores["tabular.train_on_synthetic"]["detail"]["not_estimated"]
    assert any("tabular.train_on_synthetic is not estimated" in getattr(event, "message", "") for event in told)
    assert "NOT ESTIMATED" in done.report.read_text()
