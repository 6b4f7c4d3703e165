"""StyleGAN2: styles modulate the weights of convolutions, and skip connections replace progressive growing.

Legend: B images, L layers that take a style, D dimensions of w, Z of z, C channels, H and W pixels, P pixels of both
axes, I inputs, O outputs, k side of a kernel.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lookalike.core.rng import Rng
from lookalike.networks.equalised import GAIN, EqualConv, EqualLinear, leaky_relu
from lookalike.networks.fir import blur_after_zeros, downsample2, upsample2
from lookalike.networks.styled import (
    DiscriminatorTail,
    MappingNetwork,
    Noise,
    StyleArchitecture,
    noise_image,
)
from lookalike.techniques.training import torch_generator

_EPSILON = 1e-8


def modulated_conv(
    x_BIHW: Tensor, weight_OIkk: Tensor, style_BI: Tensor, double: bool = False, fused: bool = False, gain: float = 1.0
) -> Tensor:
    """Convolve each image with weights that its style scales and that are then brought to unit length.

    Args:
        x_BIHW: Features.
        weight_OIkk: Shared weights; k is odd, and 3 where the sides are doubled.
        style_BI: Scale of each input channel.
        double: Whether the sides are doubled, with the filter [1, 3, 3, 1] after.
        fused: Whether weights are scaled for each image, and convolved in groups, rather than features before and
            after. The results agree up to rounding. On a CPU the fused path costs up to 4 times as much.
        gain: Length of the weights of each output channel.

    Returns:
        [B, O, H, W], or twice the sides.

    Source: Karras et al. 2020, arXiv 1912.04958, equations 1 to 3; grouped convolutions: appendix B.
    Differs from the paper: nothing.
    """
    if fused:
        weight_BOIkk = weight_OIkk * style_BI[:, None, :, None, None]
        length = (weight_BOIkk.square().sum(dim=(2, 3, 4), keepdim=True) + _EPSILON).sqrt()
        weight_BOIkk = weight_BOIkk * (gain / length)
        y = _convolve(x_BIHW.reshape(1, -1, *x_BIHW.shape[2:]), weight_BOIkk.flatten(0, 1), len(x_BIHW), double)
        y_BOHW = y.reshape(*weight_BOIkk.shape[:2], *y.shape[2:])
    else:
        y_BOHW = _convolve(x_BIHW * style_BI[:, :, None, None], weight_OIkk, 1, double)
        square_BO = style_BI.square() @ weight_OIkk.square().sum(dim=(2, 3)).T
        y_BOHW = y_BOHW * (gain * (square_BO + _EPSILON).rsqrt())[:, :, None, None]
    return y_BOHW


def _convolve(x: Tensor, weight: Tensor, groups: int, double: bool) -> Tensor:
    if not double:
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=groups)
    # A transposed convolution wants inputs before outputs, within each group.
    weight = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
    return blur_after_zeros(F.conv_transpose2d(x, weight, stride=2, groups=groups))


@final
class _Layer(nn.Module):
    """Modulated convolution, bias and noise, leaky ReLU."""

    fixed_noise: Tensor

    def __init__(
        self,
        inputs: int,
        size: tuple[int, int, int],
        double: bool,
        shape: StyleArchitecture,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        tall, wide, features = size
        self.doubles, self.fused = double, shape.fused
        self.weight = nn.Parameter(torch.randn(features, inputs, 3, 3, generator=generator))
        self.scale = 1 / math.sqrt(inputs * 9)
        self.bias = nn.Parameter(torch.zeros(features, 1, 1))
        self.noise_scale = nn.Parameter(torch.zeros(()))
        self.style = EqualLinear(shape.w_dim, inputs, generator, bias=1.0)
        self.register_buffer("fixed_noise", torch.randn(1, 1, tall, wide, generator=generator))

    def forward(self, x_BCHW: Tensor, w_BD: Tensor, noise: Noise) -> Tensor:
        y_BCHW = modulated_conv(x_BCHW, self.weight * self.scale, self.style(w_BD), self.doubles, self.fused, GAIN)
        image = noise_image(noise, self.fixed_noise, len(x_BCHW))
        if image is not None:
            y_BCHW = y_BCHW + image * self.noise_scale
        return leaky_relu(y_BCHW + self.bias)


@final
class _ToImage(nn.Module):
    """A modulated 1x1 convolution to image channels, without demodulation."""

    def __init__(self, inputs: int, shape: StyleArchitecture, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape.channels, inputs, generator=generator))
        self.scale = 1 / math.sqrt(inputs)
        self.bias = nn.Parameter(torch.zeros(shape.channels))
        self.style = EqualLinear(shape.w_dim, inputs, generator, bias=1.0)

    def forward(self, x_BIHW: Tensor, w_BD: Tensor) -> Tensor:
        weight_BIO = (self.weight * self.scale).T * self.style(w_BD)[:, :, None]
        x_BPI = x_BIHW.permute(0, 2, 3, 1).flatten(1, 2)
        y_BPO: Tensor = x_BPI @ weight_BIO + self.bias
        return y_BPO.transpose(1, 2).reshape(len(x_BIHW), -1, *x_BIHW.shape[2:])


@final
class _Synthesis(nn.Module):
    """From one style for each layer to images: the sum of what every resolution adds."""

    def __init__(self, shape: StyleArchitecture, generator: torch.Generator) -> None:
        super().__init__()
        levels = shape.levels()
        tall, wide, features = levels[0]
        self.constant = nn.Parameter(torch.randn(1, features, tall, wide, generator=generator))
        layers, images = [], []
        for place, level in enumerate(levels):
            if place:
                layers.append(_Layer(features, level, True, shape, generator))
            features = level[2]
            layers.append(_Layer(features, level, False, shape, generator))
            images.append(_ToImage(features, shape, generator))
        self.layers, self.images = nn.ModuleList(layers), nn.ModuleList(images)

    def forward(self, w_BLD: Tensor, noise: Noise = "fixed") -> Tensor:
        x_BCHW = self.constant.expand(len(w_BLD), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x_BCHW = self.layers[0](x_BCHW, w_BLD[:, 0], noise)
        image_BCHW: Tensor = self.images[0](x_BCHW, w_BLD[:, 0])
        for place, to_image in enumerate(self.images[1:]):
            first, second = 2 * place + 1, 2 * place + 2
            x_BCHW = self.layers[first](x_BCHW, w_BLD[:, first], noise)
            x_BCHW = self.layers[second](x_BCHW, w_BLD[:, second], noise)
            image_BCHW = upsample2(image_BCHW) + to_image(x_BCHW, w_BLD[:, second])
        return image_BCHW.contiguous()


@final
class Stylegan2Generator(nn.Module):
    """The generator of StyleGAN2: `mapping(z, label)` gives styles, `synthesis(w, noise)` images.

    Args:
        shape: Of the networks.
        rng: Key of the weights and of the fixed noise.

    Source: Karras et al. 2020, arXiv 1912.04958, sections 2 and 4 (figures 2d and 7b) and appendix B.
    Differs from the paper: the constant starts from N(0, 1) and may be larger than 4 x 4 (`gan.starting_grid`);
        what turns features into an image has the style of the layer before it; labels.

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
class _Block(nn.Module):
    """Two convolutions, the second to half the sides, beside a straight path; the sum keeps unit variance."""

    def __init__(self, fine: int, coarse: int, generator: torch.Generator) -> None:
        super().__init__()
        self.first = EqualConv(fine, fine, 3, generator, gain=GAIN)
        # The gain of the leaky ReLU and the 1/sqrt(2) of the sum cancel.
        self.second = EqualConv(fine, coarse, 3, generator, size="halve")
        self.straight = EqualConv(fine, coarse, 1, generator, gain=1 / math.sqrt(2), bias=False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        y_BCHW = leaky_relu(self.second(leaky_relu(self.first(x_BCHW))))
        return y_BCHW + cast(Tensor, self.straight(downsample2(x_BCHW)))


@final
class Stylegan2Discriminator(nn.Module):
    """The residual discriminator of StyleGAN2.

    Args:
        shape: Of the networks.
        rng: Key of the weights.

    Source: Karras et al. 2020, arXiv 1912.04958, section 4 (figure 7c) and appendix B.
    Differs from the paper: labels enter by projection; features may end larger than 4 x 4.

    Raises:
        ConfigError: The size of the images is not possible.
    """

    def __init__(self, shape: StyleArchitecture, rng: Rng) -> None:
        """Draw the weights."""
        super().__init__()
        self.shape = shape
        generator = torch_generator(rng.child("discriminator"))
        widths = [features for _, _, features in reversed(shape.levels())]
        self.from_image = EqualConv(shape.channels, widths[0], 1, generator, gain=GAIN)
        self.blocks = nn.ModuleList(_Block(fine, coarse, generator) for fine, coarse in pairwise(widths))
        self.tail = DiscriminatorTail(shape, generator)

    def forward(self, x_BCHW: Tensor, label_B: Tensor | None = None) -> Tensor:
        """Return logits, [B]; above 0 means real.

        Args:
            x_BCHW: Images in [-1, 1]; rows are judged in groups of 4.
            label_B: Classes, int64; None where there are none.
        """
        x_BCHW = leaky_relu(self.from_image(x_BCHW))
        for block in self.blocks:
            x_BCHW = block(x_BCHW)
        return cast(Tensor, self.tail(x_BCHW, label_B))
