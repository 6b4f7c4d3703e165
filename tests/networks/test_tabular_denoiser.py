"""The denoiser of coded rows: Bayes' rule for one column against enumeration, known columns, columns apart."""

from __future__ import annotations

import math

import torch

from lookalike.core.rng import Rng
from lookalike.networks.tabular_denoiser import TabularDenoiser

_SIZES = [3, 1, 40]


def _net(learnt: bool = False) -> TabularDenoiser:
    net = TabularDenoiser(_SIZES, vector=6, hidden=16, layers=2)
    shares = [torch.arange(1.0, size + 1) / (size * (size + 1) / 2) for size in _SIZES]
    net.initialise(Rng(0), shares, [False, False, True])
    if learnt:
        net.leave.weight.data.normal_(generator=torch.Generator().manual_seed(1))
    return net.eval().requires_grad_(False)


def _x(rows: int) -> torch.Tensor:
    return 2 * torch.randn(rows, 3, 6, generator=torch.Generator().manual_seed(2))


def test_an_untrained_network_knows_each_column_by_bayes_rule() -> None:
    net, x = _net(), _x(5)
    sigma = torch.tensor([[0.1], [0.5], [1.0], [4.0], [20.0]])
    logits = net(x, sigma, torch.zeros(5, 3, dtype=torch.bool))
    for d, span in enumerate(net.spans):
        codes, share = net.codes[span].double(), net.log_share[span].double()
        distance = (x[:, d : d + 1].double() - codes).square().sum(2)
        expected = (share - distance / (2 * sigma.double().square())).softmax(1)
        torch.testing.assert_close(logits[d].double().softmax(1), expected, rtol=1e-3, atol=1e-4)


def test_vectors_have_one_length_and_neighbours_are_near() -> None:
    net = _net()
    torch.testing.assert_close(net.codes.norm(dim=1), torch.full((44,), math.sqrt(6)))
    number = net.codes[net.spans[2]]
    near = (number[1:] - number[:-1]).norm(dim=1)
    assert near.median() < 0.5 * torch.cdist(number, number).median()


def test_means_are_expected_vectors() -> None:
    net = _net()
    logits = [torch.randn(4, size, generator=torch.Generator().manual_seed(0)) for size in _SIZES]
    found = net.means(logits)
    for d, span in enumerate(net.spans):
        torch.testing.assert_close(found[:, d], torch.einsum("bk,ke->be", logits[d].softmax(1), net.codes[span]))


def test_rows_do_not_meet() -> None:
    net, x = _net(learnt=True), _x(4)
    sigma, known = torch.full((4, 1), 0.7), torch.zeros(4, 3, dtype=torch.bool)
    changed = x.clone()
    changed[1:] += 1
    for a, b in zip(net(x, sigma, known), net(changed, sigma, known), strict=True):
        torch.testing.assert_close(a[0], b[0])
        assert not torch.allclose(a[1], b[1]) or a.shape[1] == 1


def test_a_known_column_is_not_scaled_by_the_noise_level() -> None:
    net = _net(learnt=True)
    x = net.vectors(torch.tensor([[2, 0, 7]]))
    known = torch.tensor([[True, True, False]])
    noise = torch.zeros_like(x)
    first = net(torch.where(known.unsqueeze(2), x, noise), torch.tensor([[5.0]]), known)[2]
    moved = net(torch.where(known.unsqueeze(2), -x, noise), torch.tensor([[5.0]]), known)[2]
    assert not torch.allclose(first, moved)
