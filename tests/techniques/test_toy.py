"""The 25 Gaussians are counted exactly, and losses keep or lose them as published."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks import gan_toy
from lookalike.core.rng import Rng
from lookalike.techniques import toy
from lookalike.techniques.training import torch_generator


def test_the_data_cover_everything() -> None:
    points = toy.draw(20_000, torch_generator(Rng(0)))
    found = toy.modes_covered(points, least=700)
    assert found.modes == 25
    # Rayleigh: the share of a Gaussian in the plane within 3 standard deviations.
    assert found.near == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    assert int(found.counts_M.sum()) == round(found.near * 20_000)
    assert points.std(0) == pytest.approx(torch.full((2,), math.sqrt(8 + 0.01)), rel=0.02)


@pytest.mark.parametrize(("ring", "left"), [(2, 9), (1, 17), (0, 24)])
def test_a_generator_that_drops_a_ring_is_counted_exactly(ring: int, left: int) -> None:
    points = toy.draw(5000, torch_generator(Rng(0)))
    which = (points / toy.SPACING).round().abs().amax(1)
    found = toy.modes_covered(points[which != ring])
    assert found.modes == left
    assert int((found.counts_M > 0).sum()) == left


def test_near_is_three_deviations_and_modes_need_enough_samples() -> None:
    at = 3 * toy.DEVIATION
    points = torch.tensor([[0.0, at - 1e-4], [0.0, at + 1e-4], [2.0, 2.0], [2.0, 2.0], [1.0, 1.0], [60.0, 0.0]])
    found = toy.modes_covered(points)
    assert (found.modes, found.near) == (2, pytest.approx(3 / 6))
    assert sorted(found.counts_M.tolist())[-2:] == [1, 2]
    assert toy.modes_covered(points, least=2).modes == 1


@pytest.mark.parametrize("run", gan_toy.RUNS, ids=lambda run: run.name)
def test_every_run_of_the_benchmark_trains(run: gan_toy.Run, global_state: None) -> None:
    one, same = (gan_toy.train(run, steps=3, rng=Rng(0)) for _ in range(2))
    assert one.isfinite().all()
    assert torch.equal(one, same)


def test_a_picture_has_a_panel_for_each_run(tmp_path: object) -> None:
    points = toy.draw(200, torch_generator(Rng(0)))
    picture = gan_toy.picture([("data", points)] * 5)
    assert picture.width % gan_toy.PANEL == 0
    assert len(picture.getcolors(1 << 20) or []) > 3


@pytest.mark.slow
def test_relativistic_loss_with_both_penalties_keeps_what_no_penalty_loses() -> None:
    runs = {run.name: run for run in gan_toy.RUNS}
    kept, lost = (
        toy.modes_covered(gan_toy.train(runs[name], steps=1500, rng=Rng(0)))
        for name in ("relativistic + R1 + R2", "non-saturating")
    )
    assert kept.modes == 25
    # Points scattered evenly hit every mode too, but only a tenth of them does.
    assert kept.near > 0.2
    assert lost.modes < 20
