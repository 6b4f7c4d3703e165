"""The layers of StyleGAN3: waves as input, modulated convolutions, and a leaky ReLU that keeps the signal in its band.

The unit of length is the longer side of the image, with the origin in its middle; rates and frequencies are per unit.
Legend: B rows, D intermediate latent, C or I or O channels, H height, W width, K side of a kernel.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lookalike.core.rng import Rng
from lookalike.networks.equalised import EqualLinear
from lookalike.techniques.filtering import Resampling, filtered_lrelu
from lookalike.techniques.training import torch_generator

_EPSILON = 1e-8


def _normal(rng: Rng, *size: int) -> Tensor:
    return torch.randn(size, generator=torch_generator(rng))


@final
class FourierInput(nn.Module):
    """A signal without borders: waves within a circular band, turned and moved by a style, then mixed.

    Args:
        channels: Waves, and feature maps.
        cutoff: Highest frequency, per unit.
        rate: Samples per unit.
        size: Samples of the height and of the width.
        w_dim: Numbers of a style.
        rng: Key of the waves and the weights.

    Source: Karras et al. 2021, arXiv 2106.12423, section 3.1 and appendix F ("transformed Fourier features").
    Differs from the paper: nothing.
    """

    def __init__(self, channels: int, cutoff: float, rate: float, size: tuple[int, int], w_dim: int, rng: Rng) -> None:
        super().__init__()
        generator = torch_generator(rng.child("waves"))
        radius, angle, phase = torch.rand(3, channels, generator=generator)
        radius, angle = cutoff * radius.sqrt(), 2 * math.pi * angle
        self.register_buffer("frequency", torch.stack([radius * angle.cos(), radius * angle.sin()], 1))
        self.register_buffer("phase", phase)
        self.register_buffer("transform", torch.eye(3))
        self.style = EqualLinear(w_dim, 4, torch_generator(rng.child("style")), bias=(1.0, 0.0, 0.0, 0.0))
        nn.init.zeros_(self.style.weight)
        self.weight = nn.Parameter(_normal(rng.child("mix"), channels, channels))
        self.size, self.rate = size, rate

    frequency: Tensor
    phase: Tensor
    transform: Tensor

    def forward(self, w_BD: Tensor, transform: Tensor | None) -> Tensor:
        """Return [B, channels, *size]; `transform` [3, 3] or [B, 3, 3] moves the content, on top of the buffer."""
        turn_B, move_B2 = self._turn(w_BD)
        user = torch.linalg.inv(self.transform if transform is None else transform.to(w_BD) @ self.transform)
        place = turn_B @ user.expand(len(w_BD), 3, 3)[:, :2]
        place = torch.cat([place[:, :, :2], place[:, :, 2:] + move_B2[:, :, None]], 2)
        # sin(a + b) of a along one axis and b along the other is a product of two thin matrices.
        wave_BC3 = self.frequency @ place
        down, across = (
            2 * math.pi * (torch.arange(n, device=w_BD.device, dtype=w_BD.dtype) - (n - 1) / 2) / self.rate
            for n in self.size
        )
        a = wave_BC3[:, :, 1:2] * down
        b = wave_BC3[:, :, :1] * across + 2 * math.pi * (wave_BC3[:, :, 2] + self.phase)[:, :, None]
        x = torch.stack([a.sin(), a.cos()], 3) @ torch.stack([b.cos(), b.sin()], 2)
        mix = self.weight / math.sqrt(len(self.phase))
        return (mix @ x.flatten(2)).view(x.shape)

    def _turn(self, w_BD: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rotation [B, 2, 2] and the shift [B, 2] of the sampling grid that the style asks for."""
        t = self.style(w_BD)
        turn = t[:, :2] * (t[:, :2].square().sum(1, keepdim=True) + _EPSILON).rsqrt()
        cos, sin = turn.unbind(1)
        return torch.stack([cos, sin, -sin, cos], 1).view(-1, 2, 2), -t[:, 2:]


