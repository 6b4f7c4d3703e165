"""The table of constraints: how each is kept, what was rejected for it, and what breaks it, counted by hand."""

from __future__ import annotations

import pytest

from lookalike.core.constraints import Combination, Constraint, Inequality, Range, Unique
from lookalike.core.schema import Column
from lookalike.data.holding import constrained
from lookalike.data.table import Table, table_schema
from lookalike.reports.evidence import Evidence
from lookalike.reports.tabular.holds import constraint_facts, constraints_block

PLAIN = table_schema(
    [
        *(Column(name=name, kind="integer") for name in ("low", "high", "x")),
        Column(name="town", kind="category", categories=("a", "b")),
        Column(name="land", kind="category", categories=("A", "B")),
    ]
)
RULES: list[Constraint] = [
    Inequality(rule="inequality", low="low", high="high"),
    Range(rule="range", column="x", low=0, high=9, allow=0.4),
    Combination(rule="combination", columns=("town", "land")),
    Unique(rule="unique", columns=("x",)),
]
REAL = constrained(
    Table.of({"low": [1, 2, 3], "high": [1, 5, 6], "x": [0, 4, 10], "town": [0, 1, 1], "land": [0, 1, 1]}, PLAIN),
    RULES,
)
MADE = Table.of(
    {"low": [3, 2, 2], "high": [1, 5, 1], "x": [1, 1, 2], "town": [0, 1, 0], "land": [0, 1, 1]}, REAL.schema
)


def test_facts_are_counts_by_hand() -> None:
    found = constraint_facts({"real": REAL, "synthetic": MADE})
    assert [(one["rule"], one["how"]) for one in found] == [
        ("inequality", "construction"),
        ("range", "bound"),
        ("combination", "construction"),
        ("unique", "rejection"),
    ]
    assert [one["broken"]["real"] for one in found] == [0, 1, 0, 0]
    assert [one["broken"]["synthetic"] for one in found] == [2, 0, 1, 1]


def test_what_rows_break_comes_first_then_what_cost_most() -> None:
    run = Evidence([], {"sample": {"unusable": {"breaks x: no two rows alike": 5, "no town": 3}, "made": [10, 10]}})
    facts = constraint_facts({"real": REAL, "synthetic": REAL, "holdout": MADE})
    lines = constraints_block(facts, {"real": 3, "synthetic": 3, "holdout": 3}, run)
    assert [line["rule"] for line in lines] == ["range", "unique", "inequality", "combination"]
    assert lines[1]["rejected"] == "5"
    assert lines[1]["rejected_share"].startswith("25.0")
    assert lines[0]["broken"]["real"].startswith("1 (33.3")
    assert lines[2]["broken"]["holdout"].startswith("2 (66.7")
    assert [line["how"] for line in lines[:2]] == ["as a bound of the column, and by rejection", "by rejection"]


def test_nothing_is_claimed_of_runs_that_do_not_tell() -> None:
    lines = constraints_block(constraint_facts({"real": REAL, "synthetic": REAL}), {}, Evidence([], {}))
    assert {line["rejected"] for line in lines} == {"–"}


@pytest.mark.parametrize("found", [None, [], "words"])
def test_no_block_without_constraints(found: object) -> None:
    assert constraints_block(found, {}, Evidence([], {})) == []


def test_no_facts_without_constraints() -> None:
    plain = Table(REAL.table, PLAIN)
    assert constraint_facts({"real": plain, "synthetic": plain}) == []
