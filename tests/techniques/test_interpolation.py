"""The arc between two codes: its ends, its length, its angle."""

from __future__ import annotations

import math

import pytest
import torch

from lookalike.techniques.interpolation import spherical


def test_a_quarter_of_a_circle_has_its_known_points() -> None:
    start, end = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    found = spherical(start, end, torch.linspace(0, 1, 4))
    wanted = [[2 * math.cos(a), 2 * math.sin(a)] for a in (0, math.pi / 6, math.pi / 3, math.pi / 2)]
    assert torch.allclose(found, torch.tensor(wanted), atol=1e-6)


def test_ends_are_exact_and_length_and_angle_change_evenly() -> None:
    start, end = torch.randn(2, 512, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    way = spherical(start, end, torch.linspace(0, 1, 9, dtype=torch.float64))
    assert torch.allclose(way[0], start) and torch.allclose(way[-1], end)
    lengths = way.norm(dim=1)
    assert torch.allclose(lengths.diff(), (end.norm() - start.norm()).expand(8) / 8)
    directions = way / lengths[:, None]
    angles = (directions[1:] * directions[:-1]).sum(1).acos()
    assert float(angles.max() - angles.min()) < 1e-6
    # The straight line is what this is not: its middle is much shorter.
    assert float(torch.lerp(start, end, 0.5).norm()) < 0.8 * float(lengths[4])


@pytest.mark.parametrize("factor", [1.0, 3.0, -1.0])
def test_codes_on_one_line_have_no_arc(factor: float) -> None:
    start = torch.tensor([3.0, 4.0])
    found = spherical(start, factor * start, torch.tensor(0.5))
    assert torch.allclose(found, start * (1 + factor) / 2)
    assert torch.isfinite(found).all()


def test_many_codes_at_once() -> None:
    start, end = torch.randn(2, 3, 1, 5, generator=torch.Generator().manual_seed(1))
    share = torch.linspace(0, 1, 4)
    found = spherical(start, end, share)
    assert found.shape == (3, 4, 5)
    assert torch.allclose(found[1, 2], spherical(start[1, 0], end[1, 0], share[2]), atol=1e-6)
