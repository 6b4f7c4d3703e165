"""StyleGAN2: two forms of one convolution, invariance by demodulation, styles, noise, derivatives of second order."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.styled import StyleArchitecture, style_statistics, truncate
from lookalike.networks.stylegan2 import Stylegan2Discriminator, Stylegan2Generator, modulated_conv
from lookalike.techniques.inversion import project

_TINY = StyleArchitecture(8, 8, 1, z_dim=4, w_dim=3, finest=2, most=4)


def _normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _noisy(network: Stylegan2Generator) -> Stylegan2Generator:
    """Give the noise an effect, as training does."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith("noise_scale"):
                value.fill_(0.5)
    return network


def _inputs() -> tuple[Tensor, Tensor, Tensor]:
    return _normal(3, 4, 6, 8), _normal(5, 4, 3, 3, seed=2), _normal(3, 4, seed=3)


@pytest.mark.parametrize("double", [False, True])
def test_fused_and_unfused_agree_in_value_and_gradient(double: bool) -> None:
    inputs = [value.requires_grad_() for value in _inputs()]
    one, other = (modulated_conv(*inputs, double=double, fused=fused, gain=1.5) for fused in (False, True))
    assert one.shape == ((3, 5, 12, 16) if double else (3, 5, 6, 8))
    assert torch.allclose(one, other, atol=1e-5)
    probe = _normal(*one.shape, seed=4)
    for a, b in zip(*(torch.autograd.grad(y, inputs, probe) for y in (one, other)), strict=True):
        assert torch.allclose(a, b, atol=1e-4, rtol=1e-4)


def test_whole_generators_agree_whichever_form_they_use() -> None:
    shape = StyleArchitecture(28, 28, 3, z_dim=4, w_dim=4, finest=4, most=8)
    one, other = (Stylegan2Generator(replace(shape, fused=fused), Rng(0)) for fused in (False, True))
    assert torch.allclose(one(_normal(3, 4)), other(_normal(3, 4)), atol=1e-5)


@pytest.mark.parametrize("fused", [False, True])
def test_each_image_is_convolved_with_its_own_demodulated_weights(fused: bool) -> None:
    x, weight, style = _inputs()
    found = modulated_conv(x, weight, style, fused=fused)
    for row in range(3):
        own = weight * style[row][None, :, None, None]
        own = own / own.square().sum((1, 2, 3), keepdim=True).sqrt()
        assert torch.allclose(found[row], torch.nn.functional.conv2d(x[row], own, padding=1), atol=1e-5)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("double", [False, True])
def test_the_length_of_a_style_changes_nothing(double: bool, fused: bool) -> None:
    x, weight, style = _inputs()
    long = modulated_conv(x, weight, 7 * style, double, fused)
    assert torch.allclose(modulated_conv(x, weight, style, double, fused), long, atol=1e-5)
    assert not torch.allclose(modulated_conv(x, weight, style + 1, double, fused), long, atol=0.1)


def test_unit_variance_in_gives_unit_variance_out_whatever_the_style() -> None:
    x, weight = _normal(8, 64, 16, 16), _normal(64, 64, 3, 3, seed=2)
    found = modulated_conv(x, weight, 3 * _normal(8, 64, seed=3))
    assert float(found[:, :, 1:-1, 1:-1].std()) == pytest.approx(1, abs=0.05)


def test_what_makes_images_is_not_demodulated() -> None:
    network = Stylegan2Generator(_TINY, Rng(0))
    to_image = network.synthesis.images[0]
    x_BCHW, w_BD = _normal(2, 4, 4, 4), _normal(2, 3)
    one = to_image(x_BCHW, w_BD)
    weight = (to_image.weight * to_image.scale)[None] * to_image.style(w_BD)[:, None]
    assert torch.allclose(one, torch.einsum("boi,bihw->bohw", weight, x_BCHW), atol=1e-6)
    with torch.no_grad():
        to_image.style.weight *= 3
        to_image.style.bias *= 3
    assert torch.allclose(to_image(x_BCHW, w_BD), 3 * one, atol=1e-5)


@pytest.mark.parametrize(("height", "width", "channels"), [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 48, 5)])
def test_shapes(height: int, width: int, channels: int) -> None:
    shape = StyleArchitecture(height, width, channels, classes=3, z_dim=4, w_dim=4, finest=2, most=4)
    network, judge = Stylegan2Generator(shape, Rng(0)), Stylegan2Discriminator(shape, Rng(0))
    label_B = torch.tensor([0, 2, 1])
    w_BD = network.mapping(_normal(3, 4), label_B)
    x_BCHW = network.synthesis(w_BD[:, None].expand(-1, network.num_ws, -1), "fixed")
    assert x_BCHW.shape == (3, channels, height, width)
    assert torch.equal(x_BCHW, network(_normal(3, 4), label_B))
    assert judge(x_BCHW, label_B).shape == (3,)


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="28 x 28 or 30 x 30"):
        Stylegan2Generator(StyleArchitecture(29, 29, 1), Rng(0))
    with pytest.raises(ConfigError, match="28 x 28 or 30 x 30"):
        Stylegan2Discriminator(StyleArchitecture(29, 29, 1), Rng(0))


