"""The network of any order: sees what it may see and nothing else; one column alone gives the same logits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.core.rng import Rng
from lookalike.networks.any_order import AnyOrder
from lookalike.techniques.orders import before, mixed_ranks, usual_ranks

_SIZES = [3, 1, 5, 2]


def _net(sizes: list[int] = _SIZES) -> AnyOrder:
    net = AnyOrder(sizes, [True] * len(sizes), embedding=4, hidden=8, layers=2)
    net.initialise(Rng(0), [torch.arange(1, size + 1) / (size * (size + 1) / 2) for size in sizes])
    return net.eval().requires_grad_(False)


def _moved(net: AnyOrder) -> AnyOrder:
    net.last.normal_(generator=torch.Generator().manual_seed(1))
    return net


def _codes(rows: int) -> torch.Tensor:
    draw = np.random.default_rng(0)
    return torch.from_numpy(np.stack([draw.integers(0, size, rows) for size in _SIZES], 1))


def test_an_untrained_network_gives_the_training_shares() -> None:
    codes = _codes(6)
    logits = _net()(codes, before(usual_ranks([0, 1, 2, 3]).expand(6, -1)))
    np.testing.assert_allclose(logits[2].softmax(1), np.tile(np.arange(1, 6) / 15, (6, 1)), rtol=1e-5)


def test_logits_depend_on_seen_columns_only() -> None:
    net, codes = _moved(_net()), _codes(1)
    seen = before(mixed_ranks(1, usual_ranks([0, 1, 2, 3]), 1.0, torch.Generator().manual_seed(3)))
    first = net(codes, seen)
    for i in range(4):
        other = codes.clone()
        other[0, i] = (other[0, i] + 1) % _SIZES[i]
        for j, (a, b) in enumerate(zip(first, net(other, seen), strict=True)):
            changed = bool((a != b).any())
            assert changed == (bool(seen[0, j, i]) and _SIZES[i] > 1), (i, j)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_column_alone_has_the_same_logits(seed: int) -> None:
    net, codes = _moved(_net()), _codes(7)
    seen = before(mixed_ranks(7, usual_ranks([2, 0, 3, 1]), 1.0, torch.Generator().manual_seed(seed)))
    for j, logits in enumerate(net(codes, seen)):
        torch.testing.assert_close(net.column(j, codes, seen[:, j]), logits, rtol=1e-5, atol=1e-6)


def test_probabilities_of_all_rows_of_a_small_table_sum_to_one_in_every_order() -> None:
    net = _moved(_net())
    every = torch.cartesian_prod(*[torch.arange(size) for size in _SIZES])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        seen = before(usual_ranks(order).expand(len(every), -1))
        assert abs(float(net.log_probability(every, seen).sum(1).exp().sum()) - 1) < 1e-5
