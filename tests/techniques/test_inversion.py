"""A style that made an image is found again from the image."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.techniques.inversion import project


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
