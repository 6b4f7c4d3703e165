"""The loss counts the chosen tokens only; nucleus sampling draws from the smallest set that holds the mass."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.techniques import autoregression
from lookalike.techniques.autoregression import nucleus, token_log_probs


def _logits(*shape: int, scale: float = 2.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(0, scale, shape)).float()


def test_the_log_probability_is_told_by_the_position_before() -> None:
    logits_BTV = _logits(2, 4, 5)
    ids_BT = torch.tensor([[0, 1, 2, 3], [4, 3, 2, 1]])
    counted_BT = torch.tensor([[False, False, True, True], [False, True, False, False]])
    values_M, row_M = token_log_probs(logits_BTV, ids_BT, counted_BT)
    logp = logits_BTV.log_softmax(-1)
    assert values_M.tolist() == pytest.approx(
        [float(logp[0, 1, 2]), float(logp[0, 2, 3]), float(logp[1, 0, 3])], abs=1e-6
    )
    assert row_M.tolist() == [0, 0, 1]


def test_what_does_not_count_has_no_gradient() -> None:
    logits_BTV = _logits(1, 4, 5).requires_grad_()
    counted_BT = torch.tensor([[False, False, False, True]])
    token_log_probs(logits_BTV, torch.tensor([[0, 1, 2, 3]]), counted_BT)[0].sum().backward()
    assert logits_BTV.grad is not None
    moved = logits_BTV.grad.abs().sum(-1)[0] > 0
    assert moved.tolist() == [False, False, True, False]


def _nucleus_by_hand(logits_V: torch.Tensor, temperature: float, top_p: float) -> np.ndarray:
    p_V = (logits_V.double() / temperature).softmax(-1).numpy()
    kept, total = np.zeros(len(p_V)), 0.0
    for token in np.argsort(-p_V):
        if total >= top_p:
            break
        kept[token], total = p_V[token], total + p_V[token]
    return kept / kept.sum()


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.7, 0.9), (2.0, 0.5), (1.0, 0.01)])
def test_frequencies_are_those_of_the_smallest_set(temperature: float, top_p: float) -> None:
    logits_V, rows = _logits(30), 200_000
    # Evenly spaced numbers, not random ones: each token comes as often as its probability says, to one in 200,000.
    uniform_B = (torch.arange(rows, dtype=torch.float64) + 0.5) / rows
    drawn = nucleus(logits_V.expand(rows, -1), uniform_B, temperature, top_p)
    share = np.bincount(drawn.numpy(), minlength=30) / rows
    assert share == pytest.approx(_nucleus_by_hand(logits_V, temperature, top_p), abs=2e-5)


def test_a_long_tail_is_searched_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    logits_BV, uniform_B = _logits(50, 40, scale=0.3), torch.linspace(0, 0.999, 50, dtype=torch.float64)
    whole = nucleus(logits_BV, uniform_B, 1.0, 0.9)
    monkeypatch.setattr(autoregression, "_CANDIDATES", 4)
    assert torch.equal(nucleus(logits_BV, uniform_B, 1.0, 0.9), whole)


@pytest.mark.parametrize("top_p", [0.9999999, 1.0])
def test_a_forbidden_token_is_never_drawn(top_p: float) -> None:
    logits_BV = _logits(8).expand(3, -1).clone()
    logits_BV[:, [0, 7]] = -torch.inf
    nearly_one = float(np.nextafter(1, 0))
    drawn = nucleus(logits_BV, torch.tensor([0.0, 0.5, nearly_one], dtype=torch.float64), 1.0, top_p)
    assert not set(drawn.tolist()) & {0, 7}


def test_a_row_does_not_see_its_neighbours() -> None:
    logits_BV, uniform_B = (
        _logits(6, 20),
        torch.rand(6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
    )
    whole = nucleus(logits_BV, uniform_B, 1.0, 0.9)
    alone = torch.cat([nucleus(logits_BV[row : row + 1], uniform_B[row : row + 1], 1.0, 0.9) for row in range(6)])
    assert torch.equal(whole, alone)
