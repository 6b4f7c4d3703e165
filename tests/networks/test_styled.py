"""Mapping, truncation, mixing and noise: identities that hold for any weights."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.networks.styled import (
    DiscriminatorTail,
    MappingNetwork,
    StyleArchitecture,
    mix_styles,
    noise_image,
    set_mean,
    style_architecture,
    style_statistics,
    truncate,
)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _mapping(classes: int = 0) -> MappingNetwork:
    return MappingNetwork(StyleArchitecture(8, 8, 1, classes, z_dim=6, w_dim=5), _generator())


def _normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=_generator(seed))


@pytest.mark.parametrize("preset", ["tiny", "small", "paper"])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (64, 48), (1024, 1024)])
def test_presets_have_every_level(preset: str, size: tuple[int, int]) -> None:
    levels = style_architecture(preset, *size, 3, 0, "cpu").levels()  # type: ignore[arg-type]
    assert levels[-1][:2] == size
    widths = [features for _, _, features in levels]
    assert widths == sorted(widths, reverse=True)
    assert all(fine[:2] == (2 * coarse[0], 2 * coarse[1]) for coarse, fine in pairwise(levels))


def test_the_published_widths() -> None:
    """Configuration F: 512 channels up to 64 pixels, then half as many for each doubling, 32 at 1024."""
    widths = {h: features for h, _, features in style_architecture("paper", 1024, 1024, 3, 0, "cuda").levels()}
    assert widths == {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}


def test_auto_follows_the_device_and_an_impossible_size_is_refused() -> None:
    assert style_architecture("auto", 28, 28, 1, 2, "cpu") == style_architecture("tiny", 28, 28, 1, 2, "cpu")
    assert style_architecture("auto", 28, 28, 1, 2, "cuda") == style_architecture("small", 28, 28, 1, 2, "cuda")
    with pytest.raises(ConfigError, match="28 x 28"):
        style_architecture("auto", 29, 29, 1, 2, "cpu")


def test_mapping_ignores_the_length_of_z_and_heeds_the_label() -> None:
    mapping, z_BZ = _mapping(), _normal(4, 6)
    assert torch.allclose(mapping(z_BZ), mapping(9 * z_BZ), atol=1e-5)
    conditional = _mapping(classes=3)
    label_B = torch.tensor([0, 1, 2, 0])
    first = conditional(z_BZ, label_B)
    assert first.shape == (4, 5)
    changed = conditional(z_BZ, torch.tensor([1, 1, 2, 0]))
    assert not torch.allclose(first[0], changed[0])
    assert torch.equal(first[1:], changed[1:])
    with pytest.raises(ConfigError, match="no labels"):
        conditional(z_BZ)


def test_the_mapping_learns_a_hundred_times_slower() -> None:
    mapping, z_BZ = _mapping(), _normal(4, 6)
    before = mapping(z_BZ).detach()
    with torch.no_grad():
        for value in mapping.layers.parameters():
            value.add_(1)
    assert 0 < float((mapping(z_BZ) - before).detach().abs().max()) < 0.2


def test_the_mean_of_each_class_is_that_of_its_styles_and_part_of_the_state() -> None:
    mapping = _mapping(classes=3)
    set_mean(mapping, 6, Rng(0))
    w_BD = mapping(_normal(4000, 6, seed=5), torch.full((4000,), 2)).detach()
    assert torch.allclose(mapping.mean_KD[2], w_BD.mean(0), atol=0.1 * float(w_BD.mean(0).norm()))
    assert not torch.allclose(mapping.mean_KD[1], w_BD.mean(0), atol=0.1 * float(w_BD.mean(0).norm()))
    assert torch.equal(mapping.state_dict()["mean_KD"], mapping.mean_KD)
    assert torch.equal(mapping.mean(torch.tensor([1, 2]))[1], mapping.mean_KD[2])


def test_the_forward_pass_tracks_nothing() -> None:
    mapping = _mapping()
    mapping(_normal(4, 6))
    assert torch.equal(mapping.mean_KD, torch.zeros(1, 5))
    assert mapping.mean().shape == (1, 5)


def test_style_statistics_are_those_of_the_styles() -> None:
    mapping = _mapping(classes=2)
    mean_KD, spread_K = style_statistics(mapping, 6, 4000, Rng(0))
    w_BD = mapping(_normal(4000, 6, seed=5), torch.ones(4000, dtype=torch.long)).detach()
    assert torch.allclose(mean_KD[1], w_BD.mean(0), atol=0.1)
    assert float(spread_K[1]) == pytest.approx(
        float((w_BD - w_BD.mean(0)).norm(dim=1).square().mean().sqrt()), rel=0.05
    )
    assert style_statistics(_mapping(), 6, 10, Rng(0))[0].shape == (1, 5)


def test_truncation() -> None:
    w_BLD, mean_BD = _normal(2, 4, 5), _normal(2, 5, seed=2)
    assert torch.allclose(truncate(w_BLD, mean_BD, 1.0), w_BLD)
    assert torch.allclose(truncate(w_BLD, mean_BD, 0.0), mean_BD[:, None].expand(-1, 4, -1))
    half = truncate(w_BLD, mean_BD[:1], 0.5, layers=3)
    assert torch.allclose(half[:, :3], (w_BLD[:, :3] + mean_BD[0]) / 2)
    assert torch.equal(half[:, 3:], w_BLD[:, 3:])


def test_mixing_switches_once_and_after_the_first_layer() -> None:
    first, second = torch.zeros(4000, 2), torch.ones(4000, 2)
    mixed = mix_styles(first, second, 5, _generator(), probability=0.9)
    assert mixed.shape == (4000, 5, 2)
    taken = mixed[:, :, 0]
    assert torch.equal(taken, mixed[:, :, 1])
    assert (taken[:, 0] == 0).all()
    assert (taken.diff(dim=1) >= 0).all()
    from_second = taken.sum(1)
    assert float((from_second == 0).float().mean()) == pytest.approx(0.1, abs=0.02)
    for layers in range(1, 5):
        assert float((from_second == layers).float().mean()) == pytest.approx(0.9 / 4, abs=0.03)
    assert torch.equal(mix_styles(first, second, 5, _generator(), 0.0), torch.zeros(4000, 5, 2))
    assert torch.equal(mix_styles(first, second, 1, _generator(), 1.0), torch.zeros(4000, 1, 2))


def test_noise_of_a_row_depends_on_its_own_generator_only() -> None:
    fixed = _normal(1, 1, 3, 4)
    assert noise_image("none", fixed, 2) is None
    assert noise_image("fixed", fixed, 2) is fixed
    fresh = noise_image(_generator(), fixed, 3)
    assert fresh is not None
    assert fresh.shape == (3, 1, 3, 4)
    both = noise_image([_generator(1), _generator(2)], fixed, 2)
    alone = noise_image([_generator(2)], fixed, 1)
    assert both is not None
    assert alone is not None
    assert torch.equal(both[1:], alone)
    assert not torch.equal(both[0], both[1])
    with pytest.raises(ConfigError, match="found 1 for 2 rows"):
        noise_image([_generator()], fixed, 2)


def test_the_tail_gives_one_logit_for_each_row() -> None:
    tail = DiscriminatorTail(StyleArchitecture(64, 48, 1, finest=4, most=8), _generator())
    assert tail(_normal(3, 8, 8, 6), None).shape == (3,)
