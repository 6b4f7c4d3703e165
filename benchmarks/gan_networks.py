"""Whole networks of StyleGAN2 and StyleGAN3 against the same layers by straightforward convolutions.

    python benchmarks/gan_networks.py --side 64 --batch 8 --preset tiny

The peer is written here: filters as two-dimensional kernels over every channel, with zeros inserted where the rate
rises; modulated convolutions as grouped ones with weights written out for each image; waves as a sine at every pixel;
and the filtered leaky ReLU of `gan_layers.py`. Both run on the same weights and share only the mapping network and the
discriminator's last layers, and take turns in one process. Before any timing, outputs and the
gradients of every parameter must agree to 1e-4. Prints images per second and the ratio; an idle machine gives the
truest.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_layers import depthwise, plain_filtered_lrelu
from lookalike.core.rng import Rng
from lookalike.networks import stylegan3
from lookalike.networks.equalised import GAIN, EqualConv
from lookalike.networks.styled import style_architecture
from lookalike.networks.stylegan2 import Stylegan2Discriminator, Stylegan2Generator
from lookalike.techniques.penalties import zero_centred
from lookalike.techniques.training import torch_generator

_TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
_SQUARE = torch.outer(_TAPS, _TAPS)
_AGREE = 1e-4
_EPSILON = 1e-8


def filtered(x_BCHW: Tensor, padding: int, stride: int = 1, gain: float = 1.0) -> Tensor:
    """Filter with the square of [1, 3, 3, 1]."""
    return depthwise(F.pad(x_BCHW, [padding] * 4), _SQUARE * gain, stride)


def upsampled(x_BCHW: Tensor) -> Tensor:
    """Double the sides: edges repeated, zeros inserted, filtered, cropped."""
    x_BCHW = F.pad(x_BCHW, [1] * 4, mode="replicate")
    rows, channels, height, width = x_BCHW.shape
    sparse = x_BCHW.new_zeros(rows, channels, 2 * height, 2 * width)
    sparse[..., ::2, ::2] = x_BCHW
    return filtered(sparse, 2, gain=4.0)[..., 2:-3, 2:-3]


def modulated(
    x_BIHW: Tensor, weight_OIkk: Tensor, style_BI: Tensor, demodulate: bool, double: bool = False, padding: int = 0
) -> Tensor:
    """Convolve each image with weights of its own."""
    rows, inputs = style_BI.shape
    w_BOIkk = weight_OIkk * style_BI[:, None, :, None, None]
    if demodulate:
        w_BOIkk = w_BOIkk * (w_BOIkk.square().sum((2, 3, 4), keepdim=True) + _EPSILON).rsqrt()
    x = x_BIHW.reshape(1, rows * inputs, *x_BIHW.shape[2:])
    if not double:
        y = F.conv2d(x, w_BOIkk.flatten(0, 1), padding=padding, groups=rows)
        return y.view(rows, -1, *y.shape[2:])
    y = F.conv_transpose2d(x, w_BOIkk.transpose(1, 2).flatten(0, 1), stride=2, groups=rows)
    return filtered(y.view(rows, -1, *y.shape[2:]), 1, gain=4.0)


def plain_stylegan2(net: Stylegan2Generator, z_BZ: Tensor) -> Tensor:
    """Return the generator's images with its fixed noise."""
    w_BD, parts = net.mapping(z_BZ), net.synthesis

    def layer(module: Any, x: Tensor) -> Tensor:
        y = GAIN * modulated(x, module.weight * module.scale, module.style(w_BD), True, module.doubles, 1)
        return F.leaky_relu(y + module.fixed_noise * module.noise_scale + module.bias, 0.2)

    def colours(module: Any, x: Tensor) -> Tensor:
        y = modulated(x, (module.weight * module.scale)[:, :, None, None], module.style(w_BD), False)
        return y + module.bias[:, None, None]

    x = layer(parts.layers[0], parts.constant.expand(len(z_BZ), -1, -1, -1))
    image = colours(parts.images[0], x)
    for place, to_image in enumerate(parts.images[1:]):
        x = layer(parts.layers[2 * place + 2], layer(parts.layers[2 * place + 1], x))
        image = upsampled(image) + colours(to_image, x)
    return image


