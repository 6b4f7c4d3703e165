"""Moments of children are told by one of their owner where that tells more, and never come before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from lookalike.core.events import Note
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.readers.tables import Tables
from lookalike.data.relations import Relations
from lookalike.generators.tables.families.since import Since, since
from lookalike.generators.tables.nested import Nested

DAY = 86_400.0
Values = npt.NDArray[np.float64]


def stays(folder: Path, form: str, order: bool) -> Relations:
    """Return customers who signed up over four years, with orders that follow, most of them soon."""
    draw, n = np.random.default_rng(0), 400
    signed = draw.integers(0, 1500 * 86_400, n)
    owner = np.repeat(np.arange(n), draw.poisson(3, n))
    ordered = signed[owner] + draw.exponential(90 * DAY, len(owner)).astype(int)
    start = pd.Timestamp("2020-01-01")
    for name, columns in (
        ("customers", {"customer": np.arange(n), "signed": (start + pd.to_timedelta(signed, "s")).strftime(form)}),
        ("orders", {"customer": owner, "ordered": (start + pd.to_timedelta(ordered, "s")).strftime(form)}),
    ):
        more = {"price": draw.gamma(2, 10, len(owner)).round(2)} if name == "orders" else {"kind": ["a", "b"] * 200}
        pd.DataFrame({**columns, **more}).to_csv(folder / f"{name}.csv", index=False)
    (folder / "read").mkdir()
    place = {"read": "csv", "path": str(folder / "orders.csv"), "parent": {"customers": "customer"}}
    tables = {
        "customers": {"read": "csv", "path": str(folder / "customers.csv"), "key": "customer"},
        "orders": {**place, "order": "ordered"} if order else place,
    }
    return Tables(tables=tables).read(folder / "read")


def gaps(data: Relations) -> Values:
    at = data.tables["customers"].numbers("signed")[data.owners("orders")]
    return np.asarray(data.tables["orders"].numbers("ordered") - np.floor(at / DAY) * DAY) / DAY


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"])
def test_orders_follow_their_customer_as_in_the_data(tmp_path: Path, form: str, order: bool) -> None:
    data = stays(tmp_path, form, order)
    told: list[object] = []
    model = Nested().fit(data, Rng(0), told.append)
    made = model.sample(400, Rng(1))
    real, found = gaps(data), gaps(made)
    assert found.min() >= 0
    assert found.max() <= real.max() + 1
    at = made.tables["customers"].numbers("signed")[made.owners("orders")]
    assert (made.tables["orders"].numbers("ordered") >= at).all()
    np.testing.assert_allclose(np.quantile(found, [0.1, 0.5, 0.9]), np.quantile(real, [0.1, 0.5, 0.9]), rtol=0.3)
    last = made.tables["orders"].numbers("ordered")
    assert last.max() <= data.tables["orders"].numbers("ordered").max()
    if order:
        assert (np.diff(last)[np.diff(made.owners("orders")) == 0] >= 0).all()
    notes = [event.message for event in told if isinstance(event, Note)]
    assert "orders: ordered is learnt as the time since signed of the owner, before which it never comes" in notes
    model.save(tmp_path / "model")
    again = Nested().load(tmp_path / "model").sample(3, Rng(1))
    assert again.fingerprint() == model.sample(3, Rng(1)).fingerprint()


def test_what_tells_less_than_nothing_is_not_used() -> None:
    draw, owner = np.random.default_rng(0), np.arange(300)
    born, moment = Column(name="born", kind="datetime"), Column(name="when", kind="datetime")
    births = draw.integers(0, 20_000, 300) * DAY
    # All come after all births; but births say nothing of when in one year.
    assert (
        since({"when": (moment, births.max() + draw.integers(1, 365, 300) * DAY)}, {"born": (born, births)}, owner)
        == ()
    )
    crossing = births + draw.integers(-5, 5, 300) * DAY
    assert since({"when": (moment, crossing)}, {"born": (born, births)}, owner) == ()
    gaps_ = births.copy()
    gaps_[3] = np.nan
    assert since({"when": (moment, births + DAY)}, {"born": (born, gaps_)}, owner) == ()
    assert since({"when": (moment, births + DAY)}, {"born": (born, births)}, np.arange(5)) == ()


def test_the_nearest_moment_of_the_owner_is_taken_from_either_side() -> None:
    draw, owner = np.random.default_rng(0), np.arange(300)
    column = Column(name="x", kind="datetime")
    start = draw.integers(0, 5_000, 300) * DAY
    end = start + draw.integers(100, 400, 300) * DAY
    own = {"x": (column, end - draw.integers(0, 5, 300) * DAY + 3600.0)}
    (found,) = since(own, {"start": (column, start), "end": (column, end)}, owner)
    assert (found.owner, found.low, found.high, found.exact) == ("end", -4 * DAY + 3600, 3600.0, False)
    assert found.told == "x is learnt as the time until end of the owner, after whose day it never comes"
    apart = found.apart(own["x"][1], end)
    np.testing.assert_array_equal(found.moments(apart, end), own["x"][1])
    assert found.moments(np.array([9 * DAY]), end[:1])[0] == end[0] + 3600


def test_the_stretch_of_all_moments_gives_way_to_the_owner() -> None:
    one = Since("x", "p", 0.0, 100 * DAY, 0.0, 50 * DAY, exact=True)
    np.testing.assert_array_equal(one.moments(np.array([10.0, 90.0]) * DAY, np.array([45.0, 60.0]) * DAY),
                                  np.array([50.0, 60.0]) * DAY)  # fmt: skip


def test_a_missing_moment_stays_missing() -> None:
    one = Since("x", "p", 0.0, 100 * DAY, 0.0, 500 * DAY, exact=True)
    assert np.isnan(one.moments(one.apart(np.array([np.nan]), np.array([DAY])), np.array([DAY]))).all()
