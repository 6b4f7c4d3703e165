"""Planted copies go, unseen rows stay, and rows that are equal by chance are no copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.data.people import codes, people, reference

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.table import Table, concatenate_tables
from lookalike.filters.tabular import near_copy
from lookalike.filters.tabular.near_copy import NearCopy
from lookalike.techniques.neighbours import k_nearest


@pytest.fixture(scope="module")
def real() -> Reference[Table]:
    return reference()


def moved(data: Table, name: str, by: float) -> Table:
    columns: dict[str, Any] = {column.name: data.values(column.name) for column in data.schema.columns}
    columns[name] = np.asarray(columns[name]) + by
    return Table.of(columns, data.schema)


def test_copies_of_training_rows_are_dropped_and_unseen_rows_kept(real: Reference[Table]) -> None:
    unseen, copies = people(500, 7), real.train.take(np.array([5, 9, 9]))
    chosen = NearCopy().select(concatenate_tables([copies, unseen]), real, Rng(0))
    assert {0, 1, 2} <= set(chosen.reasons)
    assert len(chosen.reasons) - 3 <= 0.04 * len(unseen)
    assert chosen.dropped["equal to a training row"] == 3
    assert chosen.reasons[0].startswith("near_copy: equal to a training row")


def test_a_slightly_changed_copy_is_dropped(real: Reference[Table]) -> None:
    changed = moved(real.train.take(np.arange(50)), "since", 3600.0)
    found = NearCopy().select(changed, real, Rng(0))
    assert len(found.index) == 0
    assert list(found.dropped) == ["nearer to a training row than 1 % of unseen real rows"]


def test_the_share_of_holdout_rows_rejected_is_the_quantile(real: Reference[Table]) -> None:
    for quantile in (0.0, 0.1, 0.5):
        lost = len(NearCopy(quantile=quantile).select(real.holdout, real, Rng(0)).reasons)
        assert lost == pytest.approx(quantile * len(real.holdout), abs=2)


def test_rows_equal_by_chance_stay_unless_asked() -> None:
    real = Reference(codes(600, 0, 4), codes(300, 1, 4))
    assert len(NearCopy().select(codes(200, 2, 4), real, Rng(0)).index) == 200
    strict = NearCopy(equal=True).select(codes(200, 2, 4), real, Rng(0))
    known = set(real.train.row_hashes())
    assert set(strict.reasons) == {row for row, print_ in enumerate(codes(200, 2, 4).row_hashes()) if print_ in known}


def test_without_a_holdout_training_rows_take_its_place(real: Reference[Table]) -> None:
    alone = Reference(real.train, Table.empty(real.train.schema))
    chosen = NearCopy().select(real.train.take(np.arange(3)), alone, Rng(0))
    assert len(chosen.index) == 0
    assert "training rows among themselves" in chosen.reasons[0]


def test_without_real_rows_it_says_so(real: Reference[Table]) -> None:
    with pytest.raises(ConfigError, match="remove the filter"):
        NearCopy().select(real.train, None, Rng(0))


def test_a_growing_pool_is_searched_from_where_it_grew(real: Reference[Table], monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle is a search of all rows."""
    pool = concatenate_tables([people(200, 11), real.train.take(np.arange(20)), people(100, 12)])
    near_copy._searched.clear()
    whole = NearCopy().select(pool, real, Rng(0))
    near_copy._searched.clear()
    searched: list[int] = []

    def counted(query: Any, *rest: Any, **more: Any) -> Any:
        searched.append(len(query))
        return k_nearest(query, *rest, **more)

    monkeypatch.setattr(near_copy, "k_nearest", counted)
    for size in (0, 150, 210, 320):
        chosen = NearCopy().select(pool.take(np.arange(size)), real, Rng(0))
        assert chosen.reasons == {row: why for row, why in whole.reasons.items() if row < size}
    assert searched == [150, 60, 110]
    assert len(whole.reasons) >= 20
    strict = NearCopy(quantile=0.5).select(pool, real, Rng(0))
    assert len(strict.reasons) > len(whole.reasons)
