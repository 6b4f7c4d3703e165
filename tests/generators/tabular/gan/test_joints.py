"""Pairs of values: counted as by hand, and a distance that is nothing for rows like the training rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lookalike.core.rng import Rng
from lookalike.generators.tabular.gan.asking import TrainingBySampling
from lookalike.generators.tabular.gan.joints import Cells, Joints
from lookalike.networks.tabular_gan import RowShape

_SHAPE = RowShape((3, 4, 2), (0, 2, 0))


def _rows(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    draw = np.random.default_rng(seed)
    first = draw.integers(0, 3, count)
    codes = np.stack([first, (first + draw.integers(0, 2, count)) % 4, draw.integers(0, 2, count)], 1)
    return torch.from_numpy(codes), torch.from_numpy(draw.random((count, 3)) ** 2).float()


def _even(count: int) -> Tensor:
    return torch.full((count,), 1 / count)


def test_a_row_lies_in_one_cell_of_each_column() -> None:
    codes, places = _rows(200)
    cells = Cells(_SHAPE, codes, places).of_rows(codes, places)
    assert cells.shape == (200, 3 + 2 * 8 + 2 + 2)
    for b in range(200):
        code, place = int(codes[b, 1]), float(places[b, 1])
        second = code * 8 + int(place * 8) if code < 2 else code - 2 + 16
        expected = [int(codes[b, 0]), 3 + second, 21 + int(codes[b, 2])]
        assert cells[b].nonzero().flatten().tolist() == expected


def test_cells_of_distributions_are_the_shares_of_their_draws() -> None:
    codes, places = _rows(50)
    cells = Cells(_SHAPE, codes, places)
    chance = torch.tensor([[0.2, 0.5, 0.3, 0.1, 0.4, 0.3, 0.2, 0.6, 0.4]])
    mean, scale = torch.tensor([[0.7]]), torch.tensor([[-0.4]])
    found = cells.of_distributions(chance, mean, scale)[0]
    draw = np.random.default_rng(1)
    even = draw.random(400_000)
    place = 1 / (1 + np.exp(-(0.7 + np.exp(-0.4) * np.log(even / (1 - even)))))
    code = draw.choice(4, len(even), p=[0.1, 0.4, 0.3, 0.2])
    drawn = np.stack([np.zeros_like(code), code, np.zeros_like(code)], 1)
    placed = np.stack([place, place, place], 1)
    shares = cells.of_rows(torch.from_numpy(drawn), torch.from_numpy(placed)).mean(0)
    torch.testing.assert_close(found[3:21], shares[3:21], atol=0.003, rtol=0)
    torch.testing.assert_close(torch.stack([part.sum() for part in found.split(cells.widths)]), torch.ones(3))


def test_the_distance_is_that_of_the_formula_and_free_of_chance() -> None:
    codes, places = _rows(4000)
    cells = Cells(_SHAPE, codes, places)
    joints = Joints(cells, codes, places, _even(4000))
    shuffled = codes.clone()
    shuffled[:, 1] = codes[torch.randperm(4000, generator=torch.Generator().manual_seed(0)), 1]
    real, other = cells.of_rows(codes, places), cells.of_rows(shuffled, places)
    share = real.mean(0)
    expected = 0.0
    for one, two in ((0, 1), (0, 2), (1, 2)):
        for i in range(sum(cells.widths[:one]), sum(cells.widths[: one + 1])):
            for j in range(sum(cells.widths[:two]), sum(cells.widths[: two + 1])):
                off = (other[:, i] * other[:, j]).mean() - (real[:, i] * real[:, j]).mean()
                expected += float(off**2 / (share[i] + 0.002) / (share[j] + 0.002)) / 3
    found, none = [], []
    for seed in range(400):
        rows = torch.from_numpy(np.random.default_rng(seed).integers(0, 4000, 64))
        found.append(float(joints.distance(other[rows])))
        none.append(float(joints.distance(real[rows])))
    assert expected > 0.2
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / 20)
    assert np.mean(none) == pytest.approx(0, abs=4 * np.std(none) / 20)


def _triples(rows: Tensor, label: slice, one: slice, two: slice) -> Tensor:
    return torch.einsum("bg,bi,bj->gij", rows[:, label], rows[:, one], rows[:, two]) / len(rows)


def test_within_classes_the_distance_is_that_of_the_formula() -> None:
    codes, places = _rows(4000)
    cells = Cells(_SHAPE, codes, places)
    alone, within = Joints(cells, codes, places, _even(4000)), Joints(cells, codes, places, _even(4000), 0)
    first = codes[:, 0] == 0
    other = codes.clone()
    other[first, 2] = codes[first, 1] % 2  # Within one class the third column follows the second.
    real, made = cells.of_rows(codes, places), cells.of_rows(other, places)
    share, (g, i, j) = real.mean(0), (slice(0, 3), slice(3, 21), slice(21, 23))
    apart = _triples(made, g, i, j) - _triples(real, g, i, j)
    scale = [(share[part] + 0.002).rsqrt() for part in (g, i, j)]
    off = float((torch.einsum("gij,g,i,j->gij", apart, *scale) ** 2).sum())
    found = []
    for seed in range(400):
        rows = torch.from_numpy(np.random.default_rng(seed).integers(0, 4000, 64))
        found.append(float(within.distance(made[rows]) - alone.distance(made[rows])))
    assert off > 0.1
    assert np.mean(found) == pytest.approx(0.2 * off, abs=4 * np.std(found) / 20)


@pytest.mark.parametrize(("label", "groups"), [(1, [5, 4, 5, 4]), (2, [1, 1])])
def test_groups_are_all_rows_and_the_classes_of_the_label(label: int, groups: list[int]) -> None:
    codes, places = _rows(400)
    cells = Cells(_SHAPE, codes, places)
    found = Joints(cells, codes, places, _even(400), label)
    assert [int(n) for n in (found.group_CG > 0).sum(0)] == [3, *groups]


def test_many_codes_share_cells_and_the_common_ones_do_not() -> None:
    codes = torch.arange(3000).remainder(2000).unsqueeze(1)
    codes = torch.cat([codes, codes % 2], 1)
    places = torch.zeros(3000, 2)
    cells = Cells(RowShape((2000, 2), (0, 0)), codes, places)
    assert cells.widths == [998, 2]
    found = cells.of_rows(codes, places)
    assert found[:997, :998].argmax(1).unique().numel() == 997
    assert found[1500, 997] == 1


def test_weights_are_how_often_rows_are_chosen() -> None:
    codes, _ = _rows(30)
    sampling = TrainingBySampling(codes.numpy(), _SHAPE.sizes)
    rows = np.random.default_rng(0).integers(0, 30, 400_000)
    chosen, _ = sampling.choose(rows, 0.5, Rng(0))
    found = np.bincount(chosen, minlength=30) / len(chosen)
    np.testing.assert_allclose(found, sampling.weights(0.5), atol=0.002)
    assert sampling.weights(0.5).sum() == pytest.approx(1)


def test_one_column_has_no_pairs() -> None:
    codes = torch.tensor([[0], [1], [1]])
    cells = Cells(RowShape((2,), (0,)), codes, torch.zeros(3, 1))
    joints = Joints(cells, codes, torch.zeros(3, 1), _even(3))
    assert float(joints.distance(cells.of_rows(codes, torch.zeros(3, 1)))) == 0
