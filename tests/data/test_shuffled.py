from __future__ import annotations

import numpy as np
from tests.data.people import people

from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_columns, shuffled_pixels


def test_shuffling_keeps_each_pixel_and_breaks_what_holds_them_together(digits: Images) -> None:
    data = digits.take(np.arange(500))
    before = data.pixels.copy()
    found = shuffled_pixels(data, np.random.default_rng(0))
    assert (np.sort(found.pixels, axis=0) == np.sort(before, axis=0)).all()
    assert (data.pixels == before).all()
    assert (found.labels == data.labels).all()
    near = [np.corrcoef(x[:, 3, 3, 0], x[:, 4, 3, 0])[0, 1] for x in (before, found.pixels)]
    assert abs(near[1]) < 0.15 < abs(near[0])


def test_shuffling_columns_keeps_each_and_breaks_what_holds_them_together() -> None:
    data = people(500, 0)
    found = shuffled_columns(data, np.random.default_rng(0))
    for name in ("age", "since"):
        assert (np.sort(found.numbers(name)) == np.sort(data.numbers(name))).all()
    assert (np.bincount(found.codes("town")) == np.bincount(data.codes("town"))).all()
    assert found.missing("pay").sum() == data.missing("pay").sum()
    assert set(map(str, found.strings("key"))) == set(map(str, data.strings("key")))
    apart = [abs(np.corrcoef(rows.numbers("age"), rows.numbers("since"))[0, 1]) for rows in (data, found)]
    assert apart[0] > 0.4
    assert apart[1] < 0.15
