"""Adaptive discriminator augmentation: differentiable image transforms of probability p, and the controller of p.

The discriminator sees augmented images only, real and generated ones alike, so it cannot learn the training set by
heart; while each transform leaves a share of the images as they are, the generator does not learn the transforms.
Legend: B rows, C channels, H height, W width, K transforms.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

Transform = Literal[
    "flip",
    "quarter_turns",
    "whole_shift",
    "scale",
    "rotation",
    "stretch",
    "shift",
    "brightness",
    "contrast",
    "luma_flip",
    "hue",
    "saturation",
]
ALL: tuple[Transform, ...] = get_args(Transform)
_DRAWN = (*ALL, "rotation_after")
_SHIFT = 0.125
_SCALE_OCTAVES = 0.2
_BRIGHTNESS = 0.2
_CONTRAST_OCTAVES = 0.5
_SATURATION_OCTAVES = 1.0


@final
@dataclass(frozen=True)
class _Draws:
    """Random numbers for each row and transform, the same whatever p is, with the probabilities that they meet."""

    p: float
    allowed: frozenset[str]
    gate_BK: Tensor
    even_2BK: Tensor
    normal_2BK: Tensor

    def pick(self, name: str, value_B: Tensor, neutral: float, p: float | None = None) -> Tensor:
        """Return the value where the row draws the transform, else the neutral one, [B]."""
        chance = (self.p if p is None else p) if name.removesuffix("_after") in self.allowed else 0.0
        return torch.where(self.gate_BK[:, _DRAWN.index(name)] < chance, value_B, neutral)

    def even(self, name: str, axis: int = 0) -> Tensor:
        """Return numbers in [0, 1), [B]."""
        return self.even_2BK[axis, :, _DRAWN.index(name)]

    def normal(self, name: str, axis: int = 0) -> Tensor:
        """Return standard normal numbers, [B]."""
        return self.normal_2BK[axis, :, _DRAWN.index(name)]


def augment(
    x_BCHW: Tensor, p: float | Tensor, generator: torch.Generator, transforms: Sequence[Transform] = ALL
) -> Tensor:
    """Return images after random flips, turns, shifts, scales and changes of colour, each with probability p.

    A row that draws nothing comes back bit by bit. The gradient flows through, once: take a penalty on gradients with
    respect to the augmented images, as the sampler of the geometric part has no second derivative.

    Args:
        x_BCHW: Images in about [-1, 1], any number of channels. Hue and saturation need three and leave others alone;
            images that are not square turn by 180 degrees only.
        p: Probability of each transform, in [0, 1].
        generator: The only source of randomness; p has no effect on how much is drawn.
        transforms: Which ones may happen.

    Returns:
        As `x_BCHW`; edges are mirrored where an image would end.

    Source: Karras et al. 2020, arXiv 2006.06676, appendix B (pixel blitting, geometric and colour transforms).
    Differs from the paper: bilinear sampling without a wavelet low-pass filter; no filters, noise or cutout, which
        the paper found not to help.
    """
    draws = _draw(len(x_BCHW), float(p), generator, transforms)
    x_BCHW = _move(x_BCHW, _geometry(draws, x_BCHW.shape[-2], x_BCHW.shape[-1]))
    return _tint(x_BCHW, *_colour(draws, x_BCHW.shape[1]))


def _draw(rows: int, p: float, generator: torch.Generator, transforms: Sequence[Transform]) -> _Draws:
    size, device = (rows, len(_DRAWN)), generator.device
    # In double precision, so that what is drawn as neutral multiplies to the exact identity.
    gate_BK = torch.rand(size, generator=generator, device=device, dtype=torch.float64)
    even_2BK = torch.rand(2, *size, generator=generator, device=device, dtype=torch.float64)
    normal_2BK = torch.randn(2, *size, generator=generator, device=device, dtype=torch.float64)
    return _Draws(p, frozenset(transforms), gate_BK, even_2BK, normal_2BK)


def _geometry(draws: _Draws, height: int, width: int) -> Tensor:
    """Return where each output pixel comes from, as a matrix on pixels counted from the centre, [B, 3, 3]."""
    turns = 4 if height == width else 2
    flip = draws.pick("flip", (draws.even("flip") * 2).floor(), 0)
    turn = draws.pick("quarter_turns", (draws.even("quarter_turns") * turns).floor(), 0)
    whole = [
        draws.pick("whole_shift", ((draws.even("whole_shift", axis) * 2 - 1) * _SHIFT * side).round(), 0)
        for axis, side in enumerate((width, height))
    ]
    scale = draws.pick("scale", 2 ** (_SCALE_OCTAVES * draws.normal("scale")), 1)
    stretch = draws.pick("stretch", 2 ** (_SCALE_OCTAVES * draws.normal("stretch")), 1)
    # Two rotations that happen with probability p together.
    each = 1 - math.sqrt(1 - draws.p)
    before, after = (
        draws.pick(name, (draws.even(name) * 2 - 1) * math.pi, 0, each) for name in ("rotation", "rotation_after")
    )
    shift = [
        draws.pick("shift", draws.normal("shift", axis) * _SHIFT * side, 0) for axis, side in enumerate((width, height))
    ]
    # From output to input the first transform comes last, so it stands on the left.
    steps = (
        _scaling(1 - 2 * flip, torch.ones_like(flip)),
        _rotation(turn * (2 * math.pi / turns)),
        _translation(*whole),
        _scaling(scale, scale),
        _rotation(before),
        _scaling(stretch, 1 / stretch),
        _rotation(after),
        _translation(*shift),
    )
    return functools.reduce(torch.matmul, steps)


def _matrices(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(list(row), -1) for row in rows], -2)


def _scaling(x_B: Tensor, y_B: Tensor) -> Tensor:
    o, one = torch.zeros_like(x_B), torch.ones_like(x_B)
    return _matrices([[x_B, o, o], [o, y_B, o], [o, o, one]])


def _translation(x_B: Tensor, y_B: Tensor) -> Tensor:
    o, one = torch.zeros_like(x_B), torch.ones_like(x_B)
    return _matrices([[one, o, x_B], [o, one, y_B], [o, o, one]])


def _rotation(angle_B: Tensor) -> Tensor:
    o, one, cos, sin = torch.zeros_like(angle_B), torch.ones_like(angle_B), angle_B.cos(), angle_B.sin()
    return _matrices([[cos, -sin, o], [sin, cos, o], [o, o, one]])


def _move(x_BCHW: Tensor, matrix_B33: Tensor) -> Tensor:
    """Return the images sampled at the places that the matrices give; rows with the identity are not touched."""
    moved_B = (matrix_B33 != torch.eye(3).to(matrix_B33)).flatten(1).any(1)
    if not moved_B.any():
        return x_BCHW
    height, width = x_BCHW.shape[-2:]
    # The sampler counts from -1 to 1 on each axis.
    half = matrix_B33.new_tensor([width / 2, height / 2, 1.0])
    theta_B23 = (matrix_B33[moved_B] * half / half[:, None])[:, :2].to(x_BCHW)
    moved_B = moved_B.to(x_BCHW.device)
    rows = x_BCHW[moved_B]
    grid = F.affine_grid(theta_B23, list(rows.shape), align_corners=False)
    rows = F.grid_sample(rows, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return x_BCHW.index_put((moved_B,), rows)


def _colour(draws: _Draws, channels: int) -> tuple[Tensor, Tensor]:
    """Return what each pixel is multiplied by, [B, C, C], and what is added to it then, [B, C]."""
    brightness = draws.pick("brightness", _BRIGHTNESS * draws.normal("brightness"), 0)
    contrast = draws.pick("contrast", 2 ** (_CONTRAST_OCTAVES * draws.normal("contrast")), 1)
    flip = draws.pick("luma_flip", (draws.even("luma_flip") * 2).floor(), 0)
    eye = torch.eye(channels).to(contrast)
    grey = torch.full_like(eye, 1 / channels)
    matrix_BCC = contrast[:, None, None] * (eye - 2 * flip[:, None, None] * grey)
    if channels == 3:
        hue = draws.pick("hue", (draws.even("hue") * 2 - 1) * math.pi, 0)[:, None, None]
        saturation = draws.pick("saturation", 2 ** (_SATURATION_OCTAVES * draws.normal("saturation")), 1)[:, None, None]
        cross = eye.new_tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
        # A rotation about the grey axis, with the chroma scaled beside it: grey itself is kept.
        matrix_BCC = (grey + saturation * (hue.cos() * (eye - grey) + hue.sin() * cross)) @ matrix_BCC
    return matrix_BCC, matrix_BCC.sum(2) * brightness[:, None]


def _tint(x_BCHW: Tensor, matrix_BCC: Tensor, offset_BC: Tensor) -> Tensor:
    """Return the images with each pixel's channels mixed; rows with the identity are not touched."""
    eye = torch.eye(matrix_BCC.shape[-1]).to(matrix_BCC)
    tinted_B = (matrix_BCC != eye).flatten(1).any(1) | (offset_BC != 0).any(1)
    if not tinted_B.any():
        return x_BCHW
    matrix_BCC, offset_BC = matrix_BCC[tinted_B].to(x_BCHW), offset_BC[tinted_B].to(x_BCHW)
    tinted_B = tinted_B.to(x_BCHW.device)
    rows = torch.baddbmm(offset_BC[:, :, None], matrix_BCC, x_BCHW[tinted_B].flatten(2))
    return x_BCHW.index_put((tinted_B,), rows.reshape(-1, *x_BCHW.shape[1:]))


