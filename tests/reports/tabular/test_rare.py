"""Rare classes and values: shares counted by hand, losses beside those of chance, and no value of a few rows named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookalike.core.schema import Column
from lookalike.data.table import BOOLEANS, Table, table_schema
from lookalike.reports.tabular.rare import rare_block, rare_facts

TOWNS = ("common", "few", "some", "secret", "absent")
SCHEMA = table_schema(
    [
        Column(name="town", kind="category", categories=TOWNS, optional=True),
        Column(name="ill", kind="boolean", categories=BOOLEANS, stored="no|yes"),
        Column(name="x", kind="number"),
    ],
    "ill",
)


def table(counts: list[int], ill: int) -> Table:
    codes = np.repeat(np.arange(len(TOWNS)), counts)
    n = len(codes)
    return Table.of({"town": codes, "ill": np.arange(n) < ill, "x": np.zeros(n)}, SCHEMA)


REAL, MADE, HELD = table([4935, 20, 40, 5, 0], 100), table([1000, 0, 0, 0, 0], 40), table([990, 5, 5, 0, 0], 20)


def test_shares_equal_a_count_by_hand() -> None:
    found = rare_facts({"real": REAL, "synthetic": MADE, "holdout": HELD})
    assert found["classes"] == [
        {"name": "yes", "share": {"real": 0.02, "synthetic": 0.04, "holdout": 0.02}},
        {"name": "no", "share": {"real": 0.98, "synthetic": 0.96, "holdout": 0.98}},
    ]
    (column,) = found["columns"]
    assert (column["name"], column["rare"], column["never"]) == ("town", 3, 1.0)
    assert column["share"] == {"real": 0.013, "synthetic": 0.0, "holdout": 0.01}
    assert [one["name"] for one in found["levels"]] == ["some", "few"]
    assert "secret" not in json.dumps(found)


def test_what_chance_would_lose_is_what_drawing_loses() -> None:
    """The oracle draws as many rows from the real ones, again and again."""
    (column,) = rare_facts({"real": REAL, "synthetic": MADE})["columns"]
    draw = np.random.default_rng(0)
    codes = np.asarray(REAL.codes("town"))
    lost = [(np.bincount(draw.choice(codes, len(MADE)), minlength=5)[1:4] == 0).mean() for _ in range(2000)]
    assert column["by_chance"] == pytest.approx(np.mean(lost), abs=0.01)


def test_the_block() -> None:
    block = rare_block(rare_facts({"real": REAL, "synthetic": MADE, "holdout": HELD}))
    assert block is not None
    assert block["classes"][0]["holdout"].startswith("2.0")
    assert block["columns"][0]["never"].startswith("100")
    assert block["levels"][0]["column"] == "town"


def test_nothing_rare() -> None:
    schema = table_schema([Column(name="t", kind="category", categories=("a", "b"))])
    plain = Table.of({"t": np.arange(10) % 2}, schema)
    assert rare_block(rare_facts({"real": plain, "synthetic": plain})) is None
    assert rare_block(None) is None


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows: int) -> None:
    few = REAL.take(np.arange(rows))
    rare_block(rare_facts({"real": few, "synthetic": few}))
    rare_block(rare_facts({"real": REAL, "synthetic": few}))
