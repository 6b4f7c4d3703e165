"""A quota of class and attributes is exact to the row, names its cells, and refuses what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.errors import ConfigError
from lookalike.data.corpus import Corpus, text_schema
from lookalike.pipeline.cells import cells_of
from lookalike.pipeline.plan import spread


class Knows:
    """A fitted generator with two attributes."""

    def strata(self) -> dict[str, tuple[str, ...]]:
        """Return them."""
        return {"tone": ("calm", "angry"), "size": ("s", "m", "l")}


def test_every_mix_of_a_class_gets_its_share() -> None:
    cells = cells_of(np.array([7, 6]), ("a", "b"), ("tone", "size"), Knows())  # type: ignore[arg-type]
    assert cells.asked.tolist() == [2, 1, 1, 1, 1, 1, *[1] * 6]
    assert cells.by_class(cells.asked).tolist() == [7, 6]
    assert cells.where([0, 7, 11]) == {
        "label": ("a", "b", "b"),
        "tone": ("calm", "calm", "angry"),
        "size": ("s", "m", "l"),
    }
    assert cells.name(7) == "b, tone calm, size m"


def test_rows_are_counted_in_the_cell_they_were_asked_for() -> None:
    cells = cells_of(np.array([4, 4]), ("a", "b"), ("tone",), Knows())  # type: ignore[arg-type]
    where = cells.where(np.arange(4))
    labels = [("a", "b").index(name) for name in where["label"]]
    data = Corpus.of(["x"] * 4, labels, text_schema(["a", "b"], ["tone"]), {"tone": list(where["tone"])})
    assert cells.of(data).tolist() == [0, 1, 2, 3]


def test_without_attributes_a_cell_is_a_class() -> None:
    cells = cells_of(np.array([2, 3]), ("a", "b"), (), None)
    assert cells.where([1, 0]) == {"label": ("b", "a")}
    assert cells_of(np.array([5]), (), (), None).where([0]) == {}
    assert [cells.name(0), cells_of(np.array([5]), (), (), None).name(0)] == ["a", "any"]


@pytest.mark.parametrize(
    ("per", "asked", "message"),
    [(("mood",), [9, 9], "names mood, .* allowed: tone, size"), (("tone", "size"), [9, 5], "6 mixes .* only 5 rows")],
)
def test_an_impossible_quota_is_refused(per: tuple[str, ...], asked: list[int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        cells_of(np.array(asked), ("a", "b"), per, Knows())  # type: ignore[arg-type]


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=9), st.integers(0, 500))
def test_spread_adds_up_and_is_never_off_by_one(shares: list[float], rows: int) -> None:
    share = np.array(shares) / sum(shares)
    counts = spread(share, rows)
    assert counts.sum() == rows
    assert (abs(counts - share * rows) < 1).all()
