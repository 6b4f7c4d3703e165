"""What is kept looks more like the training rows, and like unseen ones, than what was made."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.people import codes, people, reference

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.shuffled import shuffled_columns
from lookalike.data.table import Table
from lookalike.filters.tabular.refine import Refine
from lookalike.metrics.tabular.pair_distance import PairDistance


@pytest.fixture(scope="module")
def real() -> Reference[Table]:
    return reference()


def test_pairs_of_columns_come_nearer_to_unseen_rows(real: Reference[Table]) -> None:
    made = shuffled_columns(people(3000, 5), np.random.default_rng(0))
    kept = Refine(keep=0.3).select(made, real, Rng(0))
    assert len(kept.index) == 900
    values = [
        PairDistance().score(real, rows, Rng(0)).value
        for rows in (made.take(np.arange(900)), made.take(kept.index), people(900, 6))
    ]
    assert values[1] < values[0] - 0.4 * (values[0] - values[2])


def test_classes_keep_the_shares_that_were_asked_for(real: Reference[Table]) -> None:
    pool = people(3000, 5)
    few = np.sort(np.concatenate([np.flatnonzero(pool.labels == k)[:400] for k in (0, 1)]))
    kept = Refine(keep=0.5).select(pool.take(few), real, Rng(0))
    assert pool.take(few[kept.index]).counts() == pytest.approx([200, 200], abs=6)


def test_every_row_goes_with_the_reason_and_the_same_each_time(real: Reference[Table]) -> None:
    first, second = (Refine().select(people(101, 5), real, Rng(0)) for _ in range(2))
    assert first.index.tolist() == second.index.tolist()
    assert len(first.index) == 51
    assert list(first.dropped.values()) == [50]
    assert len(Refine(keep=1).select(people(101, 5), real, Rng(0)).index) == 101
    assert len(Refine().select(Table.empty(real.train.schema), real, Rng(0)).index) == 0


def test_one_column_is_enough() -> None:
    real = Reference(codes(300, 0, 1), codes(100, 1, 1))
    assert len(Refine().select(codes(50, 2, 1), real, Rng(0)).index) == 25


def test_without_real_rows_it_says_so() -> None:
    with pytest.raises(ConfigError, match="remove the filter"):
        Refine().select(people(10, 5), None, Rng(0))