@final
class Controller:
    """Raises p while the discriminator overfits and lowers it while it does not.

    Args:
        target: Mean sign of the discriminator's logits of real images that counts as right, in (-1, 1).
        images: Images after which p has gone from 0 to 1 when it only rises, at least 1.
        every: Steps between two changes of p, at least 1.
        limit: Upper bound of p, in [0, 1]; from about 0.8 on, transforms begin to show in generated images.

    Source: Karras et al. 2020, arXiv 2006.06676, section 3.1.
    Differs from the paper: p also has an upper bound.
    """

    def __init__(self, target: float = 0.6, images: int = 500_000, every: int = 4, limit: float = 1.0) -> None:
        """Start at p = 0."""
        self.target, self.images, self.every, self.limit = target, images, every, limit
        self.p, self.r_t, self._signs, self._seen, self._steps = (
            torch.zeros((), dtype=torch.float64) for _ in range(5)
        )

    @torch.no_grad()
    def update(self, real_B: Tensor) -> None:
        """Count the logits of one step's augmented real images, [B], and move p where a window ends.

        A relativistic loss leaves a constant in the logits undetermined: give `adversarial.centred_logits` then.
        """
        self._signs += real_B.sign().sum().cpu()
        self._seen += real_B.numel()
        self._steps += 1
        if self._steps >= self.every:
            self.r_t.copy_(self._signs / self._seen)
            self.p.add_((self.r_t - self.target).sign() * self._seen / self.images).clamp_(0, self.limit)
            for count in (self._signs, self._seen, self._steps):
                count.zero_()

    def tensors(self) -> dict[str, Tensor]:
        """Return the live state by name, for a checkpoint: writing into it restores p, r_t and the open window."""
        return {"p": self.p, "r_t": self.r_t, "signs": self._signs, "seen": self._seen, "steps": self._steps}
