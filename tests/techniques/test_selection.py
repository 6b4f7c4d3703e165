"""Rows with a reason go, all others stay."""

from __future__ import annotations

from lookalike.techniques.selection import without


def test_every_row_is_accounted_for() -> None:
    found = without(5, {4: "b", 1: "a", 2: "b"}, "rule")
    assert found.index.tolist() == [0, 3]
    assert found.weight.tolist() == [1.0, 1.0]
    assert found.dropped == {"a": 1, "b": 2}
    assert found.reasons == {1: "rule: a", 2: "rule: b", 4: "rule: b"}
    assert without(2, {}, "rule").index.tolist() == [0, 1]
