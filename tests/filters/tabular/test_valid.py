"""Rows that could not stand in the table go, each with its first fault as the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError, DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.filters.tabular.valid import Valid

SCHEMA = table_schema(
    [
        Column(name="age", kind="integer", low=0, high=120),
        Column(name="pay", kind="number", decimals=2, optional=True),
        Column(name="size", kind="number", grid=0.25),
        Column(name="town", kind="category", categories=("Ulm", "Bonn", "Kiel")),
    ]
)


def rows(**changes: Any) -> Table:
    columns: dict[str, Any] = {
        "age": [30.0, 40, 50, 60, 0],
        "pay": [0.1 + 0.2, 1234567.89, np.nan, 2.5, 1e9 + 0.01],
        "size": [0.25, 1.5, -0.75, 0.0, 1e6],
        "town": [0, 1, 2, 0, 1],
    }
    return Table.of({**columns, **changes}, SCHEMA)


def select(data: Table, **options: Any) -> Any:
    return Valid.model_validate(options).select(data, Reference(rows(), rows()), Rng(0))


def test_rows_with_nothing_wrong_stay() -> None:
    found = select(rows())
    assert found.index.tolist() == [0, 1, 2, 3, 4]
    assert found.dropped == {}


def test_every_fault_is_counted_by_its_reason() -> None:
    bad = rows(
        age=[121.0, 40, 50, np.nan, 0],
        pay=[1.0, 1.234, np.nan, 2.5, np.inf],
        size=[0.25, 1.5, 0.3, 0.0, 1],
    )
    found = select(bad)
    assert found.index.tolist() == []
    assert found.dropped == {
        "age out of bounds": 1,
        "pay is not rounded": 1,
        "size is not rounded": 1,
        "no age": 1,
        "pay is not finite": 1,
    }
    assert found.reasons[0] == "valid: age out of bounds"


def test_further_constraints_may_be_stated() -> None:
    rule = {"rule": "inequality", "low": "pay", "high": "age"}
    found = select(rows(), constraints=[rule, {"rule": "range", "column": "size", "low": -1, "high": 2}])
    assert found.dropped == {"breaks pay <= age": 2}
    one = select(rows(town=[2, 1, 2, 0, 1]), constraints=[{"rule": "combination", "columns": ["age", "town"]}])
    assert one.dropped == {"breaks age, town: combinations that occur": 1}


def test_what_cannot_be_judged_is_refused() -> None:
    combination: Any = {"constraints": [{"rule": "combination", "columns": ["age", "town"]}]}
    with pytest.raises(ConfigError, match="no real rows to take them from"):
        Valid(**combination).select(rows(), None, Rng(0))
    with pytest.raises(DataError, match="did you mean 'town'"):
        select(rows(), constraints=[{"rule": "unique", "columns": ["towm"]}])
    with pytest.raises(ValidationError):
        Valid.model_validate({"constraints": [{"rule": "magic"}]})
