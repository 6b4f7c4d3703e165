"""What describes the children of a parent, by plain loops."""

from __future__ import annotations

import numpy as np

from lookalike.core.schema import Column
from lookalike.generators.tables.families.children import described


def test_the_mean_and_the_commonest_value() -> None:
    draw = np.random.default_rng(0)
    owner = np.repeat(np.arange(7), [3, 0, 5, 1, 0, 4, 6])
    numbers = np.where(draw.random(len(owner)) < 0.3, np.nan, draw.normal(size=len(owner)))
    codes = draw.integers(-1, 3, len(owner))
    own = {
        "x": (Column(name="x", kind="number"), numbers),
        "c": (Column(name="c", kind="category", categories=("a", "b", "c")), codes),
    }
    found = described(own, owner, 7, "of")
    for family in range(7):
        there = numbers[owner == family]
        there = there[~np.isnan(there)]
        expected = there.mean() if len(there) else np.nan
        np.testing.assert_allclose(np.asarray(found["of x"][1])[family], expected, equal_nan=True)
        of_family = codes[owner == family].tolist()
        best = max(sorted(set(of_family)), key=of_family.count) if of_family else -1
        assert np.asarray(found["of c"][1])[family] == best
    assert all(column.optional for column, _ in found.values())
