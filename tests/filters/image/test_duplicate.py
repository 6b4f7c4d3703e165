"""The first of rows that are alike stays; real rows are never looked at."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.rng import Rng
from lookalike.data.images import Images, concatenate
from lookalike.filters.image import duplicate as module
from lookalike.filters.image.duplicate import Duplicate


@pytest.mark.parametrize("block", [7, 512])
def test_every_later_copy_is_dropped(digits: Images, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    rows = digits.take(np.arange(40))
    data = concatenate([rows, rows.take(np.array([3, 3, 17])), digits.take(np.arange(40, 45))])
    chosen = Duplicate(ratio=0).select(data, None, Rng(0))
    assert set(chosen.reasons) == {40, 41, 42}
    assert chosen.index.tolist() == [*range(40), 43, 44, 45, 46, 47]


def test_a_chain_of_near_copies_keeps_the_first(digits: Images) -> None:
    one = digits.pixels[:1].astype(int)
    chain = np.concatenate([np.clip(one + step, 0, 255) for step in range(4)]).astype(np.uint8)
    data = concatenate([Images(chain, np.zeros(4, np.int64), digits.schema), digits.take(np.arange(100, 200))])
    kept = Duplicate().select(data, None, Rng(0)).index
    assert 0 in kept
    assert not {1, 2, 3} & set(kept.tolist())


def test_different_rows_stay(digits: Images) -> None:
    assert len(Duplicate().select(digits.take(np.arange(300)), None, Rng(0)).reasons) <= 3


def test_one_row_and_none(digits: Images) -> None:
    assert Duplicate().select(digits.take(np.array([4])), None, Rng(0)).index.tolist() == [0]
    assert Duplicate().select(digits.take(np.zeros(0, dtype=np.int64)), None, Rng(0)).index.tolist() == []
