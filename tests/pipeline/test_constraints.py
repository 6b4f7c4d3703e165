"""A run with constraints: refused when the data break them, kept by every delivered row otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Note
from lookalike.pipeline.recipe import dump, parse

RULES: list[dict[str, Any]] = [
    {"rule": "inequality", "low": "start", "high": "end"},
    {"rule": "combination", "columns": ["school", "years"]},
    {"rule": "formula", "column": "total", "equals": "price * `how many`"},
    {"rule": "range", "column": "price", "low": 0, "high": 10},
]


def bills(path: Path, n: int = 300) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 300, n), "D")
    school = draw.choice(["low", "high", "top"], n)
    price, many = np.round(draw.random(n) * 9, 2), draw.integers(1, 5, n)
    frame = pd.DataFrame(
        {
            "start": start,
            "end": start + pd.to_timedelta(draw.integers(0, 9, n), "D"),
            "school": school,
            "years": pd.Series(school).map({"low": 9, "high": 12, "top": 16}),
            "price": price,
            "how many": many,
            "total": np.round(price * many, 2),
            "paid": draw.choice(["yes", "no"], n),
        }
    )
    frame.to_csv(path, index=False)
    return frame


def recipe(folder: Path, rules: list[dict[str, Any]], **changes: Any) -> Path:
    tree = {
        "name": "bills",
        "data": {"read": "csv", "path": str(folder / "bills.csv"), "label": "paid", "constraints": rules},
        "generator": "tabular.marginals",
        "sample": {"rows": 200},
        "measure": ["tabular.constraints"],
        **changes,
    }
    (folder / "recipe.yaml").write_text(dump(parse(tree)))
    return folder / "recipe.yaml"


def test_rows_that_break_a_constraint_never_leave(tmp_path: Path) -> None:
    bills(tmp_path / "bills.csv")
    done = lookalike.run(recipe(tmp_path, RULES[:1]), tmp_path / "run", workers=1)
    frame = pd.read_parquet(tmp_path / "run" / "synthetic")
    assert len(frame) == 200
    assert (frame["start"] <= frame["end"]).all()
    score = next(row for row in done.scores if row["target"] == "accepted")
    assert score["value"] == 1.0
    assert score["detail"]["constraints"]["met"] == 1
    assert "All constraints are met" in done.report.read_text() or "meets all stated" in done.report.read_text()


def test_data_that_break_a_constraint_stop_the_run(tmp_path: Path) -> None:
    frame = bills(tmp_path / "bills.csv")
    frame.loc[[3, 8], "total"] = 4711.25
    frame.to_csv(tmp_path / "bills.csv", index=False)
    with pytest.raises(DataError, match=r"in 2 of 300 rows \(rows 4, 9, counted .* allow to 0.0067") as told:
        lookalike.run(recipe(tmp_path, RULES), tmp_path / "run", workers=1)
    assert "4711" not in str(told.value)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "inequality", "lower": "start", "high": "end"}, r"did you mean 'low'"),
        ({"rule": "inequalty"}, r"data.constraints.0.*inequality"),
        ({"rule": "formula", "column": "a", "equals": "b ** 2"}, "made of columns"),
    ],
)
def test_a_rule_that_is_not_one_is_refused(rule: dict[str, Any], said: str) -> None:
    tree = {"name": "x", "data": {"read": "csv", "constraints": [rule]}, "generator": "g", "sample": {"rows": 1}}
    with pytest.raises(ConfigError, match=said):
        parse(tree)


def test_only_tables_have_constraints(tmp_path: Path) -> None:
    tree = {
        "name": "digits",
        "data": {"read": "builtin", "constraints": RULES[:1]},
        "generator": "image.ddpm",
        "sample": {"rows": 1},
    }
    (tmp_path / "recipe.yaml").write_text(dump(parse(tree)))
    with pytest.raises(ConfigError, match="only tables have them"):
        lookalike.run(tmp_path / "recipe.yaml", tmp_path / "run", workers=1)


@pytest.mark.parametrize("generator", ["tabular.marginals", "tabular.trees"])
def test_every_constraint_is_kept_by_construction_where_it_can_be(tmp_path: Path, generator: str) -> None:
    bills(tmp_path / "bills.csv")
    done = lookalike.run(recipe(tmp_path, RULES, generator=generator), tmp_path / "run", workers=1)
    assert sum(done.manifest["sample"]["made"]) == 200
    assert done.manifest["sample"].get("unusable", {}) == {}
    frame = pd.read_parquet(tmp_path / "run" / "synthetic")
    assert list(frame.columns)[:4] == ["start", "end", "school", "years"]
    assert (frame["total"] - frame["price"] * frame["how many"]).abs().max() < 0.0051
    assert len(frame[["school", "years"]].drop_duplicates()) == 3
    model = lookalike.load(tmp_path / "run")
    more = model.sample(50, lookalike.Rng(3), {"label": "true"})
    assert more.problems() == {}
    assert (more.labels == 1).all()
    with pytest.raises(ConfigError, match="column years follows from others by a constraint"):
        model.sample(1, lookalike.Rng(3), {"years": 9})
    again = lookalike.sample(tmp_path / "run", 20, workers=1)
    assert len(pd.read_parquet(again)) == 20


def test_further_rows_keep_constraints_too(tmp_path: Path) -> None:
    bills(tmp_path / "bills.csv")
    rule = {"rule": "unique", "columns": ["price"]}
    wanted = recipe(tmp_path, [{**rule, "allow": 0.999}], sample={"rows": 3, "attempts": 20})
    lookalike.run(wanted, tmp_path / "run", workers=1)
    seen: list[Any] = []
    more = pd.read_parquet(lookalike.sample(tmp_path / "run", 90, workers=1, watch=seen.append))
    assert len(more) == 90 == more["price"].nunique()
    told = [event.message for event in seen if isinstance(event, Note)]
    assert len(told) == 1
    assert "rows were not usable and are left out: breaks price: no two rows alike" in told[0]
    labelled = pd.read_parquet(lookalike.sample(tmp_path / "run", 40, workers=1, label="true"))
    assert len(labelled) == 40 == labelled["price"].nunique()
    assert labelled["paid"].all()


def test_more_further_rows_are_not_those_of_a_smaller_number(tmp_path: Path) -> None:
    bills(tmp_path / "bills.csv")
    lookalike.run(recipe(tmp_path, [], sample={"rows": 3}), tmp_path / "run", workers=1)
    few, many = (pd.read_parquet(lookalike.sample(tmp_path / "run", rows, workers=1)) for rows in (20, 30))
    assert (len(few), len(many)) == (20, 30)
    pd.testing.assert_frame_equal(few, many[:20])


def test_rows_that_cannot_be_had_are_told(tmp_path: Path) -> None:
    bills(tmp_path / "bills.csv")
    rule = {"rule": "unique", "columns": ["school"]}
    lookalike.run(recipe(tmp_path, [{**rule, "allow": 0.999}], sample={"rows": 3}), tmp_path / "run", workers=1)
    seen: list[Any] = []
    more = pd.read_parquet(lookalike.sample(tmp_path / "run", 20, workers=1, watch=seen.append))
    assert len(more) == 3 == more["school"].nunique()
    told = [event.message for event in seen if isinstance(event, Note) and event.level == "warning"]
    assert told == ["17 of 20 rows are missing: sample.attempts allows to make 100 and no more"]
