"""StyleGAN: adaptive normalisation, styles, noise, any allowed size, derivatives of second order."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.styled import StyleArchitecture, truncate
from lookalike.networks.stylegan1 import Stylegan1Discriminator, Stylegan1Generator, adaptive_instance_norm

_TINY = StyleArchitecture(8, 8, 1, z_dim=4, w_dim=3, finest=2, most=4)


def _normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _noisy(network: Stylegan1Generator) -> Stylegan1Generator:
    """Give the noise an effect, as training does."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith("noise_scale"):
                value.fill_(0.5)
    return network


def test_adaptive_normalisation_gives_each_channel_the_asked_mean_and_standard_deviation() -> None:
    x_BCHW = 3 * _normal(2, 5, 6, 7) + 40
    scale_BC, shift_BC = _normal(2, 5, seed=2), _normal(2, 5, seed=3)
    found = adaptive_instance_norm(x_BCHW, scale_BC, shift_BC)
    assert torch.allclose(found.mean((2, 3)), shift_BC, atol=1e-5)
    assert torch.allclose(found.std((2, 3), correction=0), scale_BC.abs(), atol=1e-5)


@pytest.mark.parametrize(("height", "width", "channels"), [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 48, 5)])
def test_shapes(height: int, width: int, channels: int) -> None:
    shape = StyleArchitecture(height, width, channels, classes=3, z_dim=4, w_dim=4, finest=2, most=4)
    network, judge = Stylegan1Generator(shape, Rng(0)), Stylegan1Discriminator(shape, Rng(0))
    label_B = torch.tensor([0, 2, 1])
    w_BD = network.mapping(_normal(3, 4), label_B)
    x_BCHW = network.synthesis(w_BD[:, None].expand(-1, network.num_ws, -1), "fixed")
    assert x_BCHW.shape == (3, channels, height, width)
    assert torch.equal(x_BCHW, network(_normal(3, 4), label_B))
    assert judge(x_BCHW, label_B).shape == (3,)


def test_eighteen_styles_at_1024_pixels_as_published() -> None:
    shape = StyleArchitecture(1024, 1024, 3, z_dim=2, w_dim=2, finest=1, most=1)
    assert Stylegan1Generator(shape, Rng(0)).num_ws == 18


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="28 x 28 or 30 x 30"):
        Stylegan1Generator(StyleArchitecture(29, 29, 1), Rng(0))
    with pytest.raises(ConfigError, match="28 x 28 or 30 x 30"):
        Stylegan1Discriminator(StyleArchitecture(29, 29, 1), Rng(0))


@pytest.mark.usefixtures("global_state")
def test_weights_follow_the_key() -> None:
    for build in (Stylegan1Generator, Stylegan1Discriminator):
        first, same, other = (build(_TINY, Rng(seed)).state_dict() for seed in (0, 0, 1))
        assert all(torch.equal(value, same[name]) for name, value in first.items())
        assert not all(torch.equal(value, other[name]) for name, value in first.items())


def test_noise_has_no_effect_at_initialisation_and_one_afterwards() -> None:
    network = Stylegan1Generator(_TINY, Rng(0))
    w_BLD = _normal(2, network.num_ws, 3)
    silent = network.synthesis(w_BLD, "none")
    assert torch.equal(network.synthesis(w_BLD, torch.Generator().manual_seed(0)), silent)
    _noisy(network)
    loud = network.synthesis(w_BLD, torch.Generator().manual_seed(0))
    assert torch.equal(network.synthesis(w_BLD, "none"), silent)
    assert not torch.allclose(loud, silent)
    assert torch.equal(network.synthesis(w_BLD, torch.Generator().manual_seed(0)), loud)
    assert not torch.allclose(network.synthesis(w_BLD, "fixed"), loud)


def test_a_row_depends_on_its_own_generator() -> None:
    network = _noisy(Stylegan1Generator(_TINY, Rng(0)))
    w_BLD = _normal(3, network.num_ws, 3)
    together = network.synthesis(w_BLD, [torch.Generator().manual_seed(i) for i in range(3)])
    alone = network.synthesis(w_BLD[2:], [torch.Generator().manual_seed(2)])
    assert torch.allclose(together[2:], alone, atol=1e-5)


def test_no_truncation_changes_nothing_and_full_truncation_gives_one_image() -> None:
    network = Stylegan1Generator(_TINY, Rng(0))
    w_BLD = network.mapping(_normal(4, 4))[:, None].expand(-1, network.num_ws, -1)
    mean_BD = _normal(1, 3)
    plain = network.synthesis(w_BLD)
    assert torch.allclose(network.synthesis(truncate(w_BLD, mean_BD, 1.0)), plain, atol=1e-5)
    same = network.synthesis(truncate(w_BLD, mean_BD, 0.0))
    assert torch.allclose(same, same[:1].expand_as(same), atol=1e-5)
    assert not torch.allclose(plain[0], plain[1], atol=1e-2)


def test_every_layer_gets_its_own_style() -> None:
    network = Stylegan1Generator(_TINY, Rng(0))
    w_BLD = _normal(2, network.num_ws, 3)
    seen: list[Tensor] = []
    for layer in network.synthesis.layers:
        layer.style.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.synthesis(w_BLD)
    assert torch.equal(torch.stack(seen, dim=1), w_BLD)


def test_swapping_all_styles_gives_the_other_image_and_each_layer_has_its_part() -> None:
    network = Stylegan1Generator(_TINY, Rng(0))
    w_BLD = _normal(2, network.num_ws, 3)
    images = network.synthesis(w_BLD)
    assert torch.allclose(network.synthesis(w_BLD.flip(0)), images.flip(0), atol=1e-5)
    for layer in range(network.num_ws):
        mixed = w_BLD.clone()
        mixed[:, layer] = w_BLD.flip(0)[:, layer]
        assert not torch.allclose(network.synthesis(mixed), images, atol=1e-3), layer


def test_second_derivatives_of_the_penalty_on_gradients() -> None:
    """R1 differentiates the gradient for real images by the parameters."""
    judge = Stylegan1Discriminator(_TINY, Rng(0)).double()
    x_BCHW = _normal(2, 1, 8, 8).double().requires_grad_()
    assert gradcheck(judge, (x_BCHW,))
    weight = judge.convs[1].weight

    def gradient(weight_: Tensor) -> Tensor:
        logits = torch.func.functional_call(judge, {"convs.1.weight": weight_}, (x_BCHW,))
        (found,) = torch.autograd.grad(logits.sum(), x_BCHW, create_graph=True)
        return found.square().sum()

    assert gradcheck(gradient, (weight.detach()[:, :].requires_grad_(),), atol=1e-4)


def test_second_derivatives_through_synthesis() -> None:
    """The path length differentiates the gradient for styles by the parameters and the styles."""
    network = _noisy(Stylegan1Generator(_TINY, Rng(0))).double()
    w_BLD = _normal(1, network.num_ws, 3).double().requires_grad_()
    assert gradgradcheck(lambda w: network.synthesis(w)[..., 3:5, 3:5], (w_BLD,), atol=1e-4)
