"""What describes the children of a parent, by plain loops."""

from __future__ import annotations

import numpy as np

from lookalike.core.schema import Column
from lookalike.generators.tables.families.children import described


def test_the_mean_and_the_commonest_value_are_pulled_by_what_chance_has_in_them() -> None:
    draw = np.random.default_rng(0)
    owner = np.repeat(np.arange(7), [3, 0, 5, 1, 0, 4, 6])
    numbers = np.where(draw.random(len(owner)) < 0.2, np.nan, owner + 0.5 * draw.normal(size=len(owner)))
    codes = np.where(draw.random(len(owner)) < 0.3, draw.integers(-1, 3, len(owner)), owner % 3)
    own = {
        "x": (Column(name="x", kind="number"), numbers),
        "c": (Column(name="c", kind="category", categories=("a", "b", "c")), codes),
    }
    found = described(own, owner, 7, "of")
    known = ~np.isnan(numbers)
    alike = intraclass(numbers[known], owner[known])
    for family in range(7):
        there = numbers[(owner == family) & known]
        middle = numbers[known].mean()
        weight = len(there) * alike / (1 + max(len(there) - 1, 0) * alike)
        expected = middle + weight * (there.mean() - middle) if len(there) else np.nan
        np.testing.assert_allclose(np.asarray(found["of x"][1])[family], expected, equal_nan=True)
        of_family = codes[owner == family].tolist()
        best = max(sorted(set(of_family)), key=of_family.count) if of_family else -1
        assert np.asarray(found["of c"][1])[family] in (best, -1)
    assert all(column.optional for column, _ in found.values())


def intraclass(values: np.ndarray, owner: np.ndarray) -> float:
    groups = [values[owner == one] for one in np.unique(owner)]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / sum(len(group) - 1 for group in groups)
    return float(1 - within / ((values - values.mean()) ** 2).mean())


def test_what_siblings_do_not_share_is_not_described() -> None:
    draw = np.random.default_rng(0)
    owner = np.repeat(np.arange(2000), 2)
    own = {
        "own": (Column(name="own", kind="number"), draw.normal(size=4000)),
        "shared": (Column(name="shared", kind="number"), np.repeat(draw.normal(size=2000), 2)),
        "same": (Column(name="same", kind="category", categories=("a",)), np.zeros(4000, dtype=np.int64)),
    }
    assert list(described(own, owner, 2000, "of")) == ["of shared"]