@pytest.mark.usefixtures("global_state")
def test_weights_follow_the_key() -> None:
    for build in (Stylegan2Generator, Stylegan2Discriminator):
        first, same, other = (build(_TINY, Rng(seed)).state_dict() for seed in (0, 0, 1))
        assert all(torch.equal(value, same[name]) for name, value in first.items())
        assert not all(torch.equal(value, other[name]) for name, value in first.items())


def test_noise_has_no_effect_at_initialisation_and_one_afterwards() -> None:
    network = Stylegan2Generator(_TINY, Rng(0))
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
    network = _noisy(Stylegan2Generator(_TINY, Rng(0)))
    w_BLD = _normal(3, network.num_ws, 3)
    together = network.synthesis(w_BLD, [torch.Generator().manual_seed(i) for i in range(3)])
    alone = network.synthesis(w_BLD[2:], [torch.Generator().manual_seed(2)])
    assert torch.allclose(together[2:], alone, atol=1e-5)


def test_no_truncation_changes_nothing_and_full_truncation_gives_one_image() -> None:
    network = Stylegan2Generator(_TINY, Rng(0))
    w_BLD = network.mapping(_normal(4, 4))[:, None].expand(-1, network.num_ws, -1)
    mean_BD = _normal(1, 3)
    plain = network.synthesis(w_BLD)
    assert torch.allclose(network.synthesis(truncate(w_BLD, mean_BD, 1.0)), plain, atol=1e-5)
    same = network.synthesis(truncate(w_BLD, mean_BD, 0.0))
    assert torch.allclose(same, same[:1].expand_as(same), atol=1e-5)
    assert not torch.allclose(plain[0], plain[1], atol=1e-2)


def test_every_layer_gets_its_own_style() -> None:
    network = Stylegan2Generator(_TINY, Rng(0))
    w_BLD = _normal(2, network.num_ws, 3)
    seen: list[Tensor] = []
    for layer in network.synthesis.layers:
        layer.style.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.synthesis(w_BLD)
    assert torch.equal(torch.stack(seen, dim=1), w_BLD)


def test_swapping_all_styles_gives_the_other_image_and_each_layer_has_its_part() -> None:
    network = Stylegan2Generator(_TINY, Rng(0))
    w_BLD = _normal(2, network.num_ws, 3)
    images = network.synthesis(w_BLD)
    assert torch.allclose(network.synthesis(w_BLD.flip(0)), images.flip(0), atol=1e-5)
    for layer in range(network.num_ws):
        mixed = w_BLD.clone()
        mixed[:, layer] = w_BLD.flip(0)[:, layer]
        assert not torch.allclose(network.synthesis(mixed), images, atol=1e-3), layer


def test_second_derivatives_of_the_penalty_on_gradients() -> None:
    """R1 differentiates the gradient for real images by the parameters."""
    judge = Stylegan2Discriminator(_TINY, Rng(0)).double()
    x_BCHW = _normal(2, 1, 8, 8).double().requires_grad_()
    assert gradcheck(judge, (x_BCHW,))
    names = ["blocks.0.first.weight", "blocks.0.second.weight", "blocks.0.straight.weight", "tail.conv.weight"]

    def penalty(*weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        logits = torch.func.functional_call(judge, given, (x_BCHW,))
        (found,) = torch.autograd.grad(logits.sum(), x_BCHW, create_graph=True)
        return found.square().sum()

    given = [judge.get_parameter(name).detach().clone().requires_grad_() for name in names]
    assert gradcheck(penalty, given, atol=1e-4)


@pytest.mark.parametrize("fused", [False, True])
def test_second_derivatives_through_synthesis(fused: bool) -> None:
    """The path length differentiates the gradient for styles by the parameters and the styles."""
    network = _noisy(Stylegan2Generator(replace(_TINY, fused=fused), Rng(0))).double()
    w_BLD = _normal(1, network.num_ws, 3).double().requires_grad_()
    assert gradgradcheck(lambda w: network.synthesis(w)[..., 3:5, 3:5], (w_BLD,), atol=1e-4)


def test_an_image_of_a_known_style_is_found_again() -> None:
    network = Stylegan2Generator(StyleArchitecture(8, 8, 3, z_dim=8, w_dim=8, finest=8, most=8), Rng(0))
    target = network(_normal(1, 8, seed=3), noise="none").detach()
    mean_KD, spread_K = style_statistics(network.mapping, 8, 1000, Rng(0))

    def synthesis(w_BD: Tensor) -> Tensor:
        return network.synthesis(w_BD[:, None].expand(-1, network.num_ws, -1), "none")

    start = (synthesis(mean_KD) - target).square().mean()
    found = project(
        synthesis, lambda x, y: (x - y).square().mean(), target, mean_KD, float(spread_K[0]), Rng(0), steps=200
    )
    assert found.distances[-1] < 0.1 * float(start.detach())
