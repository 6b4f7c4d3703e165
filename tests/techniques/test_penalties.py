"""Gradient penalties against closed forms, and their own gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lookalike.core.rng import Rng
from lookalike.techniques import penalties
from lookalike.techniques.training import torch_generator


def _normal(*size: int, step: int = 0) -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x", step)), dtype=torch.float64)


def _network(inputs: int, outputs: int) -> nn.Sequential:
    """A smooth network, so that finite differences are exact to many digits."""
    layers = nn.Sequential(nn.Linear(inputs, 5), nn.Softplus(), nn.Linear(5, outputs)).double()
    for step, parameter in enumerate(layers.parameters()):
        parameter.data.copy_(_normal(*parameter.shape, step=10 + step))
    return layers


def _check_gradient(network: nn.Module, value: Callable[[], Tensor]) -> None:
    """Compare the gradient of `value` for every weight of `network` with central differences."""
    parameters = list(network.parameters())
    found = torch.autograd.grad(value(), parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, found, strict=True):
        numeric = torch.zeros_like(parameter)
        for place in range(parameter.numel()):
            ends = []
            for sign in (1, -1):
                parameter.data.view(-1)[place] += sign * 1e-5
                ends.append(float(value().detach()))
                parameter.data.view(-1)[place] -= sign * 1e-5
            numeric.view(-1)[place] = (ends[0] - ends[1]) / 2e-5
        assert torch.allclose(torch.zeros_like(numeric) if gradient is None else gradient, numeric, atol=1e-6)
    assert any(gradient is not None and gradient.abs().max() > 1e-3 for gradient in found)


def test_zero_centred_penalty_of_a_linear_critic() -> None:
    a, gamma = _normal(12, step=1), 3.0
    x = _normal(4, 3, 2, 2).requires_grad_()
    penalty = penalties.zero_centred(x.flatten(1) @ a, x, gamma)
    assert float(penalty) == pytest.approx(gamma / 2 * float(a.square().sum()), rel=1e-12)


def test_one_pass_over_reals_and_fakes_gives_the_mean_of_both_penalties() -> None:
    network = _network(3, 1)
    real, fake = _normal(4, 3).requires_grad_(), _normal(4, 3, step=1).requires_grad_()
    both = torch.cat([real, fake]).detach().requires_grad_()
    apart = [penalties.zero_centred(network(x)[:, 0], x, 2.0).detach() for x in (real, fake)]
    together = penalties.zero_centred(network(both)[:, 0], both, 2.0).detach()
    assert float(2 * together) == pytest.approx(float(apart[0] + apart[1]), rel=1e-12)


def test_zero_centred_penalty_trains_the_critic() -> None:
    network, x = _network(3, 1), _normal(4, 3).requires_grad_()
    _check_gradient(network, lambda: penalties.zero_centred(network(x)[:, 0], x, 1.5))


def test_zero_centred_penalty_needs_the_graph_of_its_images() -> None:
    x = _normal(4, 3)
    with pytest.raises(ValueError, match="requires_grad"):
        penalties.zero_centred(_network(3, 1)(x)[:, 0], x, 1.0)


@pytest.mark.parametrize("length", [0.5, 1.0, 3.0])
def test_one_centred_penalty_of_a_linear_critic(length: float) -> None:
    a = _normal(6, step=1)
    a = a / a.norm() * length
    penalty = penalties.one_centred(
        lambda x: x.flatten(1) @ a, _normal(4, 2, 3), _normal(4, 2, 3, step=2), 10.0, torch_generator(Rng(0))
    )
    assert float(penalty) == pytest.approx(10 * (length - 1) ** 2, abs=1e-10)


def test_interpolates_lie_between_and_follow_the_key() -> None:
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    real, fake = torch.zeros(50, 3), torch.ones(50, 3)
    for seed in (0, 0, 1):
        penalties.one_centred(critic, real, fake, 10.0, torch_generator(Rng(seed)))
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert (seen[0] == seen[0][:, :1]).all()
    assert 0 <= float(seen[0].min()) < 0.2
    assert 0.8 < float(seen[0].max()) <= 1


def test_one_centred_penalty_trains_the_critic() -> None:
    network, real, fake = _network(3, 1), _normal(4, 3), _normal(4, 3, step=1)
    _check_gradient(
        network, lambda: penalties.one_centred(lambda x: network(x)[:, 0], real, fake, 10.0, torch_generator(Rng(0)))
    )


def test_one_centred_penalty_is_finite_where_the_critic_is_flat() -> None:
    flat = nn.Linear(3, 1)
    nn.init.zeros_(flat.weight)
    penalty = penalties.one_centred(
        lambda x: flat(x)[:, 0], torch.ones(2, 3), torch.zeros(2, 3), 1.0, torch_generator(Rng(0))
    )
    (gradient,) = torch.autograd.grad(penalty, [flat.weight])
    assert float(penalty.detach()) == pytest.approx(1.0, abs=1e-4)
    assert gradient.isfinite().all()


def test_path_length_of_a_linear_generator() -> None:
    a, size = _normal(5, 2 * 3 * 4), (2, 3, 4)
    w = _normal(7, 5, step=1).requires_grad_()
    images = (w @ a).reshape(7, *size)
    lengths = penalties.path_lengths(images, w, torch_generator(Rng(0)))
    y = torch.randn(images.shape, generator=torch_generator(Rng(0)), dtype=torch.float64) / 12**0.5
    assert torch.allclose(lengths, (y.flatten(1) @ a.T).norm(dim=1))


def test_mean_squared_path_length_is_the_mean_square_of_the_jacobian() -> None:
    a = _normal(5, 12)
    w = torch.zeros(20_000, 5, dtype=torch.float64, requires_grad=True)
    lengths = penalties.path_lengths((w @ a).reshape(-1, 1, 3, 4), w, torch_generator(Rng(0)))
    assert float(lengths.square().mean()) == pytest.approx(float(a.square().sum()) / 12, rel=0.02)


def test_path_length_penalty_moves_its_mean_and_measures_from_there() -> None:
    lengths, before = torch.tensor([1.0, 3.0]), torch.tensor(1.0)
    penalty, after = penalties.path_length(lengths, before)
    assert float(after) == pytest.approx(1.0 + 0.01 * (2.0 - 1.0))
    assert float(penalty) == pytest.approx(((1 - 1.01) ** 2 + (3 - 1.01) ** 2) / 2)
    assert float(before) == 1.0


def test_mean_path_length_converges_to_that_of_a_fixed_generator() -> None:
    mean = torch.tensor(0.0)
    for _ in range(1000):
        penalty, mean = penalties.path_length(torch.full((4,), 2.5), mean)
    assert float(mean) == pytest.approx(2.5 * (1 - 0.99**1000), rel=1e-4)
    assert float(penalty) < 1e-7


def test_path_length_penalty_trains_the_generator_and_not_the_mean() -> None:
    network, w = _network(3, 4), _normal(6, 3).requires_grad_()
    mean = torch.tensor(0.3, dtype=torch.float64)
    # Finite differences see the mean move too; a frozen mean shows the part that has a gradient.
    _, held = penalties.path_length(
        penalties.path_lengths(network(w).reshape(6, 1, 2, 2), w, torch_generator(Rng(1))), mean
    )
    assert not held.requires_grad

    def value() -> Tensor:
        lengths = penalties.path_lengths(network(w).reshape(6, 1, 2, 2), w, torch_generator(Rng(1)))
        return penalties.path_length(lengths, held, decay=0.0)[0]

    _check_gradient(network, value)


def test_training_with_the_penalty_evens_out_path_lengths() -> None:
    network = _network(3, 4)
    mean = torch.tensor(0.0, dtype=torch.float64)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    spread = []
    for step in range(150):
        w = _normal(64, 3, step=100 + step).requires_grad_()
        generator = torch_generator(Rng(0).child("y", step))
        lengths = penalties.path_lengths(network(w).reshape(64, 1, 2, 2), w, generator)
        penalty, mean = penalties.path_length(lengths, mean)
        spread.append(float((lengths.std() / lengths.mean()).detach()))
        optimizer.zero_grad()
        penalty.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert sum(spread[-10:]) < 0.8 * sum(spread[:10])


def test_mode_seeking_compares_neighbours_of_one_class_only() -> None:
    codes, images = _normal(5, 7), _normal(5, 1, 3, 2, step=1)
    label = torch.tensor([0, 0, 1, 1, 2])
    ratios = [
        float((codes[i] - codes[i + 1]).abs().mean() / ((images[i] - images[i + 1]).abs().mean() + 1e-3))
        for i in range(4)
    ]
    assert float(penalties.mode_seeking(codes, images)) == pytest.approx(sum(ratios) / 4, rel=1e-12)
    assert float(penalties.mode_seeking(codes, images, label)) == pytest.approx((ratios[0] + ratios[2]) / 2, rel=1e-12)
    assert float(penalties.mode_seeking(codes, images, torch.arange(5))) == 0.0
    assert float(penalties.mode_seeking(codes[:1], images[:1])) == 0.0


def test_mode_seeking_grows_as_images_collapse() -> None:
    codes, images = _normal(6, 4), _normal(6, 1, 2, 2, step=1)
    nearer = [float(penalties.mode_seeking(codes, images.mean(0) + share * images)) for share in (1, 0.1, 0)]
    assert nearer == sorted(nearer)
    assert nearer[2] == pytest.approx(float((codes[1:] - codes[:-1]).abs().mean()) / 1e-3, rel=1e-9)


def test_gradient_of_mode_seeking_reaches_the_generator() -> None:
    network, codes = _network(3, 8), _normal(6, 3)
    label = torch.tensor([0, 0, 0, 1, 1, 2])
    _check_gradient(network, lambda: penalties.mode_seeking(codes, network(codes).reshape(6, 2, 2, 2), label))
