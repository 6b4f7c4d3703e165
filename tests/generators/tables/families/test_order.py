"""What gives the order comes back from its place between neighbours, and never leaves them."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.schema import Column
from lookalike.generators.tables.families.order import SPAN, Known, Order

HOUR, DAY = 3600.0, 86_400.0


def known(values: np.ndarray) -> tuple[Order, Known]:
    column = Column(name="at", kind="datetime")
    return Order.of(column, values), {"x": (Column(name="x", kind="number"), values * 2), "at": (column, values)}


def test_moments_are_days_and_a_time_of_day() -> None:
    values = np.sort(np.random.default_rng(0).integers(0, 24 * 90, 50)) * HOUR
    order, columns = known(values)
    assert order.timed
    parts = order.taken_apart(columns)
    assert list(parts) == ["at", "at clock", "x"]
    assert (np.asarray(parts["at"][1]) % DAY == 0).all()
    made = order.joined({name: np.asarray(found) for name, (_, found) in parts.items()}, np.zeros(50, dtype=np.int64))
    np.testing.assert_array_equal(made["at"], values)
    np.testing.assert_array_equal(made["x"], values * 2)


def test_rows_of_each_owner_come_in_their_order() -> None:
    values = np.array([5.0, 3, 9, 1]) * HOUR
    order, columns = known(values)
    parts = {name: np.asarray(found) for name, (_, found) in order.taken_apart(columns).items()}
    made = order.joined(parts, np.array([0, 0, 1, 1]))
    assert (made["at"] / HOUR).tolist() == [3, 5, 1, 9]
    assert (made["x"] / HOUR).tolist() == [6, 10, 2, 18]


@pytest.mark.parametrize("step", [1.0, None])
def test_a_place_between_neighbours_is_undone(step: float | None) -> None:
    draw = np.random.default_rng(1)
    sides = np.sort(draw.integers(0, 100, (200, 3)).astype(np.float64), axis=1)
    left, value, right = sides.T
    column = Column(name="at", kind="integer" if step else "number")
    order = Order.of(column, sides)
    assert not order.timed
    target: Known = {"at": (column, value)}
    around: Known = {"left at": (column, left), "right at": (column, right)}
    seen, learnt = order.placed(around, target)
    np.testing.assert_array_equal(seen[SPAN][1], right - left)
    share = np.asarray(learnt["at"][1])
    assert ((share >= 0) & (share <= 1)).all()
    np.testing.assert_allclose(order.values(left, share, right), value, atol=1e-9)
    wild = order.values(left, draw.normal(0, 9, 200), right)
    assert ((wild >= left) & (wild <= right)).all()
    _, later = order.placed({"left at": (column, left)}, target)
    np.testing.assert_allclose(order.values(left, later["at"][1], None), value, atol=1e-9)
    assert (order.values(left, np.full(200, -5.0), None) >= left).all()
