"""Alias-free style-based generator: details move with the objects, not with the pixels."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, final

from pydantic import Field
from torch import nn

from lookalike.core.rng import Rng
from lookalike.generators.image.gan.drawing import StyledDrawing
from lookalike.generators.image.gan.settings import Adversarial, Own
from lookalike.networks.styled import style_architecture
from lookalike.networks.stylegan2 import Stylegan2Discriminator
from lookalike.networks.stylegan3 import Stylegan3Config, Stylegan3Generator, preset

_PRESETS: dict[int, Literal["tiny", "small", "paper"]] = {64: "tiny", 256: "small", 512: "paper"}
"""Which preset a generator has, by the numbers of its style; the discriminator gets the same."""


@final
class Stylegan3(Adversarial):
    """Trains a generator without aliasing, equivariant to translation (T) or to rotation too (R); draws any class.

    Slower per step than StyleGAN2; worth it where images are put in motion, or moved styles must not stick to pixels.

    Source: Karras et al. 2021, arXiv 2106.12423; discriminator: Karras et al. 2020, arXiv 1912.04958.
    Differs from the paper: the discriminator sees unblurred images from the first step; a term against images of one
        class that are alike (`mode_seeking`, Mao et al. 2019, arXiv 1903.05628).
    """

    name: ClassVar[str] = "image.stylegan3"
    own: ClassVar[Own] = Own("non_saturating", 10.0, 1.0, False, 16, 2e-3, (0.0, 0.99), mode_seeking=0.1)
    moves: ClassVar[bool] = True

    config: Literal["T", "R"] = Field(
        default="T", description="T = translations; R = rotations too, at twice the cost."
    )
    sampling: StyledDrawing = Field(default=StyledDrawing(), description="How images are drawn.")

    def shape(self, height: int, width: int, channels: int, classes: int, device: str) -> Stylegan3Config:
        """Return the architecture for images of a size."""
        style_architecture(self.preset, height, width, channels, classes, device)
        name = ("tiny" if device == "cpu" else "small") if self.preset == "auto" else self.preset
        return preset(name, height, width, channels, classes, self.config)

    def networks(self, shape: Stylegan3Config, rng: Rng) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator with keyed weights."""
        critic = style_architecture(
            _PRESETS[shape.w_dim], shape.height, shape.width, shape.channels, shape.classes, "cpu"
        )
        return (
            Stylegan3Generator(shape, rng.child("generator")),
            Stylegan2Discriminator(critic, rng.child("discriminator")),
        )

    def restored(self, saved: dict[str, Any]) -> nn.Module:
        """Return the generator of a saved architecture."""
        return Stylegan3Generator(Stylegan3Config(**saved), Rng(0))
