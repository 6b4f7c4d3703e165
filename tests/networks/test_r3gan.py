"""R3GAN: shapes, how weights start, the mirror, labels, and its penalties."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks import r3gan
from lookalike.techniques.penalties import zero_centred
from lookalike.techniques.training import torch_generator


def _normal(*size: int, step: int = 0) -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x", step)))


def _pair(shape: r3gan.Architecture) -> tuple[r3gan.R3ganGenerator, r3gan.R3ganDiscriminator]:
    return r3gan.R3ganGenerator(shape, Rng(0)), r3gan.R3ganDiscriminator(shape, Rng(1))


def _shake(network: nn.Module) -> None:
    """Move every weight, as blocks that start as the identity show little."""
    for step, parameter in enumerate(network.parameters()):
        parameter.data += 0.1 * _normal(*parameter.shape, step=step)


@pytest.mark.parametrize("name", ["tiny", "small"])
@pytest.mark.parametrize(
    ("height", "width", "channels", "classes"),
    [(8, 8, 1, 10), (28, 28, 1, 0), (28, 28, 4, 3), (32, 32, 3, 10), (64, 48, 3, 2), (24, 40, 2, 0)],
)
def test_images_have_the_asked_size_and_logits_one_number(
    name: r3gan.Preset, height: int, width: int, channels: int, classes: int
) -> None:
    shape = r3gan.preset(name, height, width, channels, classes)
    generator, discriminator = _pair(shape)
    labels = torch.arange(3) % classes if classes else None
    images = generator(_normal(3, shape.z_dim), labels)
    assert images.shape == (3, channels, height, width)
    assert discriminator(images, labels).shape == (3,)


@pytest.mark.parametrize("name", ["tiny", "small", "paper"])
@pytest.mark.parametrize("side", [8, 28, 36, 64, 256, 1024])
def test_every_preset_fits_every_size(name: r3gan.Preset, side: int) -> None:
    grid = r3gan.preset(name, side, side, 3).grid()
    assert 4 <= grid[0] == grid[1] <= 15


def test_paper_widths_at_256_pixels() -> None:
    assert r3gan.preset("paper", 256, 256, 3).widths == (768, 768, 768, 768, 384, 192, 96)


def test_fix_up_initialisation() -> None:
    shape = r3gan.preset("small", 32, 32, 3, 4)
    for network in _pair(shape):
        blocks = [layer for layer in network.modules() if isinstance(layer, r3gan._Block)]
        assert len(blocks) == 2 * 4
        for block in blocks:
            assert not block.out.weight.any()
            assert block.out.bias is None
            for layer in (block.into, block.across):
                fan_in = layer.weight[0].numel()
                expected = math.sqrt(2 / 1.04 / fan_in) * 8**-0.25
                assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.1)
                assert layer.bias is not None
                assert not layer.bias.any()


def test_signals_start_with_unit_variance() -> None:
    shape = r3gan.preset("small", 16, 16, 3, 4)
    generator, discriminator = _pair(shape)
    labels = torch.arange(64) % 4
    images = generator(_normal(64, shape.z_dim), labels).detach()
    # Bilinear upsampling takes some variance away, and the mean of four independent pixels takes more.
    assert 0.3 < float(images.std()) < 1.5
    logits = discriminator(_normal(64, 3, 2, 2).repeat_interleave(8, 2).repeat_interleave(8, 3), labels)
    assert 0.3 < float(logits.detach().std()) < 3


def test_the_generator_is_linear_in_its_code_at_the_start() -> None:
    shape = r3gan.preset("small", 28, 28, 1)
    generator, _ = _pair(shape)
    a, b = _normal(2, shape.z_dim), _normal(2, shape.z_dim, step=1)
    assert torch.allclose(generator(a + b), generator(a) + generator(b), atol=1e-4)
    _shake(generator)
    assert not torch.allclose(generator(a + b), generator(a) + generator(b), atol=1e-2)


def test_the_discriminator_mirrors_the_generator() -> None:
    generator, discriminator = _pair(r3gan.preset("small", 32, 32, 3))
    widths = [[stage[0].into.in_features for stage in network.stages] for network in (generator, discriminator)]
    assert widths[0] == widths[1][::-1]
    sizes = [sum(p.numel() for p in network.parameters()) for network in (generator, discriminator)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)


def test_nothing_couples_the_rows_of_a_batch() -> None:
    shape = r3gan.preset("tiny", 28, 28, 1, 3)
    generator, discriminator = _pair(shape)
    labels, z = torch.tensor([0, 1, 2]), _normal(3, shape.z_dim)
    for network in (generator, discriminator):
        _shake(network)
        assert not [m for m in network.modules() if "Norm" in type(m).__name__]
    images = generator(z, labels)
    assert torch.allclose(images[1:2], generator(z[1:2], labels[1:2]), atol=1e-5)
    assert torch.allclose(discriminator(images, labels)[1], discriminator(images[1:2], labels[1:2])[0], atol=1e-4)


def test_codes_of_positions_change_what_is_near_them_only() -> None:
    shape = r3gan.preset("tiny", 28, 28, 1, 3)
    assert shape.local_sizes() == [49, 196]
    assert shape.z_dim == 64 + 49 + 196
    assert r3gan.preset("paper", 28, 28, 1, 3).z_dim == 64
    generator, _ = _pair(shape)
    z, labels = _normal(1, shape.z_dim), torch.tensor([1])
    moved = z.clone()
    moved[0, -196] += 3
    assert torch.equal(generator(z, labels), generator(moved, labels))
    _shake(generator)
    change = (generator(z, labels) - generator(moved, labels)).abs()[0, 0] > 0
    # The first position of 14 x 14 reaches one position further: two blocks of 2 x 2 pixels.
    assert change[:4, :4].any()
    assert not change[4:].any()
    assert not change[:, 4:].any()


def test_a_matrix_product_is_a_pointwise_convolution() -> None:
    layer = r3gan._Pointwise(3, 5)
    nn.init.normal_(layer.weight, generator=torch_generator(Rng(0)))
    nn.init.normal_(layer.bias, generator=torch_generator(Rng(1)))
    x = _normal(2, 3, 4, 6)
    assert torch.allclose(layer(x), nn.functional.conv2d(x, layer.weight[:, :, None, None], layer.bias), atol=1e-6)


def test_penalty_and_loss_reach_every_weight() -> None:
    shape = r3gan.preset("tiny", 28, 28, 1, 2)
    generator, discriminator = _pair(shape)
    for network in (generator, discriminator):
        _shake(network)
    labels = torch.tensor([0, 1, 1, 0])
    generator_gradient = discriminator(generator(_normal(4, shape.z_dim), labels), labels).sum()
    for name, gradient in zip(
        dict(generator.named_parameters()),
        torch.autograd.grad(generator_gradient, list(generator.parameters())),
        strict=True,
    ):
        assert gradient.abs().max() > 0, name
    x = _normal(4, 1, 28, 28).requires_grad_()
    penalty = zero_centred(discriminator(x, labels), x, 1.0)
    for name, gradient in zip(
        dict(discriminator.named_parameters()),
        torch.autograd.grad(penalty, list(discriminator.parameters()), allow_unused=True),
        strict=True,
    ):
        # A bias moves which side of a kink a value is on, so it has no gradient through the slope.
        assert name.endswith("bias") or (gradient is not None and gradient.abs().max() > 0), name


def test_labels_change_images_and_logits() -> None:
    shape = r3gan.preset("tiny", 8, 8, 1, 3)
    generator, discriminator = _pair(shape)
    z, x = _normal(1, shape.z_dim).repeat(2, 1), _normal(1, 1, 8, 8).repeat(2, 1, 1, 1)
    labels = torch.tensor([0, 2])
    images, logits = generator(z, labels), discriminator(x, labels)
    assert not torch.allclose(images[0], images[1], atol=1e-2)
    assert float((logits[0] - logits[1]).abs().detach()) > 1e-3


@pytest.mark.parametrize(("classes", "labels"), [(3, None), (0, torch.tensor([0, 1])), (3, torch.tensor([0]))])
def test_labels_that_do_not_fit_are_refused(classes: int, labels: Tensor | None) -> None:
    shape = r3gan.preset("tiny", 8, 8, 1, classes)
    generator, discriminator = _pair(shape)
    with pytest.raises(ConfigError, match="labels do not fit"):
        generator(_normal(2, shape.z_dim), labels)
    with pytest.raises(ConfigError, match="labels do not fit"):
        discriminator(_normal(2, 1, 8, 8), labels)


def test_shapes_that_do_not_fit_are_refused() -> None:
    shape = r3gan.preset("tiny", 28, 28, 1)
    for wrong, message in (
        ({"width": 27}, "resize or crop"),
        ({"widths": (64,)}, "give 2 widths"),
        ({"widths": (64, 20)}, "no multiple of group"),
        ({"patch": 3}, "power of two"),
        ({"patch": 16}, "power of two"),
    ):
        for network in (r3gan.R3ganGenerator, r3gan.R3ganDiscriminator):
            with pytest.raises(ConfigError, match=message):
                network(dataclasses.replace(shape, **wrong), Rng(0))


def test_weights_follow_the_key_and_leave_global_randomness_alone(global_state: None) -> None:
    shape = r3gan.preset("tiny", 28, 28, 1, 10)
    for network in (r3gan.R3ganGenerator, r3gan.R3ganDiscriminator):
        one, same, other = (network(shape, Rng(seed)).state_dict() for seed in (0, 0, 1))
        assert all(torch.equal(value, same[name]) for name, value in one.items())
        assert any(not torch.equal(value, other[name]) for name, value in one.items())
