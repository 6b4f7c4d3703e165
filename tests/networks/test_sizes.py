"""Every possible size has one start, and every other one an error that names the nearest."""

from __future__ import annotations

import re

import pytest

from lookalike.core.errors import ConfigError
from lookalike.networks.sizes import start_of


@pytest.mark.parametrize(
    ("size", "start"),
    [
        ((8, 8), (4, 4, 1)),
        ((28, 28), (7, 7, 2)),
        ((32, 32), (4, 4, 3)),
        ((64, 48), (8, 6, 3)),
        ((48, 64), (6, 8, 3)),
        ((10, 8), (5, 4, 1)),
        ((256, 64), (16, 4, 4)),
        ((1024, 1024), (4, 4, 8)),
    ],
)
def test_known_starts(size: tuple[int, int], start: tuple[int, int, int]) -> None:
    assert start_of(*size) == start


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        ((30, 30), ["28x28", "32x32"]),
        ((7, 7), ["8x8"]),
        ((1, 1), ["8x8"]),
        ((60, 64), ["64x64"]),
        ((2000, 1000), ["1024x512"]),
        ((36, 36), ["32x32", "40x40"]),
    ],
)
def test_an_impossible_size_names_the_nearest(size: tuple[int, int], nearest: list[str]) -> None:
    with pytest.raises(ConfigError, match="resize the images to") as error:
        start_of(*size)
    assert "\n" not in str(error.value)
    for name in nearest:
        assert name in str(error.value)


def test_every_size_is_reached_by_its_doublings_or_refused_with_sizes_that_work() -> None:
    possible = set()
    for height in range(1, 140):
        for width in (height, 28, 64):
            try:
                tall, wide, doublings = start_of(height, width)
            except ConfigError as error:
                offered = re.findall(r"(\d+)x(\d+)", str(error).split("resize")[1])
                assert len(offered) == 2
                for h, w in offered:
                    start_of(int(h), int(w))
                continue
            possible |= {height} if height == width else set()
            assert (tall * 2**doublings, wide * 2**doublings) == (height, width)
            assert 4 <= min(tall, wide) <= 7
            assert max(tall, wide) <= 16
            assert doublings >= 1
    assert possible == {start * power for start in (4, 5, 6, 7) for power in (2, 4, 8, 16)} | {128}
