"""One step of the game: what the critic sees of real and generated rows, and what is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.core.rng import Rng
from lookalike.generators.tabular.gan.duel import Batch, Rules, TableDuel
from lookalike.networks.tabular_gan import RowShape

_SHAPE = RowShape((3, 4), (0, 2))


def _duel(**changes: object) -> TableDuel:
    rules = {"latent": 4, "hidden": 8, "layers": 1, "pack": 2, "loss": "relativistic", "penalty": 1.0, "every": 1}
    rules |= {"balance": 0.5, "temperature": 0.5, "pairs": 1.0, "learning_rate": 1e-3, **changes}
    draw = np.random.default_rng(0)
    codes = np.stack([draw.integers(0, 3, 50), draw.integers(0, 4, 50)], 1)
    return TableDuel(Rules(**rules), _SHAPE, codes, draw.random((50, 2)), None, torch.device("cpu"), Rng(0))  # type: ignore[arg-type]


def test_generated_rows_have_the_asked_value_and_the_form_of_real_ones() -> None:
    batch = Batch(_duel(), np.arange(40), Rng(1))
    rows = slice(0, 40)
    fake = batch.features(rows, *batch.distributions(rows)).detach()
    assert fake.shape == batch.real.shape == (40, 7 + 1 + 2)
    assert torch.equal(fake[:, -2:], batch.real[:, -2:])
    for row, real in zip(fake, batch.real, strict=True):
        d = int(row[-2:].argmax())
        span = _SHAPE.spans[d]
        assert torch.equal(row[span], real[span])
    for span in _SHAPE.spans:
        torch.testing.assert_close(fake[:, span].sum(1), torch.ones(40))
        torch.testing.assert_close(fake[:, span].max(1).values, torch.ones(40))
    assert (fake[fake[:, 3:5].sum(1) == 0, 7] == 0).all()


@pytest.mark.parametrize("loss", ["relativistic", "wasserstein"])
def test_both_networks_move_and_a_step_repeats_itself(loss: str) -> None:
    states = []
    for _ in range(2):
        duel = _duel(loss=loss)
        before = {name: value.clone() for name, value in duel.tensors().items()}
        figures = duel.update(np.arange(16), 5, 100, Rng(2))
        assert all(np.isfinite(float(value)) for value in figures.values())
        moved = {name for name, value in duel.tensors().items() if not torch.equal(value, before[name])}
        assert {"g.leave.weight", "d.enter.weight", "ema.leave.weight"} <= moved
        states.append({name: value.clone() for name, value in duel.tensors().items()})
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
