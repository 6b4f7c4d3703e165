"""Planted copies go, unseen rows stay."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.images import Images, concatenate
from lookalike.filters.image.near_copy import NearCopy


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(digits.take(np.arange(700)), digits.take(np.arange(700, 1200)))


def test_copies_of_training_rows_are_dropped_and_unseen_rows_kept(real: Reference[Images], digits: Images) -> None:
    unseen, copies = digits.take(np.arange(1200, 1700)), real.train.take(np.array([5, 9, 9]))
    chosen = NearCopy().select(concatenate([copies, unseen]), real, Rng(0))
    assert {0, 1, 2} <= set(chosen.reasons)
    assert len(chosen.reasons) - 3 <= 0.04 * len(unseen)
    assert all("unseen real rows" in reason for reason in chosen.reasons.values())


def test_a_slightly_changed_copy_is_dropped(real: Reference[Images]) -> None:
    pixels = real.train.pixels[:20].astype(int)
    pixels[:, 3, 3] = np.clip(pixels[:, 3, 3] + 6, 0, 255)
    changed = Images(pixels.astype(np.uint8), real.train.labels[:20], real.train.schema)
    assert len(NearCopy().select(changed, real, Rng(0)).index) == 0


def test_the_share_of_holdout_rows_rejected_is_the_quantile(real: Reference[Images]) -> None:
    for quantile in (0.0, 0.1, 0.5):
        lost = len(NearCopy(quantile=quantile).select(real.holdout, real, Rng(0)).reasons)
        assert lost == pytest.approx(quantile * len(real.holdout), abs=2)


def test_without_a_holdout_training_rows_take_its_place(real: Reference[Images]) -> None:
    alone = Reference(real.train, real.holdout.take(np.zeros(0, dtype=np.int64)))
    chosen = NearCopy().select(real.train.take(np.arange(3)), alone, Rng(0))
    assert len(chosen.index) == 0
    assert "training rows among themselves" in chosen.reasons[0]


def test_without_real_rows_it_says_so(real: Reference[Images]) -> None:
    with pytest.raises(ConfigError, match="remove the filter"):
        NearCopy().select(real.train, None, Rng(0))
