"""Equal paths give equal numbers; any difference in the path gives others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.rng import Rng


def test_numbers_depend_on_the_path_and_not_on_what_was_drawn() -> None:
    root = Rng(3)
    first = root.child("noise", 5).numpy().random(4)
    root.child("noise", 4).numpy().random(1000)
    assert (root.child("noise", 5).numpy().random(4) == first).all()


def test_numbers_are_the_same_on_every_machine() -> None:
    assert Rng(0).child("a").integer() == 4_958_483_777_630_469_756
    assert Rng(0).child("a").numpy().integers(0, 1000, 3).tolist() == [627, 994, 824]


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_different_paths_give_different_numbers(left: list[str], right: list[str]) -> None:
    def walk(path: list[str]) -> int:
        rng = Rng(1)
        for name in path:
            rng = rng.child(name)
        return rng.integer()

    assert (walk(left) == walk(right)) == (left == right)


def test_integer_seeds_another_library() -> None:
    values = [Rng(seed).integer() for seed in range(200)]
    assert len(set(values)) == 200
    assert all(0 <= value < 2**63 for value in values)


def test_streams_are_not_correlated() -> None:
    rows = np.stack([Rng(0).child("row", i).numpy().standard_normal(200) for i in range(100)])
    correlation = np.corrcoef(rows)[np.triu_indices(100, 1)]
    assert abs(correlation.mean()) < 0.005
    assert correlation.std() < 0.08
