"""Every metric and audit of tables answers, or refuses in one line, whatever the table holds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import LookalikeError
from lookalike.core.registry import find, names
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.table import BOOLEANS, Table, table_schema

ALL = [(kind, name) for kind in ("metrics", "audits") for name in names(kind) if name.startswith("tabular.")]
QUICK = {"iterations": 5, "guesses": 20, "permutations": 20, "learner_settings": {"iterations": 5}}


def _table(n: int, columns: list[Column], values: dict[str, Any], label: str | None = None) -> Table:
    return Table.of({name: value[:n] for name, value in values.items()}, table_schema(columns, label))


def _odd(kind: str, n: int, seed: int) -> Table:  # noqa: PLR0911
    draw = np.random.default_rng(seed)
    y = Column(name="y", kind="category", categories=("a", "b"))
    side = draw.integers(0, 2, n)
    if kind == "all missing":
        columns = [Column(name="x", kind="number", optional=True), Column(name="c", kind="category", optional=True), y]
        return _table(n, columns, {"x": np.full(n, np.nan), "c": np.full(n, -1), "y": side}, "y")
    if kind == "constant":
        columns = [Column(name="x", kind="number"), Column(name="c", kind="boolean", categories=BOOLEANS), y]
        return _table(n, columns, {"x": np.full(n, 3.5), "c": np.ones(n), "y": np.zeros(n)}, "y")
    if kind == "many categories":
        columns = [Column(name="c", kind="category", categories=tuple(map(str, range(30_000)))), y]
        return _table(n, columns, {"c": draw.integers(0, 30_000, n), "y": side}, "y")
    if kind == "one column":
        return _table(n, [y], {"y": side}, "y")
    if kind == "keys alone":
        return _table(n, [Column(name="k", kind="id")], {"k": [str(i) for i in range(n)]})
    if kind == "huge numbers":
        columns = [Column(name="x", kind="number"), Column(name="t", kind="datetime"), y]
        heavy = 1e300 * draw.standard_normal(n)
        return _table(n, columns, {"x": heavy, "t": draw.integers(-(10**9), 10**10, n), "y": side}, "y")
    if kind == "number as label":
        columns = [Column(name="x", kind="number"), Column(name="z", kind="number", optional=True)]
        x = draw.standard_normal(n)
        return _table(n, columns, {"x": x, "z": np.where(draw.random(n) < 0.3, np.nan, 2 * x)}, "z")
    columns = [Column(name=f"x{k}", kind="number") for k in range(600)]
    return _table(n, columns, {column.name: draw.standard_normal(n) for column in columns})


KINDS = ("all missing", "constant", "many categories", "one column", "keys alone", "huge numbers", "number as label")


def _check(kind: str, name: str, real: Reference[Table], synthetic: Table) -> None:
    cls = find(kind, name)
    method = cls(**{key: value for key, value in QUICK.items() if key in cls.model_fields})
    try:
        found = method.score(real, synthetic, Rng(0))
    except LookalikeError as error:
        assert len(str(error)) > 30
        assert "\n" not in str(error)
        return
    assert math.isfinite(found.value) or found.detail["not_estimated"]
    if found.interval is not None:
        assert found.interval[0] <= found.interval[1]


@pytest.mark.parametrize("odd", KINDS)
@pytest.mark.parametrize(("kind", "name"), ALL, ids=lambda value: value)
def test_an_odd_table_is_measured_or_refused(kind: str, name: str, odd: str) -> None:
    _check(kind, name, Reference(_odd(odd, 90, 0), _odd(odd, 70, 1)), _odd(odd, 80, 2))


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize(("kind", "name"), ALL, ids=lambda value: value)
def test_few_synthetic_rows_are_measured_or_refused(kind: str, name: str, n: int) -> None:
    odd = "number as label"
    _check(kind, name, Reference(_odd(odd, 90, 0), _odd(odd, 70, 1)), _odd(odd, n, 2))


@pytest.mark.parametrize(
    ("kind", "name"), [one for one in ALL if one[1] not in ("tabular.two_sample", "tabular.membership")]
)
def test_a_wide_table_is_measured(kind: str, name: str) -> None:
    _check(kind, name, Reference(_odd("wide", 60, 0), _odd("wide", 60, 1)), _odd("wide", 60, 2))
