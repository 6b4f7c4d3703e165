"""Which sizes can grow from a grid, and which labels are taken."""

from __future__ import annotations

import re

import pytest
import torch

from lookalike.core.errors import ConfigError
from lookalike.networks.gan import LabelEmbedding, starting_grid


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((8, 8), (4, 4, 1)),
        ((28, 28), (7, 7, 2)),
        ((32, 32), (4, 4, 3)),
        ((64, 48), (8, 6, 3)),
        ((36, 36), (9, 9, 2)),
        ((32, 256), (4, 32, 3)),
        ((1024, 1024), (4, 4, 8)),
        ((224, 224), (7, 7, 5)),
    ],
)
def test_grids_of_common_sizes(size: tuple[int, int], grid: tuple[int, int, int]) -> None:
    assert starting_grid(*size) == grid


@pytest.mark.parametrize("size", [(27, 28), (4, 4), (100, 100), (2048, 2048), (8, 512), (33, 33), (1, 1), (1000, 8)])
def test_other_sizes_are_refused_and_the_named_ones_fit(size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=f"{size[0]} x {size[1]} pixels") as caught:
        starting_grid(*size)
    assert "\n" not in str(caught.value)
    named = re.findall(r"(\d+) x (\d+)", str(caught.value))[1:]
    assert named
    for height, width in named:
        starting_grid(int(height), int(width))


def test_the_nearest_sizes_are_near() -> None:
    with pytest.raises(ConfigError, match=r"resize or crop to 26 x 28 or 28 x 28$"):
        starting_grid(27, 28)
    with pytest.raises(ConfigError, match=r"resize or crop to 96 x 96 or 104 x 104$"):
        starting_grid(100, 100)
    with pytest.raises(ConfigError, match=r"resize or crop to 8 x 64 or 16 x 80$"):
        starting_grid(8, 80)


def test_labels_must_be_there_exactly_where_classes_are() -> None:
    some, none = LabelEmbedding(3, 4), LabelEmbedding(0, 4)
    labels = torch.tensor([0, 2])
    found = some(labels, 2)
    assert found is not None
    assert found.shape == (2, 4)
    assert none(None, 2) is None
    assert (some.size, none.size) == (4, 0)
    for layer, wrong in ((some, None), (none, labels), (some, labels[:1])):
        with pytest.raises(ConfigError, match="labels do not fit"):
            layer(wrong, 2)
