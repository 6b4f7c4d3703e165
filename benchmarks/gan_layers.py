"""StyleGAN3's layers by band matrices against the same layers by plain convolutions, on one core.

    python benchmarks/gan_layers.py --side 64 --batch 8 --config T

The peer is written here: zero insertion, one two-dimensional convolution per channel with the whole filter, leaky
ReLU, a second such convolution, and every other sample of it. Both share all other layers and all weights, and take
turns in one process, forward and backward. Prints images per second and the ratio; an idle machine gives the truest.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lookalike.core.rng import Rng
from lookalike.networks import stylegan3
from lookalike.techniques.filtering import LowPass, Resampling, filtered_lrelu, low_pass
from lookalike.techniques.training import torch_generator


def plain_filtered_lrelu(x_BCHW: Tensor, plan: Resampling, **options: Any) -> Tensor:
    """Do what `filtered_lrelu` does in the straightforward way, with default slope, gain and no clamp."""
    del options
    up, factor = whole_kernel(plan.up), plan.up_factor
    rows, channels, height, width = x_BCHW.shape
    sparse = x_BCHW.new_zeros(rows, channels, height * factor, width * factor)
    sparse[..., ::factor, ::factor] = x_BCHW
    sides = []
    for before, after in ((width, plan.width), (height, plan.height)):
        lead = (plan.up.taps + factor) // 2 - 1 - plan.start(before, after)
        sides += [lead, plan.enlarged(after) + plan.up.taps - 1 - lead - before * factor]
    z = depthwise(F.pad(sparse, sides), up * factor**2, 1)
    return depthwise(F.leaky_relu(z, 0.2) * math.sqrt(2), whole_kernel(plan.down), plan.down_factor)


def whole_kernel(design: LowPass) -> Tensor:
    """Return a filter as a square of taps."""
    taps = low_pass(design)
    return torch.from_numpy(taps if design.radial else np.outer(taps, taps)).float()


def depthwise(x_BCHW: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Convolve every channel with the same square."""
    channels = x_BCHW.shape[1]
    return F.conv2d(x_BCHW, kernel.expand(channels, 1, -1, -1).contiguous(), stride=stride, groups=channels)


def images(generator: stylegan3.Stylegan3Generator, w_BLD: Tensor, form: str) -> Tensor:
    """Run the synthesis network with one form of the nonlinearity."""
    net, styles = generator.synthesis, w_BLD.unbind(1)
    x = net.input(styles[0], None)
    for k, layer in enumerate(net.layers):
        x = layer.convolution(x, styles[k + 1], net.magnitude[k])
        if form == "plain":
            x = plain_filtered_lrelu(x, layer.plan)
        else:
            x = filtered_lrelu(x, layer.plan, form=form)
    return net.colours(x, styles[-1], net.magnitude[-1]) * generator.config.output_scale


def main() -> None:
    """Time the forms in turn and print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=64, help="of the images, in pixels")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--config", choices=["T", "R"], default="T")
    parser.add_argument("--layers", type=int, default=14)
    parser.add_argument("--width", type=int, default=64, help="largest width of a layer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = stylegan3.Stylegan3Config(
        options.side,
        options.side,
        3,
        z_dim=64,
        w_dim=64,
        config=options.config,
        layers=options.layers,
        channel_base=options.width * options.side // 2,
        channel_max=options.width,
        multiple=16,
    )
    generator = stylegan3.Stylegan3Generator(config, Rng(0))
    z = torch.randn(options.batch, 64, generator=torch_generator(Rng(1)))
    w_BLD = generator.mapping(z, None)[:, None].expand(-1, generator.num_ws, -1).detach().requires_grad_()
    forms = ("banded", "convolution", "plain")
    with torch.no_grad():
        found = [images(generator, w_BLD, form) for form in forms]
    worst = max(float((x - found[0]).abs().max()) for x in found)
    print(f"largest difference of the images: {worst:.1e}, at a standard deviation of {float(found[0].std()):.2f}")
    seconds: dict[str, list[float]] = {form: [] for form in forms}
    for _ in range(options.rounds + 1):
        for form in forms:
            started = time.perf_counter()
            images(generator, w_BLD, form).square().mean().backward()
            seconds[form].append(time.perf_counter() - started)
    # The first round warms up.
    rate = {form: options.batch / float(np.median(times[1:])) for form, times in seconds.items()}
    for form in forms:
        print(f"{form:12}{rate[form]:8.2f} images/s forward and backward")
    for form in forms[1:]:
        print(f"banded is {rate['banded'] / rate[form]:.2f} times as fast as {form}")


if __name__ == "__main__":
    main()
