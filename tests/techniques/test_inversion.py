"""A style that made an image is found again from the image."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.techniques.inversion import project, pyramid_distance


def _squared(x: Tensor, target: Tensor) -> Tensor:
    return (x - target).square().sum()


def test_a_linear_synthesis_is_inverted() -> None:
    matrix = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    wanted = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    found = project(lambda w: w @ matrix.T, _squared, wanted @ matrix.T, torch.zeros(2, 4), 2.0, Rng(0), steps=300)
    assert torch.allclose(found.w, wanted, atol=0.02)
    assert len(found.distances) == 301
    assert found.distances[-1] < 1e-3 * found.distances[0]


def test_one_key_gives_one_result_and_no_parameter_moves() -> None:
    start, matrix = torch.zeros(1, 3), torch.nn.Parameter(torch.eye(3))

    def search(seed: int) -> Tensor:
        return project(lambda w: w @ matrix, _squared, torch.ones(1, 3), start, 1.0, Rng(seed), steps=20).w

    assert torch.equal(search(0), search(0))
    assert not torch.equal(search(0), search(1))
    assert matrix.grad is None
    assert torch.equal(start, torch.zeros(1, 3))


def test_noise_shakes_the_first_steps_only() -> None:
    """Without a gradient the style stays, so what synthesis sees is the noise."""
    seen = []

    def synthesis(w: Tensor) -> Tensor:
        seen.append(w.detach().norm())
        return w

    project(synthesis, lambda x, _: (x * 0).sum(), torch.zeros(1), torch.zeros(1, 10_000), 10.0, Rng(0), steps=40)
    assert float(seen[0]) == pytest.approx(0.05 * 10 * 100, rel=0.05)
    assert all(a > b for a, b in pairwise(seen[:30]))
    assert all(float(size) == 0 for size in seen[30:])


def test_a_distance_without_a_value_is_refused() -> None:
    with pytest.raises(DataError, match="step 0 of the projection is nan"):
        project(lambda w: w, lambda x, t: (x * t).sum(), torch.tensor(float("nan")), torch.zeros(1), 1.0, Rng(0), 5)


def test_the_pyramid_is_what_blocks_of_pixels_say() -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(2, 3, 2, 16, 24))
    wanted = 0.0
    for side in (1, 2, 4):
        means = [a.reshape(3, 2, 16 // side, side, 24 // side, side).mean(axis=(3, 5)) for a in (x, y)]
        wanted += float(((means[0] - means[1]) ** 2).mean(axis=(1, 2, 3)).sum())
    found = pyramid_distance(torch.from_numpy(x), torch.from_numpy(y))
    assert float(found) == pytest.approx(wanted)
    assert float(pyramid_distance(torch.from_numpy(x), torch.from_numpy(x))) == 0


def test_a_constant_difference_counts_at_every_resolution() -> None:
    for side, levels in ((4, 1), (7, 1), (8, 2), (28, 3), (64, 5)):
        assert float(pyramid_distance(torch.full((2, 1, side, side), 0.5), torch.zeros(1, 1, side, side))) == (
            pytest.approx(2 * levels * 0.25)
        )
