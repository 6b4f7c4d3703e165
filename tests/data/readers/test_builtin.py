"""The digits that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lookalike.data.images import Images
from lookalike.data.readers.builtin import Builtin


def test_the_digits_use_the_full_range(read: Callable[..., Images], digits: Images) -> None:
    data = read("builtin", name="digits")
    assert data.pixels.shape == (1797, 8, 8, 1)
    assert (data.pixels.min(), data.pixels.max()) == (0, 255)
    assert len(np.unique(data.pixels)) == 17
    assert data.classes == tuple("0123456789")
    assert (data.counts() == digits.counts()).all()
    assert sorted(data.row_hashes()) == sorted(digits.row_hashes())
    assert Builtin().state() == Builtin(size=[4, 4]).state()
