"""StyleGAN: a generator whose layers are normalised and then scaled and shifted by a style.

Legend: B images, L layers that take a style, D dimensions of w, Z of z, C channels, H and W pixels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast, final

import torch
from torch import Tensor, nn

from lookalike.core.rng import Rng
from lookalike.networks.equalised import GAIN, EqualConv, EqualLinear, leaky_relu
from lookalike.networks.styled import (
    DiscriminatorTail,
    MappingNetwork,
    Noise,
    StyleArchitecture,
    noise_image,
)
from lookalike.techniques.training import torch_generator

_EPSILON = 1e-8


def adaptive_instance_norm(x_BCHW: Tensor, scale_BC: Tensor, shift_BC: Tensor) -> Tensor:
    """Return each channel of each image with a given standard deviation and mean.

    Args:
        x_BCHW: Features.
        scale_BC: Standard deviation; a negative one also turns the sign.
        shift_BC: Mean.

    Source: Karras et al. 2019, arXiv 1812.04948, equation 1; Huang and Belongie 2017, arXiv 1703.06868.
    Differs from the paper: nothing.
    """
    # On a CPU torch.var costs several times as much as two means.
    centred = x_BCHW - x_BCHW.mean(dim=(2, 3), keepdim=True)
    factor_BC = scale_BC * (centred.square().mean(dim=(2, 3)) + _EPSILON).rsqrt()
    return torch.addcmul(shift_BC[:, :, None, None], centred, factor_BC[:, :, None, None])


@final
class _Layer(nn.Module):
    """Convolution (none in the first layer), noise, leaky ReLU, adaptive instance normalisation."""

    fixed_noise: Tensor

    def __init__(
        self, conv: EqualConv | None, size: tuple[int, int, int], w_dim: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        tall, wide, features = size
        self.conv = conv
        self.noise_scale = nn.Parameter(torch.zeros(features, 1, 1))
        self.style = EqualLinear(w_dim, 2 * features, generator)
        self.register_buffer("fixed_noise", torch.randn(1, 1, tall, wide, generator=generator))

    def forward(self, x_BCHW: Tensor, w_BD: Tensor, noise: Noise) -> Tensor:
        if self.conv is not None:
            x_BCHW = self.conv(x_BCHW)
        image = noise_image(noise, self.fixed_noise, len(x_BCHW))
        if image is not None:
            x_BCHW = torch.addcmul(x_BCHW, image, self.noise_scale)
        scale_BC, shift_BC = self.style(w_BD).chunk(2, dim=1)
        return adaptive_instance_norm(leaky_relu(x_BCHW), 1 + scale_BC, shift_BC)


@final
class _Synthesis(nn.Module):
    """From one style for each layer to images."""

    def __init__(self, shape: StyleArchitecture, generator: torch.Generator) -> None:
        super().__init__()
        levels = shape.levels()
        tall, wide, features = levels[0]
        self.constant = nn.Parameter(torch.randn(1, features, tall, wide, generator=generator))
        layers = [_Layer(None, levels[0], shape.w_dim, generator)]
        for place, level in enumerate(levels):
            if place:
                up = EqualConv(features, level[2], 3, generator, gain=GAIN, size="double")
                layers.append(_Layer(up, level, shape.w_dim, generator))
            features = level[2]
            conv = EqualConv(features, features, 3, generator, gain=GAIN)
            layers.append(_Layer(conv, level, shape.w_dim, generator))
        self.layers = nn.ModuleList(layers)
        self.to_image = EqualConv(features, shape.channels, 1, generator)

    def forward(self, w_BLD: Tensor, noise: Noise = "fixed") -> Tensor:
        x_BCHW = self.constant.expand(len(w_BLD), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        for place, layer in enumerate(self.layers):
            x_BCHW = layer(x_BCHW, w_BLD[:, place], noise)
        return cast(Tensor, self.to_image(x_BCHW)).contiguous()


@final
class Stylegan1Generator(nn.Module):
    """The generator of StyleGAN: `mapping(z, label)` gives styles, `synthesis(w, noise)` images.

    Args:
        shape: Of the networks.
        rng: Key of the weights and of the fixed noise.

    Source: Karras et al. 2019, arXiv 1812.04948, section 2, figure 1 and appendix C.
    Differs from the paper: all resolutions train from the start (no progressive growing); the constant starts from
        N(0, 1) rather than ones, since a constant channel has no variance to normalise; the constant may be larger than
        4 x 4 (`gan.starting_grid`); labels.

    Raises:
        ConfigError: The size of the images is not possible.
    """

    def __init__(self, shape: StyleArchitecture, rng: Rng) -> None:
        """Draw the weights."""
        super().__init__()
        self.shape = shape
        self.mapping = MappingNetwork(shape, torch_generator(rng.child("mapping")))
        self.synthesis = _Synthesis(shape, torch_generator(rng.child("synthesis")))
        self.num_ws = len(self.synthesis.layers)

    def forward(self, z_BZ: Tensor, label_B: Tensor | None = None, noise: Noise = "fixed") -> Tensor:
        """Return images, [B, C, H, W], about in [-1, 1] once trained.

        Args:
            z_BZ: Standard normal numbers.
            label_B: Classes, int64; None where there are none.
            noise: As in `styled.noise_image`.
        """
        w_BD: Tensor = self.mapping(z_BZ, label_B)
        return cast(Tensor, self.synthesis(w_BD[:, None].expand(-1, self.num_ws, -1), noise))


@final
class Stylegan1Discriminator(nn.Module):
    """The discriminator of StyleGAN: two convolutions for each resolution.

    Args:
        shape: Of the networks.
        rng: Key of the weights.

    Source: Karras et al. 2018, arXiv 1710.10196, table 2; blur: Karras et al. 2019, arXiv 1812.04948, section 2.1.
    Differs from the paper: no progressive growing; the second convolution of a resolution is activated after, not
        before, its output is halved; labels enter by projection.

    Raises:
        ConfigError: The size of the images is not possible.
    """

    def __init__(self, shape: StyleArchitecture, rng: Rng) -> None:
        """Draw the weights."""
        super().__init__()
        self.shape = shape
        generator = torch_generator(rng.child("discriminator"))
        widths = [features for _, _, features in reversed(shape.levels())]
        convs = [EqualConv(shape.channels, widths[0], 1, generator, gain=GAIN)]
        for fine, coarse in pairwise(widths):
            convs.append(EqualConv(fine, fine, 3, generator, gain=GAIN))
            convs.append(EqualConv(fine, coarse, 3, generator, gain=GAIN, size="halve"))
        self.convs = nn.ModuleList(convs)
        self.tail = DiscriminatorTail(shape, generator)

    def forward(self, x_BCHW: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return logits, [B]; above 0 means real.

        Args:
            x_BCHW: Images in [-1, 1]; rows are judged in groups of 4.
            label_B: Classes, int64; None where there are none.
        """
        for conv in self.convs:
            x_BCHW = leaky_relu(conv(x_BCHW))
        return cast(Tensor, self.tail(x_BCHW, label_B))
