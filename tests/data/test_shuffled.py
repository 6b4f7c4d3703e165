from __future__ import annotations

import numpy as np

from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels


def test_shuffling_keeps_each_pixel_and_breaks_what_holds_them_together(digits: Images) -> None:
    data = digits.take(np.arange(500))
    before = data.pixels.copy()
    found = shuffled_pixels(data, np.random.default_rng(0))
    assert (np.sort(found.pixels, axis=0) == np.sort(before, axis=0)).all()
    assert (data.pixels == before).all()
    assert (found.labels == data.labels).all()
    near = [np.corrcoef(x[:, 3, 3, 0], x[:, 4, 3, 0])[0, 1] for x in (before, found.pixels)]
    assert abs(near[1]) < 0.15 < abs(near[0])
