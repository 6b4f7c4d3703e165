"""DCGAN: shapes, how weights start, labels, and what a single row does."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks import dcgan
from lookalike.techniques.training import torch_generator


def _normal(*size: int, step: int = 0) -> Tensor:
    return torch.randn(size, generator=torch_generator(Rng(0).child("x", step)))


def _pair(shape: dcgan.Architecture) -> tuple[dcgan.DcganGenerator, dcgan.DcganDiscriminator]:
    return dcgan.DcganGenerator(shape, Rng(0)), dcgan.DcganDiscriminator(shape, Rng(1))


@pytest.mark.parametrize(
    ("height", "width", "channels", "classes"),
    [(8, 8, 1, 10), (28, 28, 1, 0), (28, 28, 4, 3), (32, 32, 3, 10), (64, 48, 3, 2), (24, 40, 2, 0)],
)
def test_images_have_the_asked_size_and_logits_one_number(height: int, width: int, channels: int, classes: int) -> None:
    shape = dcgan.preset("tiny", height, width, channels, classes)
    generator, discriminator = _pair(shape)
    labels = torch.arange(5) % classes if classes else None
    images = generator(_normal(5, shape.z_dim), labels)
    assert images.shape == (5, channels, height, width)
    assert images.detach().abs().max() <= 1
    assert discriminator(images, labels).shape == (5,)


def test_paper_widths_at_64_pixels() -> None:
    shape = dcgan.preset("paper", 64, 64, 3)
    assert shape.widths() == [128, 256, 512, 1024]
    generator = dcgan.DcganGenerator(shape, Rng(0))
    assert generator.grid == (4, 4)
    widths = [layer.in_channels for layer in generator.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert widths == [1024, 512, 256, 128]
    assert shape.z_dim == 100


def test_weights_start_as_published() -> None:
    for network in _pair(dcgan.preset("small", 32, 32, 3)):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                assert float(layer.weight.detach().mean()) == pytest.approx(0, abs=0.002)
                assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
                assert layer.bias is None or not layer.bias.any()
            elif isinstance(layer, nn.BatchNorm2d):
                assert (layer.weight == 1).all()
                assert not layer.bias.any()
                assert not layer.running_mean.any()  # type: ignore[union-attr]
                assert (layer.running_var == 1).all()  # type: ignore[union-attr]


def test_batch_normalisation_is_everywhere_but_at_the_images() -> None:
    generator, discriminator = _pair(dcgan.preset("tiny", 32, 32, 3))
    for layers, without in ((list(generator.layers), -2), (list(discriminator.layers), 0)):
        convolutions = [at for at, layer in enumerate(layers) if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
        bare = convolutions.pop(0 if without == 0 else -1)
        assert not isinstance(layers[(bare + 1) % len(layers)], nn.BatchNorm2d)
        assert all(isinstance(layers[at + 1], nn.BatchNorm2d) for at in convolutions)
    assert isinstance(generator.layers[0], nn.BatchNorm2d)


def test_labels_change_images_and_logits() -> None:
    shape = dcgan.preset("tiny", 8, 8, 1, 3)
    generator, discriminator = (network.eval() for network in _pair(shape))
    z, x = _normal(1, shape.z_dim).repeat(2, 1), _normal(1, 1, 8, 8).repeat(2, 1, 1, 1)
    labels = torch.tensor([0, 2])
    images, logits = generator(z, labels), discriminator(x, labels)
    assert not torch.allclose(images[0], images[1], atol=1e-4)
    assert float((logits[0] - logits[1]).abs().detach()) > 1e-6


@pytest.mark.parametrize(("classes", "labels"), [(3, None), (0, torch.tensor([0, 1])), (3, torch.tensor([0]))])
def test_labels_that_do_not_fit_are_refused(classes: int, labels: Tensor | None) -> None:
    shape = dcgan.preset("tiny", 8, 8, 1, classes)
    generator, discriminator = _pair(shape)
    with pytest.raises(ConfigError, match="labels do not fit"):
        generator(_normal(2, shape.z_dim), labels)
    with pytest.raises(ConfigError, match="labels do not fit"):
        discriminator(_normal(2, 1, 8, 8), labels)


def test_one_row_is_refused_in_training_and_fine_in_sampling() -> None:
    shape = dcgan.preset("tiny", 8, 8, 1)
    generator, discriminator = _pair(shape)
    with pytest.raises(ConfigError, match="2 or more"):
        generator(_normal(1, shape.z_dim))
    with pytest.raises(ConfigError, match="2 or more"):
        discriminator(_normal(1, 1, 8, 8))
    assert generator.eval()(_normal(1, shape.z_dim)).shape == (1, 1, 8, 8)
    assert discriminator.eval()(_normal(1, 1, 8, 8)).shape == (1,)


def test_weights_follow_the_key_and_leave_global_randomness_alone(global_state: None) -> None:
    shape = dcgan.preset("tiny", 28, 28, 1, 10)
    for network in (dcgan.DcganGenerator, dcgan.DcganDiscriminator):
        one, same, other = (network(shape, Rng(seed)).state_dict() for seed in (0, 0, 1))
        assert all(torch.equal(value, same[name]) for name, value in one.items())
        assert any(not torch.equal(value, other[name]) for name, value in one.items())


def test_sizes_that_do_not_fit_are_refused() -> None:
    shape = dataclasses.replace(dcgan.preset("tiny", 28, 28, 1), width=27)
    for network in (dcgan.DcganGenerator, dcgan.DcganDiscriminator):
        with pytest.raises(ConfigError, match="resize or crop"):
            network(shape, Rng(0))


def test_every_weight_gets_a_gradient() -> None:
    shape = dcgan.preset("tiny", 28, 28, 1, 2)
    generator, discriminator = _pair(shape)
    labels = torch.tensor([0, 1, 1, 0])
    discriminator(generator(_normal(4, shape.z_dim), labels), labels).sum().backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name
