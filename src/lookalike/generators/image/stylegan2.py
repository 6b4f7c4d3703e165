"""Style-based generator with modulated weights, and adaptive augmentation for small data."""

from __future__ import annotations

from typing import Any, ClassVar, final

from pydantic import Field
from torch import nn

from lookalike.core.rng import Rng
from lookalike.generators.image.gan.drawing import StyledDrawing
from lookalike.generators.image.gan.settings import Adversarial, Own
from lookalike.networks.styled import StyleArchitecture, style_architecture
from lookalike.networks.stylegan2 import Stylegan2Discriminator, Stylegan2Generator


@final
class Stylegan2(Adversarial):
    """Trains a generator whose styles scale the weights of its convolutions; draws any class, mixes, truncates styles.

    With adaptive augmentation (on by default) it is StyleGAN2-ADA, for some hundreds or thousands of images.

    Source: Karras et al. 2020, arXiv 1912.04958; Karras et al. 2020, arXiv 2006.06676 (ADA).
    Differs from the papers: path length and style mixing above 64 pixels only, as the second paper does for small
        images; both networks share one Adam for loss and lazy penalty; a term against images of one class that are
        alike (`mode_seeking`, Mao et al. 2019, arXiv 1903.05628).
    """

    name: ClassVar[str] = "image.stylegan2"
    own: ClassVar[Own] = Own(
        "non_saturating", 10.0, 1.0, False, 16, 2.5e-3, (0.0, 0.99), path_length=True, mode_seeking=0.1, mixing=0.9
    )

    sampling: StyledDrawing = Field(default=StyledDrawing(), description="How images are drawn.")

    def shape(self, height: int, width: int, channels: int, classes: int, device: str) -> StyleArchitecture:
        """Return the architecture for images of a size."""
        return style_architecture(self.preset, height, width, channels, classes, device)

    def networks(self, shape: StyleArchitecture, rng: Rng) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator with keyed weights."""
        return (
            Stylegan2Generator(shape, rng.child("generator")),
            Stylegan2Discriminator(shape, rng.child("discriminator")),
        )

    def restored(self, saved: dict[str, Any]) -> nn.Module:
        """Return the generator of a saved architecture."""
        return Stylegan2Generator(StyleArchitecture(**saved), Rng(0))
