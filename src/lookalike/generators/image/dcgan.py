"""Deep convolutional GAN."""

from __future__ import annotations

from typing import Any, ClassVar, Self, final

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.func import functional_call

from lookalike.core.rng import Rng
from lookalike.generators.image.gan.drawing import CodedDrawing
from lookalike.generators.image.gan.duel import Duel, codes
from lookalike.generators.image.gan.settings import Adversarial, Own
from lookalike.networks.dcgan import Architecture, DcganDiscriminator, DcganGenerator, preset

_SETTLING_BATCHES = 20
_SETTLING_ROWS = 64


@final
class Dcgan(Adversarial):
    """Trains strided and transposed convolutions with batch normalisation against each other; draws any class.

    The oldest of the family: fast per step, and the first to lose classes. Batch normalisation of the averaged weights
    is settled on fresh latent codes at the end of training.

    Source: Radford et al. 2016, arXiv 1511.06434.
    Differs from the paper: labels (Miyato and Koyama 2018, arXiv 1802.05637), averaged weights, adaptive augmentation,
        and a term against images of one class that are alike (`mode_seeking`, Mao et al. 2019, arXiv 1903.05628):
        without it, each class is nearly one image.
    """

    name: ClassVar[str] = "image.dcgan"
    own: ClassVar[Own] = Own("non_saturating", 0.0, 0.0, False, 1, 2e-4, (0.5, 0.999), mode_seeking=0.3, parts=False)

    sampling: CodedDrawing = Field(default=CodedDrawing(), description="How images are drawn.")

    @model_validator(mode="after")
    def _no_gradient_per_image(self) -> Self:
        if self.centre == "one_centred" and self.penalty != "none":
            found = "penalty: one_centred" if self.penalty else "loss: wasserstein, whose penalty is one_centred,"
            raise ValueError(
                f"{found} needs the gradient of each image alone, and batch normalisation in image.dcgan mixes them; "
                "use image.r3gan, or penalty: zero_centred with a gamma, or penalty: none"
            )
        return self

    def shape(self, height: int, width: int, channels: int, classes: int, device: str) -> Architecture:
        """Return the architecture for images of a size."""
        name = ("tiny" if device == "cpu" else "small") if self.preset == "auto" else self.preset
        return preset(name, height, width, channels, classes)

    def networks(self, shape: Architecture, rng: Rng) -> tuple[nn.Module, nn.Module]:
        """Return generator and discriminator with keyed weights."""
        return DcganGenerator(shape, rng.child("generator")), DcganDiscriminator(shape, rng.child("discriminator"))

    def restored(self, saved: dict[str, Any]) -> nn.Module:
        """Return the generator of a saved architecture."""
        return DcganGenerator(Architecture(**saved), Rng(0))

    @torch.no_grad()
    def settle(self, duel: Duel, rng: Rng) -> dict[str, Tensor]:
        """Return the averaged weights with the statistics that batches of them have."""
        state = duel.averaged()
        for layer in duel.generator.modules():
            if isinstance(layer, nn.BatchNorm2d):
                # None = the plain mean over all batches, whatever came before.
                layer.momentum = None
        for name, value in state.items():
            if name.endswith("num_batches_tracked"):
                value.zero_()
        for batch in range(_SETTLING_BATCHES):
            key = rng.child("batch", batch)
            z_BZ = codes(_SETTLING_ROWS, duel.z_dim, key, duel.device)
            label_B = torch.arange(_SETTLING_ROWS, device=duel.device) % max(1, len(duel.data.classes))
            functional_call(duel.generator, state, (z_BZ, label_B if duel.labelled else None))
        return state
