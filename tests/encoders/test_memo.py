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
