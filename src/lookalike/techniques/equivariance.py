"""Whether a generator moves its images when it is asked to: equivariance to translation and rotation, in decibels.

The error is measured where both images are known, against the first image moved by a filter.
Legend: B images, C channels, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.techniques.filtering import kaiser_beta

Generate = Callable[[Tensor, Tensor], Tensor]
LARGEST_SHIFT = 0.125
_PEAK_TO_PEAK = 2.0
# Middle and half of the transition band of the rotation's filter, in cycles per pixel: it ends at the Nyquist rate.
_CUTOFF, _HALF_WIDTH = 0.35, 0.15


@runtime_checkable
class Movable(Protocol):
    """A fitted generator that can be asked to shift and turn what its images show; most cannot."""

    @property
    def movable(self) -> bool:
        """Whether these weights can: a class of models may hold some that cannot."""
        ...

    def styles(self, labels: Sequence[str], rng: Rng) -> Tensor:
        """Return what new images are made of, [B, ...], one for each class name."""
        ...

    def moved(self, w: Tensor, transform_B33: Tensor) -> Tensor:
        """Return images in about [-1, 1], [B, C, H, W]; what was at p comes to transform @ p, as in `translation`."""
        ...


def decibels(error_B: Tensor) -> float:
    """Return 10 log10(2 ** 2 / mean square error): the peak signal-to-noise ratio of images in [-1, 1], in dB."""
    return 10 * math.log10(_PEAK_TO_PEAK**2 / max(float(error_B.double().mean()), 1e-30))


def translation(generate: Generate, w: Tensor, rng: Rng, fractional: bool = False, radius: int = 3) -> Tensor:
    """Return the mean square error of each image after a random shift of at most an eighth of each side.

    Args:
        generate: From [B, ...] and a transform [B, 3, 3] to images [B, C, H, W] in about [-1, 1]. The transform moves
            the content: what was at p comes to transform @ p, with p = (right, down, 1) from the middle of the image,
            in units of its longer side.
        w: [B, ...], what the images are made of.
        rng: Key of the shifts.
        fractional: Whether shifts are real numbers of pixels, not whole ones.
        radius: Of the Lanczos filter that moves the first image, in pixels; only fractional shifts need it.

    Returns:
        [B] float64; `decibels` of it is EQ-T, or EQ-T_frac.

    Raises:
        ConfigError: The images are so small that nothing remains to be compared.

    Source: Karras et al. 2021, arXiv 2106.12423, appendix E.1 and E.2.
    Differs from the paper: the filter's weights are scaled to a sum of 1, so that a constant stays constant.
    """
    x_BCHW = generate(w, _identity(w))
    height, width = x_BCHW.shape[2:]
    drawn_B2 = rng.child("shift").numpy().uniform(-LARGEST_SHIFT, LARGEST_SHIFT, (len(w), 2)) * (width, height)
    shift_B2 = torch.from_numpy(drawn_B2 if fractional else drawn_B2.round())
    transform_B33 = _identity(w)
    transform_B33[:, :2, 2] = shift_B2 / max(height, width)
    y_BCHW = generate(w, transform_B33).double().cpu()
    across_BWW, known_BW = _shift_matrices(shift_B2[:, 0], width, radius)
    down_BHH, known_BH = _shift_matrices(shift_B2[:, 1], height, radius)
    moved_BCHW = down_BHH[:, None] @ x_BCHW.double().cpu() @ across_BWW[:, None].mT
    return _error(y_BCHW - moved_BCHW, known_BH[:, :, None] & known_BW[:, None, :])


def rotation(generate: Generate, w: Tensor, rng: Rng, radius: int | None = None) -> Tensor:
    """Return the mean square error of each image after a rotation by a random angle around its middle.

    Args:
        generate: As for `translation`.
        w: [B, ...], what the images are made of.
        rng: Key of the angles.
        radius: Of the filter that both images pass, in pixels, at least 1; None = a quarter of the shorter side, but
            between 3 and 6.

    Returns:
        [B] float64; `decibels` of it is EQ-R.

    Raises:
        ConfigError: The images are so small that nothing remains to be compared.

    Source: Karras et al. 2021, arXiv 2106.12423, appendix E.3.
    Differs from the paper: the frequencies that a rotated square grid cannot hold are removed from both images by one
        round Kaiser filter, not by a filter that depends on the angle.
    """
    x_BCHW = generate(w, _identity(w)).double().cpu()
    height, width = x_BCHW.shape[2:]
    radius = min(max(min(height, width) // 4, 3), 6) if radius is None else radius
    angle_B = torch.from_numpy(rng.child("angle").numpy().uniform(0, 2 * math.pi, len(w)))
    transform_B33 = _identity(w)
    cos_B, sin_B = angle_B.cos(), angle_B.sin()
    transform_B33[:, :2, :2] = torch.stack([cos_B, -sin_B, sin_B, cos_B], 1).view(-1, 2, 2)
    y_BCHW = generate(w, transform_B33).double().cpu()
    place_PX = _pixels(height, width)
    error_BCHW, known_BHW = torch.zeros_like(y_BCHW), torch.zeros(len(w), height, width, dtype=torch.bool)
    for b in range(len(w)):
        # Points are rows: a product from the right with R is the inverse rotation.
        first, there = _sampled(x_BCHW[b], place_PX @ transform_B33[b, :2, :2], radius)
        second, here = _sampled(y_BCHW[b], place_PX, radius)
        error_BCHW[b] = (second - first).view(-1, height, width)
        known_BHW[b] = (there & here).view(height, width)
    return _error(error_BCHW, known_BHW)


def moved_exactly(x_BCHW: Tensor, transform_B33: Tensor) -> Tensor:
    """Return images moved as the sums of waves that their pixels are: what a perfect generator would answer.

    Args:
        x_BCHW: Images, which are taken to go on periodically.
        transform_B33: As for the generator of `translation`.

    Returns:
        [B, C, H, W] float64; a move from pixels to pixels only changes their places.

    Source: trigonometric interpolation, for example Briggs and Henson 1995, The DFT, section 6.5.
    Differs from the book: the wave of two pixels' length is real, also where it is moved by a part of a pixel.
    """
    height, width = x_BCHW.shape[2:]
    waves_BCHW = torch.fft.fft2(x_BCHW.double().cpu(), norm="forward")
    rate_H, rate_W = (2j * math.pi * torch.fft.fftfreq(n, dtype=torch.float64) for n in (height, width))
    place_PX = _pixels(height, width)
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    result_BCP = torch.empty(*x_BCHW.shape[:2], height * width, dtype=torch.float64)
    for b, back_33 in enumerate(torch.linalg.inv(transform_B33.double().cpu())):
        source_PX = place_PX @ back_33[:2, :2].T + back_33[:2, 2] * max(height, width) + middle
        parts = []
        # 2 ** 14 places at a time: all waves at all places of a large image would not fit into memory.
        for right_P, down_P in (part.unbind(1) for part in torch.split(source_PX, 2**14)):
            down_PH, across_PW = torch.exp(down_P[:, None] * rate_H), torch.exp(right_P[:, None] * rate_W)
            parts.append(((down_PH @ waves_BCHW[b]) * across_PW).sum(2).real)
        result_BCP[b] = torch.cat(parts, 1)
    return result_BCP.view(x_BCHW.shape)


def _identity(w: Tensor) -> Tensor:
    return torch.eye(3, dtype=torch.float64).repeat(len(w), 1, 1)


def _error(difference_BCHW: Tensor, known_BHW: Tensor) -> Tensor:
    """Return the mean square over the known pixels of each image."""
    count_B = known_BHW.sum((1, 2))
    if int(count_B.min()) == 0:
        height, width = known_BHW.shape[1:]
        raise ConfigError(
            f"images of {height}x{width} pixels are too small for this filter: no pixel lies far enough from the "
            "border; allowed: some pixel more than the radius away; use larger images, or a smaller radius"
        )
    square_BHW = difference_BCHW.square().mean(1)
    return torch.where(known_BHW, square_BHW, 0.0).sum((1, 2)) / count_B


def _shift_matrices(shift_B: Tensor, size: int, radius: int) -> tuple[Tensor, Tensor]:
    """Return Lanczos interpolation [B, size, size], and which results need no pixel from outside, [B, size]."""
    reach = size + radius
    source = torch.arange(-reach, size + reach, dtype=torch.float64)
    distance = torch.arange(size, dtype=torch.float64)[:, None] - source - shift_B[:, None, None]
    weight = torch.sinc(distance) * torch.sinc(distance / radius) * (distance.abs() < radius)
    weight = torch.where(weight.abs() < 1e-12, 0.0, weight)
    weight = weight / weight.sum(2, keepdim=True)
    inside = (source >= 0) & (source < size)
    return weight[:, :, inside], (weight[:, :, ~inside] == 0).all(2)


def _pixels(height: int, width: int) -> Tensor:
    """Return the places of all pixels from the middle, (right, down), [H * W, 2]."""
    y, x = (torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in (height, width))
    return torch.stack([x.repeat(height), y.repeat_interleave(width)], 1)


def _sampled(x_CHW: Tensor, place_PX: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """Return the low-pass image at any places, [C, P], and which need no pixel from outside, [P]."""
    channels, height, width = x_CHW.shape
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    parts, inside = [], []
    step = torch.arange(1 - radius, radius + 1)
    # 2 ** 14 places at a time: the weights of a large image would not fit into memory.
    for part in torch.split(place_PX + middle, 2**14):
        column, row = ((part[:, k].floor().long()[:, None] + step) for k in (0, 1))
        weight = _round_kernel(part[:, :1, None] - column[:, None, :], part[:, 1:, None] - row[:, :, None], radius)
        index = row.clamp(0, height - 1)[:, :, None] * width + column.clamp(0, width - 1)[:, None, :]
        values = x_CHW.reshape(channels, -1)[:, index]
        parts.append((values * weight).sum((2, 3)) / weight.sum((1, 2)))
        inside.append((column[:, 0] >= 0) & (column[:, -1] < width) & (row[:, 0] >= 0) & (row[:, -1] < height))
    return torch.cat(parts, 1), torch.cat(inside)


def _round_kernel(x: Tensor, y: Tensor, radius: int) -> Tensor:
    """Return the jinc under a round Kaiser window, at any distances in pixels."""
    distance = torch.hypot(x, y)
    turns = (2 * _CUTOFF * math.pi * distance).clamp_min(1e-6)
    inside = (1 - (distance / radius).square()).clamp_min(0).sqrt()
    window = torch.special.i0(kaiser_beta(2 * radius, _HALF_WIDTH, 1.0) * inside)
    kernel: Tensor = torch.special.bessel_j1(turns) / turns * torch.where(distance < radius, window, 0.0)
    return kernel
