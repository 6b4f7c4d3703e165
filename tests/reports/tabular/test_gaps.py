"""Missing values: shares counted by hand, the worst first, and pairs that lack their values in the same rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lookalike.core.schema import Column
from lookalike.data.table import Table, table_schema
from lookalike.reports.tabular.gaps import missing_block, missing_facts

SCHEMA = table_schema(
    [
        Column(name="a", kind="number", optional=True),
        Column(name="b", kind="category", categories=("x",), optional=True),
        Column(name="c", kind="integer", optional=True),
        Column(name="whole", kind="integer"),
        Column(name="note", kind="text", optional=True),
    ]
)


def table(gone: np.ndarray) -> Table:
    n = len(gone)
    return Table.of(
        {
            "a": np.where(gone[:, 0], np.nan, 1.0),
            "b": np.where(gone[:, 1], -1, 0),
            "c": np.where(gone[:, 2], np.nan, 1.0),
            "whole": np.ones(n),
            "note": [None] * n,
        },
        SCHEMA,
    )


def gaps(seed: int, n: int, rate: float) -> np.ndarray:
    draw = np.random.default_rng(seed)
    both = draw.random(n) < rate
    return np.stack([both, both | (draw.random(n) < 0.1), draw.random(n) < 0.3], axis=1)


def test_shares_equal_a_count_by_hand() -> None:
    flags = {"real": gaps(0, 200, 0.2), "synthetic": gaps(1, 100, 0.6), "holdout": gaps(2, 50, 0.2)}
    found = missing_facts({name: table(values) for name, values in flags.items()})
    place = {"a": 0, "b": 1, "c": 2}
    assert {one["name"] for one in found["columns"]} == set(place)
    for one in found["columns"]:
        assert one["missing"] == {name: pytest.approx(v[:, place[one["name"]]].mean()) for name, v in flags.items()}
    assert found["columns"][-1]["name"] == "c"
    pairs = {tuple(sorted(one["names"])): one["missing"] for one in found["pairs"]}
    assert set(pairs) == set(itertools.combinations("abc", 2))
    for (one, other), shares in pairs.items():
        for name, values in flags.items():
            assert shares[name] == pytest.approx((values[:, place[one]] & values[:, place[other]]).mean(), abs=1e-6)
    assert set(found["pairs"][0]["names"]) == {"a", "b"}


def test_lines_are_written_and_folded() -> None:
    found = {
        "columns": [{"name": f"c{k}", "missing": {"real": 0.1, "synthetic": 0.2}} for k in range(13)],
        "pairs": [{"names": ["x", "y"], "missing": {"real": 0.0, "synthetic": 0.004}}],
    }
    block = missing_block(found)
    assert block is not None
    assert (len(block["columns"]), len(block["more"]), block["total"]) == (10, 3, 13)
    assert block["pairs"][0]["name"] == "x and y"
    assert block["columns"][0]["synthetic"].startswith("20.0")
    assert block["columns"][0]["holdout"] == "–"


def test_nothing_missing_gives_no_block() -> None:
    none = table(np.zeros((4, 3), dtype=bool))
    assert missing_block(missing_facts({"real": none, "synthetic": none})) is None
    assert missing_block(None) is None


def test_no_rows() -> None:
    none = table(np.zeros((0, 3), dtype=bool))
    assert missing_facts({"real": none, "synthetic": none}) == {"columns": [], "pairs": []}
