"""What leaves a run beside its rows and its model names no value that one real row has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.shop import write_shop

import lookalike
from lookalike.core.store import write_json
from lookalike.pipeline.provenance import facts_of

GENERATORS = ("trees", "marginals", "smote", "mixture", "copula", "bootstrap")
MEASURE = ["column_shape", "coverage", "pair_trend", "missing_pattern", "constraints"]


def patients(path: Path, n: int = 300) -> pd.DataFrame:
    """Write rows of which some have a name that no other row has."""
    draw = np.random.default_rng(3)
    names = draw.choice(["Meier", "Huber", "Schulz"], n)
    names[::6] = [f"Qx{k:03}yz" for k in range(len(names[::6]))]
    frame = pd.DataFrame(
        {
            "name": names,
            "age": draw.integers(20, 70, n),
            "ward": draw.choice(["A", "B"], n),
            "ill": draw.choice(["no", "yes"], n),
        }
    )
    frame["age-class"] = frame["age"] // 10
    frame.to_csv(path, index=False)
    return frame


def run(folder: Path, generator: str) -> Any:
    patients(folder / "patients.csv")
    tree = {
        "name": "patients",
        "data": {
            "read": "csv",
            "path": str(folder / "patients.csv"),
            "label": "ill",
            "constraints": [{"rule": "combination", "columns": ["age-class", "ward"]}],
        },
        "generator": generator,
        "sample": {"rows": 60},
        "filters": ["tabular.valid", "tabular.near_copy"],
        "measure": [f"tabular.{name}" for name in MEASURE],
        "audits": ["tabular.closest_record"],
    }
    return lookalike.run(tree, folder / "run", workers=1)


@pytest.mark.parametrize("name", GENERATORS)
def test_no_category_leaves_the_model(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, f"tabular.{name}")
    for file in ("manifest.json", "recipe.yaml", "events.jsonl", "scores.json", "data_card.md"):
        text = (tmp_path / "run" / file).read_text()
        assert "Qx" not in text, file
        assert "Meier" not in text, file
    facts = done.manifest["generator"]["facts"]
    assert "format" in facts or name == "bootstrap"
    assert len(json.dumps(facts)) < 2000
    assert any(b"Qx" in path.read_bytes() for path in (tmp_path / "run" / "model").iterdir())


def test_nor_does_one_of_several_tables(tmp_path: Path) -> None:
    tables = write_shop(tmp_path, 60)
    tree = {"name": "shops", "data": {"read": "tables", "tables": tables}, "generator": "tables.nested"}
    done = lookalike.run({**tree, "sample": {"rows": 20}}, tmp_path / "run", workers=1)
    assert set(done.manifest["generator"]["facts"]) == {"format"}


def test_the_facts_of_a_model(tmp_path: Path) -> None:
    assert facts_of(tmp_path) == {}
    said = {"steps": 5, "schema": {"columns": []}, "ways": {}, "links": [], "examples": ["a real text"]}
    write_json(tmp_path / "lookalike.json", said)
    assert facts_of(tmp_path) == {"steps": 5}
