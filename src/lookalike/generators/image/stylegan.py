"""Style-based generator: styles by adaptive instance normalisation, noise for every layer."""

from __future__ import annotations

from typing import Any, ClassVar, final

from pydantic import Field
from torch import nn

from lookalike.core.rng import Rng
from lookalike.generators.image.gan.drawing import StyledDrawing
from lookalike.generators.image.gan.settings import Adversarial, Own
from lookalike.networks.styled import StyleArchitecture, style_architecture
from lookalike.networks.stylegan1 import Stylegan1Discriminator, Stylegan1Generator


@final
class Stylegan(Adversarial):
    """Trains a generator that is steered by styles at every layer; draws any class, mixes and truncates styles.

    Source: Karras et al. 2019, arXiv 1812.04948.
    Differs from the paper: full resolution from the start instead of progressive growing; a lazy gradient penalty and
        adaptive augmentation (Karras et al. 2020, arXiv 1912.04958 and 2006.06676); style mixing above 64 pixels only.
    """

    name: ClassVar[str] = "image.stylegan"
    own: ClassVar[Own] = Own("non_saturating", 10.0, 1.0, False, 16, 2e-3, (0.0, 0.99), mixing=0.9)

    sampling: StyledDrawing = Field(default=StyledDrawing(), description="How images are drawn.")

    def shape(self, height: int, width: int, channels: int, classes: int, device: str) -> StyleArchitecture:
        """Return the architecture for images of a size."""
        return style_architecture(self.preset, height, width, channels, classes, device)

    def networks(self, shape: StyleArchitecture, rng: Rng) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator with keyed weights."""
        return (
            Stylegan1Generator(shape, rng.child("generator")),
            Stylegan1Discriminator(shape, rng.child("discriminator")),
        )

    def restored(self, saved: dict[str, Any]) -> nn.Module:
        """Return the generator of a saved architecture."""
        return Stylegan1Generator(StyleArchitecture(**saved), Rng(0))