def plain_discriminator(net: Stylegan2Discriminator, x_BCHW: Tensor) -> Tensor:
    """Return the discriminator's logits."""

    def convolved(module: EqualConv, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        return F.conv2d(x, module.weight * module.scale, module.bias, stride, padding)

    x_BCHW = F.leaky_relu(convolved(net.from_image, x_BCHW), 0.2)
    for block in net.blocks:
        y = F.leaky_relu(convolved(block.first, x_BCHW, padding=1), 0.2)
        y = F.leaky_relu(convolved(block.second, filtered(y, 2), stride=2), 0.2)
        x_BCHW = y + convolved(block.straight, filtered(x_BCHW, 1, stride=2))
    logits: Tensor = net.tail(x_BCHW, None)
    return logits


def plain_stylegan3(net: stylegan3.Stylegan3Generator, z_BZ: Tensor) -> Tensor:
    """Return the generator's images."""
    w_BD, parts = net.mapping(z_BZ), net.synthesis
    gains = parts.magnitude.rsqrt()

    def convolved(module: Any, x: Tensor, gain: Tensor) -> Tensor:
        weight = module.weight / math.sqrt(module.weight[0].numel())
        return gain * modulated(x, weight, module.style(w_BD), module.demodulate) + module.bias[:, None, None]

    x = plain_waves(parts.input, w_BD)
    for k, module in enumerate(parts.layers):
        x = plain_filtered_lrelu(convolved(module.convolution, x, gains[k]), module.plan)
    return convolved(parts.colours, x, gains[-1]) * net.config.output_scale


def plain_waves(module: Any, w_BD: Tensor) -> Tensor:
    """Return the input of StyleGAN3: a sine at every pixel of every wave, mixed."""
    turn_B, move_B2 = module._turn(w_BD)
    frequency_BC2 = module.frequency @ turn_B
    phase_BC = module.phase + (module.frequency @ move_B2[:, :, None])[:, :, 0]
    down, across = ((torch.arange(n) - (n - 1) / 2) / module.rate for n in module.size)
    turns = frequency_BC2[:, :, 0, None, None] * across + frequency_BC2[:, :, 1, None, None] * down[:, None]
    x = (2 * math.pi * (turns + phase_BC[:, :, None, None])).sin()
    return F.conv2d(x, module.weight[:, :, None, None] / math.sqrt(len(module.phase)))


Form = Callable[[Tensor], Tensor]


def contests(side: int, batch: int, preset: Any) -> dict[str, tuple[nn.Module, Tensor, Form, Form, bool]]:
    """Return network, input, both forms, and whether the loss has a gradient penalty, by name."""
    shape = style_architecture(preset, side, side, 3, 0, "cpu")
    found: dict[str, tuple[nn.Module, Tensor, Form, Form, bool]] = {}
    generator, critic = Stylegan2Generator(shape, Rng(0)), Stylegan2Discriminator(shape, Rng(0))
    z = torch.randn(batch, shape.z_dim, generator=torch_generator(Rng(1)))
    x = torch.rand(batch, 3, side, side, generator=torch_generator(Rng(2))) * 2 - 1
    found["StyleGAN2 G"] = generator, z, generator, lambda z: plain_stylegan2(generator, z), False
    for name, penalised in (("StyleGAN2 D", False), ("StyleGAN2 D, R1", True)):
        found[name] = critic, x, critic, lambda x: plain_discriminator(critic, x), penalised
    for config in ("T", "R"):
        other = stylegan3.Stylegan3Generator(stylegan3.preset(preset, side, side, 3, 0, config), Rng(0))
        z = torch.randn(batch, other.config.z_dim, generator=torch_generator(Rng(1)))
        found[f"StyleGAN3-{config} G"] = other, z, other, lambda z, net=other: plain_stylegan3(net, z), False
    for net, *_ in found.values():
        stir(net)
    return found


@torch.no_grad()
def stir(net: nn.Module) -> None:
    """Move every parameter a little: what is 0 at first, as the strength of noise, would hide mistakes."""
    for place, parameter in enumerate(net.parameters()):
        parameter.add_(torch.randn(parameter.shape, generator=torch_generator(Rng(3).child("p", place))), alpha=0.05)


def pass_through(net: nn.Module, form: Form, x: Tensor, penalised: bool) -> Tensor:
    """Run forward and backward; leave gradients of every parameter and return the output."""
    net.zero_grad()
    x = x.clone().requires_grad_(x.ndim == 4)
    output = form(x)
    loss = output.square().mean()
    if penalised:
        loss = loss + zero_centred(output, x, 1.0)
    loss.backward()
    return output.detach()


def check(name: str, net: nn.Module, forms: tuple[Form, Form], x: Tensor, penalised: bool) -> None:
    """Stop unless both forms give the same output and the same gradients.

    Raises:
        SystemExit: They do not.
    """
    seen = []
    for form in forms:
        output = pass_through(net, form, x, penalised)
        seen.append([output, *(torch.zeros(()) if p.grad is None else p.grad.clone() for p in net.parameters())])
    (first, *slopes), (second, *others) = seen
    # Gradients that are next to nothing beside the others carry rounding only.
    least = 1e-3 * max(float(slope.abs().max()) for slope in slopes)
    worst = float((first - second).abs().max() / first.abs().max())
    steepest = max(
        float((a - b).abs().max()) / max(float(a.abs().max()), least) for a, b in zip(slopes, others, strict=True)
    )
    print(f"{name:16} outputs differ by {worst:.1e}, gradients by {steepest:.1e}")
    if max(worst, steepest) > _AGREE:
        raise SystemExit(f"{name}: the two forms do not compute the same; allowed: {_AGREE:g}")


def main() -> None:
    """Check, then time both forms in turn and print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=64, help="of the images, in pixels")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--preset", choices=["tiny", "small"], default="tiny")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    lines = [f"{'':16}{'here':>10}{'plain':>10}{'here/plain':>12}{'quarters':>16}"]
    for name, (net, x, ours, plain, penalised) in contests(options.side, options.batch, options.preset).items():
        check(name, net, (ours, plain), x, penalised)
        seconds = np.zeros((options.rounds + 1, 2))
        for turn in range(options.rounds + 1):
            for place, form in enumerate((ours, plain)):
                started = time.perf_counter()
                pass_through(net, form, x, penalised)
                seconds[turn, place] = time.perf_counter() - started
        # The first round warms up.
        here, there = options.batch / np.median(seconds[1:], 0)
        low, high = np.quantile(seconds[1:, 1] / seconds[1:, 0], [0.25, 0.75])
        lines.append(f"{name:16}{here:10.1f}{there:10.1f}{here / there:11.2f}x{low:9.2f}-{high:.2f}x")
    print("images per second, forward and backward")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
