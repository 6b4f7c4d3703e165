"""What a report names: counts by hand, axes that no single row decides, and a page that tells of no rare person."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.schema import Column
from lookalike.data.table import BOOLEANS
from lookalike.reports.tabular.named import axis, nameable, pooled

TOWN = Column(name="town", kind="category", categories=("a", "b", "c", "d"))
NUMBER, WHOLE = Column(name="x", kind="number"), Column(name="n", kind="integer")
DAY = Column(name="day", kind="datetime", stored="%Y-%m-%d")


def test_ten_training_rows_make_a_name() -> None:
    counts = np.array([9, 10, 0, 500])
    assert nameable(TOWN, counts).tolist() == [False, True, False, True]
    assert nameable(TOWN, counts, label=True).all()
    assert nameable(Column(name="ok", kind="boolean", categories=BOOLEANS), np.array([1, 9])).all()


def test_others_are_pooled_and_those_that_nobody_has_are_not_counted() -> None:
    shares = {"real": np.array([0.1, 0.9, 0.0, 0.0]), "synthetic": np.array([0.0, 1.0, 0.0, 0.0])}
    names, found = pooled("abcd", np.array([False, True, False, False]), shares)
    assert names == ["b", "rare values (1)"]
    assert found["real"].tolist() == [0.9, 0.1]
    assert found["synthetic"].tolist() == [1.0, 0.0]
    names, found = pooled("abcd", np.array([False, True, False, False]), {"real": np.array([0, 1, 0, 0])})
    assert (names, found["real"].tolist()) == (["b"], [1])


@pytest.mark.parametrize(("column", "scale"), [(NUMBER, 1.0), (WHOLE, 100.0), (DAY, 86_400.0 * 300)])
def test_an_axis_does_not_tell_the_ends(column: Column, scale: float) -> None:
    """The twin: other values of the nine lowest and highest rows, and the axis is the same."""
    real = np.sort(np.random.default_rng(0).normal(size=400)) * scale
    other = real.copy()
    other[:9], other[-9:] = -1e9 * scale, 1e9 * scale
    edges = axis(column, real, real, 24)
    assert edges.tolist() == axis(column, other, real, 24).tolist()
    assert edges[0] <= real[9] + 0.5
    assert edges[-1] >= real[-10] - 0.5
    assert 10 <= len(edges) - 1 <= 26
    assert not set(edges) & set(real)


def test_an_axis_of_few_rows_is_that_of_the_synthetic_ones() -> None:
    made = np.linspace(0, 10, 50)
    edges = axis(NUMBER, np.array([-77.0, 3.0, 1234.0]), made, 24)
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(10, abs=0.6)
    assert len(axis(NUMBER, np.zeros(0), np.zeros(0), 24)) > 1


@pytest.mark.parametrize("value", [0.0, -3.5, 1e300, 2.0**63, 1e-300])
def test_a_constant_and_huge_numbers_have_an_axis(value: float) -> None:
    for column in (NUMBER, WHOLE):
        edges = axis(column, np.full(30, value), np.full(30, value), 24)
        assert 2 <= len(edges) < 40
        assert (np.diff(edges) > 0).all() or abs(value) > 1e15
