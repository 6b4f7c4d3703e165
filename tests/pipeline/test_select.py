"""Exactly the asked rows of each class, or a counted shortfall; every lost row has a reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.core.contracts import Index
from lookalike.data.images import Images, concatenate, image_schema
from lookalike.pipeline.select import fill, in_turn

SCHEMA = image_schema(1, 1, 1, ["a", "b", "c"])


class Source:
    """Draws numbered pixels; the filter below rejects by a keyed coin with a rate for each class."""

    def __init__(self) -> None:
        self.parts: list[Images] = []
        self.starts: list[int] = []
        self.delivered: list[list[int]] = []

    def __call__(self, round_: int, start: int, labels: Index, delivered: Index) -> Images:
        self.delivered.append(delivered.tolist())
        self.starts.append(start)
        pixels = ((np.arange(start, start + len(labels)) * 97) % 251).astype(np.uint8).reshape(-1, 1, 1, 1)
        self.parts.append(Images(pixels, labels, SCHEMA))
        return concatenate(self.parts)


def run(asked: list[int], rates: list[float], attempts: float, portion: float = 1.0) -> tuple[Source, Any]:
    source = Source()

    def choose(pool: Images) -> tuple[Index, np.ndarray, dict[int, str], list[dict[str, int]]]:
        good = pool.pixels[:, 0, 0, 0] < np.asarray(rates)[pool.labels] * 251
        reasons = {int(row): "coin" for row in np.flatnonzero(~good)}
        return np.flatnonzero(good), np.ones(int(good.sum())), reasons, [dict(Counter(reasons.values()))]

    limit = int(attempts * sum(asked))
    told: list[int] = []

    def progress(passed: np.ndarray, reasons: Counter[str]) -> None:
        told.append(int(passed.sum()))

    return source, fill(np.array(asked), limit, source, lambda pool: pool.labels, choose, progress, portion)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=3, max_size=3).filter(any),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.floats(1, 8),
    st.sampled_from([1.0, 0.25]),
)
def test_the_quota_is_met_or_the_shortfall_is_counted(
    asked: list[int], rates: list[float], attempts: float, portion: float
) -> None:
    source, chosen = run(asked, rates, attempts, portion)
    accepted = np.bincount(chosen.pool.labels[chosen.accepted], minlength=3)
    assert (accepted + chosen.short == asked).all()
    assert len(chosen.pool) <= max(attempts * sum(asked), sum(asked))
    assert not set(chosen.accepted.tolist()) & set(chosen.reasons)
    assert (np.diff(chosen.accepted) > 0).all()
    if chosen.short.any():
        assert len(chosen.pool) > attempts * sum(asked) - 3
    assert source.starts == np.cumsum([0, *(len(part) for part in source.parts[:-1])]).tolist()


def test_everything_accepted_needs_one_round() -> None:
    source, chosen = run([5, 5, 5], [1, 1, 1], 5)
    assert chosen.rounds == 1
    assert len(source.parts) == 1
    assert chosen.accepted.tolist() == list(range(15))


def test_a_generator_that_learns_is_shown_in_portions_what_was_delivered() -> None:
    source, chosen = run([8, 8, 8], [1, 1, 1], 5, portion=0.25)
    assert chosen.rounds > 2
    assert len(source.parts[0]) == 6
    assert source.delivered[0] == []
    assert source.delivered[1] == list(range(6))
    assert len(chosen.accepted) == 24


def test_only_what_is_missing_is_drawn_again() -> None:
    source, chosen = run([50, 50, 50], [1, 1, 0.5], 10)
    assert not chosen.short.any()
    assert set(source.parts[1].labels.tolist()) == {2}


def test_nothing_passes() -> None:
    _, chosen = run([4, 4, 4], [0, 0, 0], 3)
    assert len(chosen.accepted) == 0
    assert chosen.short.tolist() == [4, 4, 4]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.integers(1, 7))
def test_rows_that_belong_together_follow_each_other(runs: list[int], together: int) -> None:
    labels = in_turn(np.array(runs) * together, together).reshape(-1, together)
    assert (labels == labels[:, :1]).all()
    assert labels[:, 0].tolist() == in_turn(np.array(runs)).tolist()


def test_a_run_asks_for_them_side_by_side() -> None:
    source = Source()
    asked: list[Any] = []

    def draw(round_: int, start: int, wanted: Index, delivered: Index) -> Any:
        asked.append(wanted.tolist())
        return source(round_, start, wanted, delivered)

    def every(pool: Images) -> tuple[Index, np.ndarray, dict[int, str], list[dict[str, int]]]:
        return np.arange(len(pool)), np.ones(len(pool)), {}, []

    fill(np.array([4, 2]), 9, draw, lambda pool: pool.labels, every, lambda *_: None, together=2)
    assert asked == [[0, 0, 1, 1, 0, 0]]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_cells_take_turns(counts: list[int]) -> None:
    labels = in_turn(np.array(counts))
    assert np.bincount(labels, minlength=len(counts)).tolist() == counts
