"""Parts of a batch on threads: same gradients, same bytes for any number of threads."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor, nn

from lookalike.techniques.parts import Parts, split


def _network() -> nn.Sequential:
    torch.default_generator.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.SiLU(), nn.GroupNorm(2, 8), nn.Conv2d(8, 1, 3))


def _gradients(count: int, rows: int = 13) -> tuple[Tensor, list[Tensor]]:
    network, x = _network(), torch.randn(rows, 2, 9, 9, generator=torch.Generator().manual_seed(1))
    weights = list(network.parameters())
    loss = Parts(count).gradients(lambda part: network(x[part]).square().mean(), rows, weights)
    return loss, [weight.grad for weight in weights if weight.grad is not None]


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(count: int) -> None:
    network, x = _network(), torch.randn(13, 2, 9, 9, generator=torch.Generator().manual_seed(1))
    whole = network(x).square().mean()
    whole.backward()
    loss, gradients = _gradients(count)
    torch.testing.assert_close(loss, whole.detach(), rtol=1e-5, atol=1e-7)
    assert not loss.requires_grad
    for found, weight in zip(gradients, network.parameters(), strict=True):
        torch.testing.assert_close(found, weight.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_fused_step_moves_the_weights_that_a_plain_one_moves(count: int, layout: torch.memory_format) -> None:
    x = torch.randn(6, 4, 9, 9, generator=torch.Generator().manual_seed(1)).contiguous(memory_format=layout)
    ends = []
    for fused in (False, True):
        torch.default_generator.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.SiLU(), nn.ConvTranspose2d(8, 3, 4))
        weights = list(network.parameters())
        optimizer = torch.optim.Adam(weights, 0.01, fused=fused)
        for _ in range(3):
            if fused:
                Parts(count).gradients(lambda part, net=network: net(x[part]).square().mean(), len(x), weights)
            else:
                optimizer.zero_grad()
                network(x).square().mean().backward()
            optimizer.step()
        ends.append([weight.detach().clone() for weight in weights])
    for plain, quick in zip(*ends, strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-4, atol=1e-5)


def test_two_parts_give_the_same_bytes_with_one_thread_and_two() -> None:
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(_gradients(2))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    (loss_a, a), (loss_b, b) = results
    assert torch.equal(loss_a, loss_b)
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_thread_keeps_its_number_of_threads_though_it_computes_late() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        parts, both = Parts(2), threading.Barrier(2)
        # Both threads are there, and nothing was computed yet: under load the second one often gets no work at first.
        parts.map(lambda _: both.wait(10), range(2))
        assert parts.map(lambda _: (both.wait(10), torch.get_num_threads())[1], range(2)) == [1, 1]
    finally:
        torch.set_num_threads(before)


def test_results_come_in_order_and_an_error_is_not_swallowed() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        both = threading.Barrier(2, timeout=10)

        def wait(item: int) -> int:
            both.wait()  # Passes only when two threads are inside at once.
            return item * 10

        assert Parts(2).map(wait, [1, 2]) == [10, 20]
        with pytest.raises(ZeroDivisionError):
            Parts(2).map(lambda item: 1 // item, [1, 0])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_split_holds_every_row_once() -> None:
    for rows in (0, 1, 5, 64):
        for count in (1, 2, 7):
            parts = split(rows, count)
            assert [row for part in parts for row in range(part.start, part.stop)] == list(range(rows))
            assert len(parts) == min(rows, count)
