"""Few times of day: taken apart and put together again they are the same, and whatever is drawn, no other is made."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.errors import ConfigError
from lookalike.core.registry import configured
from lookalike.core.rng import Rng
from lookalike.core.schema import Column
from lookalike.data.clock import DAY, Clock, clock_of
from lookalike.data.reduced import Reduction, reduction_of
from lookalike.data.table import Table, table_schema
from lookalike.pipeline import constrained

HOURS = np.array([6, 14, 22]) * 3600.0


def shifts(n: int = 300, times: np.ndarray = HOURS, gone: float = 0.1, high: float | None = None) -> Table:
    """Rows whose night shift is on even days only."""
    draw = np.random.default_rng(0)
    day = draw.integers(18_000, 18_400, n)
    place = draw.integers(0, len(times), n)
    place = np.where(day % 2 == 1, place % max(len(times) - 1, 1), place)
    start = np.where(draw.random(n) < gone, np.nan, day * DAY + times[place])
    columns = [Column(name="start", kind="datetime", optional=gone > 0, high=high), Column(name="v", kind="integer")]
    return Table.of({"start": start, "v": draw.integers(0, 9, n)}, table_schema(columns))


def clocks(data: Table) -> set[float]:
    moments = data.numbers("start")
    return set(np.round(moments[~np.isnan(moments)] % DAY, 6).tolist())


@pytest.mark.parametrize("times", [HOURS, np.array([0.123]), np.array([0.0, 30_600.5, 63_900.000_001])])
def test_rows_come_back_to_the_microsecond(times: np.ndarray) -> None:
    data = shifts(times=times)
    way = Reduction.model_validate_json(reduction_of(data).model_dump_json())
    (step,) = way.steps
    assert isinstance(step, Clock)
    assert step.times == tuple(times.tolist())
    small = way.reduce(data)
    assert [column.name for column in small.schema.columns] == ["start", "start time", "v"]
    assert not (small.numbers("start")[~small.missing("start")] % DAY).any()
    assert way.restore(small).fingerprint() == data.fingerprint()


def test_days_and_many_times_stay_as_they_are() -> None:
    assert clock_of(shifts(times=np.array([0.0])), "start") is None
    assert clock_of(shifts(times=np.arange(51) * 60.0, n=3000), "start") is None
    assert clock_of(shifts(times=np.arange(50) * 60.0, n=3000), "start") is not None
    assert clock_of(shifts(n=12, gone=0.0), "start") is None
    assert clock_of(shifts(), "v") is None


@pytest.mark.parametrize("name", ["trees", "marginals", "smote", "copula", "mixture"])
@pytest.mark.parametrize("times", [HOURS, np.array([30_600.0, 43_200.0, 63_900.0]), np.array([0.123])])
def test_no_generator_makes_another_time(name: str, times: np.ndarray) -> None:
    data = shifts(times=times)
    fitted = constrained.fit(configured("generators", f"tabular.{name}", {}, ""), data, Rng(0), lambda event: None)
    made = fitted.sample(400, Rng(1))
    assert clocks(made) <= {round(float(time), 6) for time in times}
    assert made.missing("start").any()


def test_the_time_is_learnt_with_the_day() -> None:
    """Nights start on even days alone; trees cannot see parity, but a month without nights they can."""
    draw = np.random.default_rng(0)
    day = draw.integers(18_000, 18_400, 2000)
    place = np.where(day < 18_200, draw.integers(0, 2, 2000), 2)
    data = Table.of({"start": day * DAY + HOURS[place], "v": np.zeros(2000)}, shifts(gone=0).schema)
    fitted = constrained.fit(configured("generators", "tabular.trees", {}, ""), data, Rng(0), lambda event: None)
    made = fitted.sample(1000, Rng(1)).numbers("start")
    late = made >= 18_200 * DAY
    assert (made[late] % DAY == HOURS[2]).mean() > 0.97
    assert (made[~late] % DAY < HOURS[2]).mean() > 0.97


def test_a_moment_can_be_asked_for() -> None:
    data = shifts()
    method = configured("generators", "tabular.trees", {}, "")
    fitted = constrained.fit(method, data, Rng(0), lambda event: None)
    moment = float(data.numbers("start")[~data.missing("start")][0])
    assert (fitted.sample(5, Rng(1), {"start": moment}).numbers("start") == moment).all()
    assert fitted.sample(5, Rng(1), {"start": None}).missing("start").all()
    text = str(np.datetime64(int(moment), "s"))
    assert (fitted.sample(3, Rng(1), {"start": [text] * 3}).numbers("start") == moment).all()


def test_a_bound_is_kept() -> None:
    high = 18_399 * DAY + HOURS[1]
    data = shifts(gone=0.0, n=500)
    kept = data.take(np.flatnonzero(data.numbers("start") <= high))
    bounded = Table.of({name: kept.values(name) for name in ("start", "v")}, shifts(gone=0.0, high=high).schema)
    way = reduction_of(bounded)
    late = Table.of({"start": np.full(3, 18_399 * DAY), "start time": np.arange(3), "v": np.zeros(3)}, way.left())
    assert way.restore(late).numbers("start").max() <= high
    assert clocks(way.restore(late)) == set(HOURS.tolist())


def test_gaps_are_filled_with_times_that_occur() -> None:
    data = shifts()
    fitted = constrained.fit(configured("generators", "tabular.trees", {}, ""), data, Rng(0), lambda event: None)
    whole = fitted.impute(data, Rng(1))  # type: ignore[attr-defined]
    there = ~data.missing("start")
    assert not whole.missing("start").any()
    assert (whole.numbers("start")[there] == data.numbers("start")[there]).all()
    assert clocks(whole) == set(HOURS.tolist())
    with pytest.raises(ConfigError, match="has no log_likelihood"):
        fitted.log_likelihood(data)  # type: ignore[attr-defined]
