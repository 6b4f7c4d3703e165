"""Rows with a wrong label go; the share kept is the share asked."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.filters.image.confidence import Confidence

pytestmark = pytest.mark.usefixtures("few_steps")


@pytest.fixture(scope="module")
def real(digits: Images) -> Reference[Images]:
    return Reference(digits.take(np.arange(900)), digits.take(np.arange(900, 1200)))


def test_wrong_labels_are_rejected(real: Reference[Images], digits: Images) -> None:
    data = digits.take(np.arange(1200, 1500))
    labels = data.labels.copy()
    labels[:50] = (labels[:50] + 1) % 10
    chosen = Confidence().select(Images(data.pixels, labels, data.schema), real, Rng(0))
    assert sum(row < 50 for row in chosen.reasons) >= 48
    assert sum(row >= 50 for row in chosen.reasons) <= 20


def test_the_share_asked_of_each_class_is_kept(real: Reference[Images]) -> None:
    chosen = Confidence(minimum=0, keep=0.6).select(real.holdout, real, Rng(0))
    before, after = real.holdout.counts(), real.holdout.take(chosen.index).counts()
    assert (after == np.ceil(0.6 * before)).all()


def test_nothing_is_asked_and_nothing_is_lost(real: Reference[Images]) -> None:
    assert len(Confidence(minimum=0).select(real.holdout, real, Rng(0)).index) == len(real.holdout)


def test_without_real_rows_it_says_so(real: Reference[Images]) -> None:
    with pytest.raises(ConfigError, match="remove the filter"):
        Confidence().select(real.train, None, Rng(0))
