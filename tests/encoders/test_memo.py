"""Results are shared within the process, and memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from lookalike.data.images import Images, image_schema
from lookalike.encoders import memo
from lookalike.encoders.image.pixels import Pixels


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    memo.forget()
    yield
    memo.forget()


def _images(seed: int) -> Images:
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 4, 1), dtype=np.uint8)
    return Images(pixels, np.zeros(4, dtype=np.int64), image_schema(4, 4, 1, ["a"]))


def test_equal_content_and_settings_share_one_extractor() -> None:
    first = memo.prepared("image.pixels", _images(0))
    assert memo.prepared(Pixels(), _images(0)) is first
    assert memo.prepared("image.pixels", _images(1)) is not first
    assert memo.prepared("image.pixels", _images(0), {"size": 2}) is not first


def test_rows_are_embedded_once_and_cannot_be_changed() -> None:
    features = memo.prepared("image.pixels", _images(0))
    rows = memo.embedded(features, _images(2))
    assert memo.embedded(features, _images(2)) is rows
    assert memo.embedded(features, _images(3)) is not rows
    with pytest.raises(ValueError, match="read-only"):
        rows[0, 0] = 1


def test_the_oldest_goes_first_and_the_limit_holds() -> None:
    table: memo.Memo[np.ndarray] = memo.Memo(100, lambda rows: rows.nbytes)
    made: list[str] = []

    def make(name: str, size: int) -> np.ndarray:
        def build() -> np.ndarray:
            made.append(name)
            return np.zeros(size, dtype=np.uint8)

        return table.get(name, build)

    for name in ("a", "b", "a"):
        make(name, 40)
    make("c", 40)
    make("a", 40)
    assert made == ["a", "b", "c"]
    make("b", 40)
    assert made == ["a", "b", "c", "b"]
    assert make("huge", 101).size == 101
    make("huge", 101)
    assert made.count("huge") == 2


def test_only_new_rows_of_a_growing_set_are_asked_for() -> None:
    """Whatever grows, changes, shrinks or is too large: the figures are those of all rows."""
    asked: list[int] = []

    def figures(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return np.asarray(rows.sum(axis=1), dtype=np.float64)

    held = memo.Growing(limit=3999, sets=2)
    rows = np.random.default_rng(0).standard_normal((500, 2)).astype(np.float32)
    changed = rows.copy()
    changed[3] += 1
    for key, part, new in (
        ("a", rows[:100], 100),
        ("a", rows[:150], 50),
        ("a", rows[:150], None),
        ("b", rows[:150], 150),
        ("a", changed[:160], 11),
        ("a", rows[:20], 1),
        ("a", rows[:30, :1], 30),
        ("a", rows[:0], None),
        ("b", rows, 350),
        ("b", rows, 500),
        ("c", rows[:2], 2),
        ("d", rows[:2], 2),
        ("c", rows[:3], 1),
        ("a", rows[:5], 5),
    ):
        asked.clear()
        np.testing.assert_array_equal(held.get(key, part, figures), figures(part))
        assert asked[:-1] == ([] if new is None else [new])
