"""Relativistic GAN with both gradient penalties: a modern baseline without tricks."""

from __future__ import annotations

from typing import Any, ClassVar, final

from pydantic import Field
from torch import nn

from lookalike.core.rng import Rng
from lookalike.generators.image.gan.drawing import CodedDrawing
from lookalike.generators.image.gan.settings import Adversarial, Own
from lookalike.networks.r3gan import Architecture, R3ganDiscriminator, R3ganGenerator, preset


@final
class R3gan(Adversarial):
    """Trains plain residual networks with a relativistic loss and penalties on real and generated images.

    The loss pairs each generated image with a real one, and both penalties keep it from circling: it loses no modes
    where older losses do.

    Source: Huang et al. 2024, arXiv 2501.05441.
    Differs from the paper: constant rates that fall over the last quarter instead of a burn-in; the weight
        of the penalties follows pixels / batch (2,400 at 1024 x 1024 pixels and a batch of 32, at least .5), and they
        come every fourth step, four times as strong; narrower networks on a processor; a term against images of one
        class that are alike (`mode_seeking`, Mao et al. 2019, arXiv 1903.05628).
    """

    name: ClassVar[str] = "image.r3gan"
    own: ClassVar[Own] = Own("relativistic", 2400.0, 0.5, True, 4, 5e-4, (0.0, 0.99), mode_seeking=0.1)

    sampling: CodedDrawing = Field(default=CodedDrawing(), description="How images are drawn.")

    def shape(self, height: int, width: int, channels: int, classes: int, device: str) -> Architecture:
        """Return the architecture for images of a size."""
        name = ("tiny" if device == "cpu" else "small") if self.preset == "auto" else self.preset
        return preset(name, height, width, channels, classes)

    def networks(self, shape: Architecture, rng: Rng) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator with keyed weights."""
        return R3ganGenerator(shape, rng.child("generator")), R3ganDiscriminator(shape, rng.child("discriminator"))

    def restored(self, saved: dict[str, Any]) -> nn.Module:
        """Return the generator of a saved architecture."""
        return R3ganGenerator(Architecture(**{**saved, "widths": tuple(saved["widths"])}), Rng(0))
