"""The share of rows that meet the constraints is that of a count by hand, with real and permuted rows beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from lookalike.core.constraints import Constraint
from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.holding import constrained
from lookalike.data.table import Table, table_schema
from lookalike.metrics.tabular.constraints import Constraints

RULES: list[Any] = [
    TypeAdapter[Any](Constraint).validate_python(rule)
    for rule in (
        {"rule": "inequality", "low": "a", "high": "b"},
        {"rule": "formula", "column": "c", "equals": "a + b"},
        {"rule": "unique", "columns": ["key"]},
    )
]


def sums(n: int, seed: int) -> Table:
    draw = np.random.default_rng(seed)
    a = draw.integers(0, 50, n).astype(float)
    b = a + draw.integers(0, 50, n)
    kinds = [Column(name=name, kind="integer") for name in "abc"]
    schema = table_schema([*kinds, Column(name="key", kind="id")])
    return constrained(Table.of({"a": a, "b": b, "c": a + b, "key": [f"{seed}-{k}" for k in range(n)]}, schema), RULES)


@pytest.fixture(scope="module")
def real() -> Reference[Table]:
    return Reference(sums(300, 0), sums(200, 1))


def test_real_rows_meet_everything_and_permuted_ones_hardly_anything(real: Reference[Table]) -> None:
    found = Constraints().score(real, sums(250, 2), Rng(0))
    assert found.value == found.floor == 1.0
    assert found.ceiling is not None
    assert found.ceiling < 0.1
    assert found.n_synthetic == 250
    assert found.detail["constraints"]["met"] == found.detail["constraints"]["total"] == 3


def test_broken_rows_are_counted(real: Reference[Table]) -> None:
    good = sums(250, 2)
    columns: dict[str, Any] = {name: good.values(name) for name in ("a", "b", "c", "key")}
    columns["c"] = np.where(np.arange(250) < 10, -1.0, columns["c"])
    columns["key"] = ["2-100" if k == 200 else key for k, key in enumerate(columns["key"])]
    found = Constraints().score(real, Table.of(columns, good.schema), Rng(0))
    assert found.value == pytest.approx(239 / 250)
    rows = found.detail["constraints"]["rows"]
    assert [row["broken"] for row in rows] == [0, 10, 1]
    assert [row["constraint"] for row in rows][:2] == ["a <= b", "c = a + b"]
    assert found.detail["constraints"]["met"] == 1
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]


def test_nothing_stated_is_said(real: Reference[Table]) -> None:
    plain = Reference(*(Table(part.table, part.schema.model_copy(update={"constraints": ()})) for part in
                        (real.train, real.holdout)))  # fmt: skip
    found = Constraints().score(plain, plain.holdout, Rng(0))
    assert found.value == found.ceiling == 1.0
    assert found.detail["constraints"]["total"] == 0
    assert "no constraint" in found.detail["stated"]
