"""A small table like a real one: columns of every kind that depend on each other, with values missing for a reason."""

from __future__ import annotations

import numpy as np

from lookalike.core.contracts import Reference
from lookalike.core.schema import Column, Schema
from lookalike.data.table import BOOLEANS, Table, table_schema

JOBS = ("clerk", "nurse", "cook", "pilot", "none")
TOWNS = tuple(f"town {k}" for k in range(20))
COLUMNS = [
    Column(name="age", kind="integer"),
    Column(name="pay", kind="number", optional=True),
    Column(name="job", kind="category", categories=JOBS, optional=True),
    Column(name="town", kind="category", categories=TOWNS),
    Column(name="smokes", kind="boolean", categories=BOOLEANS),
    Column(name="school", kind="ordinal", categories=("low", "middle", "high")),
    Column(name="since", kind="datetime"),
    Column(name="key", kind="id"),
    Column(name="owner", kind="category", categories=("no", "yes")),
]


def people(n: int, seed: int, label: str | None = "owner") -> Table:
    """Return rows drawn from one fixed distribution; two seeds give independent rows."""
    draw = np.random.default_rng(seed)
    age = np.round(draw.gamma(9, 5, n)).clip(16, 99)
    school = draw.binomial(2, 1 / (1 + np.exp((age - 45) / 15)))
    job = np.where(age > 66, 4, (school + draw.integers(0, 3, n)) % 4)
    pay = np.exp(6.5 + 0.4 * school + 0.01 * age + 0.3 * (job == 3) + 0.25 * draw.standard_normal(n))
    gone = job == 4
    town = np.minimum(draw.geometric(0.25, n) - 1, 19)
    smokes = draw.random(n) < 0.15 + 0.2 * (school == 0)
    owner = draw.random(n) < 1 / (1 + np.exp(-(np.log(pay) - 7.3) * 3 - (age - 45) / 8))
    columns = {
        "age": age,
        "pay": np.where(gone, np.nan, np.round(pay, 2)),
        "job": np.where(gone & (draw.random(n) < 0.5), -1, job),
        "town": town,
        "smokes": smokes.astype(np.int64),
        "school": school,
        "since": np.round(1.5e9 - age * 1e6 + 1e7 * draw.standard_normal(n)),
        "key": [f"{seed}-{i}" for i in range(n)],
        "owner": owner.astype(np.int64),
    }
    return Table.of(columns, schema(label))


def schema(label: str | None = "owner") -> Schema:
    """Return what the rows hold."""
    return table_schema(COLUMNS, label)


def reference(train: int = 1200, holdout: int = 800, label: str | None = "owner") -> Reference[Table]:
    """Return independent training and holdout rows."""
    return Reference(people(train, 0, label), people(holdout, 1, label))


def codes(n: int, seed: int, columns: int = 8) -> Table:
    """Return rows of categories alone, with the last as label: many rows are equal by chance."""
    draw = np.random.default_rng(seed)
    mood = draw.random(n)
    kinds = [Column(name=f"c{k}", kind="category", categories=("a", "b", "c")) for k in range(columns)]
    values = {f"c{k}": draw.binomial(2, mood) for k in range(columns)}
    return Table.of(values, table_schema(kinds, f"c{columns - 1}"))