@final
class ModulatedConvolution(nn.Module):
    """A convolution without padding, whose input channels a style scales.

    Args:
        inputs: Feature maps before.
        outputs: Feature maps after.
        side: Of the kernel, in samples.
        w_dim: Numbers of a style.
        demodulate: Whether each kernel is brought to length 1 after that.
        rng: Key of the weights.

    Source: Karras et al. 2020, arXiv 1912.04958, section 2.2; with a gain of the input as in arXiv 2106.12423.
    Differs from the paper: weights and styles are not normalised first, which half precision alone needs.
    """

    def __init__(self, inputs: int, outputs: int, side: int, w_dim: int, demodulate: bool, rng: Rng) -> None:
        super().__init__()
        self.style = EqualLinear(w_dim, inputs, torch_generator(rng.child("style")), bias=1.0)
        self.weight = nn.Parameter(_normal(rng.child("weight"), outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.demodulate = demodulate

    def forward(self, x_BCHW: Tensor, w_BD: Tensor, gain: Tensor) -> Tensor:
        """Return the convolution of `gain` times the signal, [B, outputs, H - side + 1, W - side + 1]."""
        rows, inputs, height, width = x_BCHW.shape
        w_BOIKK = self.weight * self.style(w_BD)[:, None, :, None, None] / math.sqrt(self.weight[0].numel())
        if self.demodulate:
            w_BOIKK = w_BOIKK * (w_BOIKK.square().sum((2, 3, 4), keepdim=True) + _EPSILON).rsqrt()
        w_BOIKK = w_BOIKK * gain
        if self.weight.shape[2] == 1:
            y = torch.baddbmm(self.bias[:, None], w_BOIKK[:, :, :, 0, 0], x_BCHW.flatten(2))
            return y.view(rows, -1, height, width)
        # All rows side by side, each with a group of kernels of its own.
        y = F.conv2d(x_BCHW.reshape(1, rows * inputs, height, width), w_BOIKK.flatten(0, 1), groups=rows)
        return y.view(rows, -1, *y.shape[2:]) + self.bias[:, None, None]


@final
class AliasFreeLayer(nn.Module):
    """A modulated convolution and a leaky ReLU that keeps the signal inside its band.

    Args:
        inputs: Feature maps before.
        outputs: Feature maps after.
        side: Of the kernel, in samples.
        w_dim: Numbers of a style.
        plan: Filters, rates and size of the output.
        clamp: Largest magnitude of a feature; None = no limit.
        alias_free: False = plain leaky ReLU and bilinear resampling, for comparison only.
        rng: Key of the weights.

    Source: Karras et al. 2021, arXiv 2106.12423, figure 4b.
    Differs from the paper: the convolution takes no padding.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        side: int,
        w_dim: int,
        plan: Resampling,
        clamp: float | None,
        alias_free: bool,
        rng: Rng,
    ) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, side, w_dim, True, rng)
        self.plan, self.clamp, self.alias_free = plan, clamp, alias_free

    def forward(self, x_BCHW: Tensor, w_BD: Tensor, gain: Tensor) -> Tensor:
        """Return the next signal."""
        x_BCHW = self.convolution(x_BCHW, w_BD, gain)
        if self.alias_free:
            return filtered_lrelu(x_BCHW, self.plan, clamp=self.clamp)
        x_BCHW = F.leaky_relu(x_BCHW, 0.2) * math.sqrt(2)
        if self.plan.up_factor > self.plan.down_factor:
            x_BCHW = F.interpolate(x_BCHW, scale_factor=self.plan.up_factor / self.plan.down_factor, mode="bilinear")
        return _middle(x_BCHW, self.plan.height, self.plan.width)


def _middle(x_BCHW: Tensor, height: int, width: int) -> Tensor:
    """Return the middle, or the whole with zeros around it."""
    tall, wide = height - x_BCHW.shape[2], width - x_BCHW.shape[3]
    return F.pad(x_BCHW, (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2))
