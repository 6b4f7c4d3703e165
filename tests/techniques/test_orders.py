"""Orders of columns: each stands somewhere, none before itself, random ones first in the asked share of rows."""

from __future__ import annotations

import torch

from lookalike.techniques.orders import before, mixed_ranks, usual_ranks


def test_every_column_but_one_stands_before_or_after_another() -> None:
    ranks = mixed_ranks(50, usual_ranks([3, 1, 0, 2]), 0.5, torch.Generator().manual_seed(0))
    seen = before(ranks)
    assert not seen.diagonal(dim1=1, dim2=2).any()
    assert (seen ^ seen.transpose(1, 2) | torch.eye(4, dtype=torch.bool)).all()
    assert (seen.sum((1, 2)) == 6).all()


def test_without_random_columns_the_usual_order_stays() -> None:
    usual = usual_ranks([3, 1, 0, 2])
    assert before(usual.unsqueeze(0))[0, 2].tolist() == [True, True, False, True]
    assert torch.equal(mixed_ranks(3, usual, 0.0, torch.Generator().manual_seed(0)), usual.expand(3, -1))


def test_random_columns_come_first_and_each_equally_often() -> None:
    usual = usual_ranks(list(range(5)))
    ranks = mixed_ranks(20_000, usual, 1.0, torch.Generator().manual_seed(0))
    first = ranks < 0
    assert (first.float().mean(0) - 0.5).abs().max() < 0.02
    assert (torch.bincount(first.sum(1), minlength=6) / 20_000 - 1 / 6).abs().max() < 0.02
    assert torch.equal(torch.where(first, usual, ranks), usual.expand_as(ranks))


def test_the_label_stands_first_alone_in_half_of_the_mixed_rows() -> None:
    usual = usual_ranks(list(range(5)))
    ranks = mixed_ranks(20_000, usual, 0.5, torch.Generator().manual_seed(0), label=4)
    first = ranks < 0
    alone = first[:, 4] & (first.sum(1) == 1)
    expected = 0.25 + 0.25 * (1 / 5) * (1 / 6)
    assert abs(float(alone.float().mean()) - expected) < 0.015
