"""Generator against discriminator: one step of training, and all that the next step depends on.

Legend: B rows, C channels, H height, W width, Z numbers of a latent code, D numbers of a style, L layers, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.networks.styled import mix_styles
from lookalike.techniques.adversarial import (
    UNCENTRED,
    Loss,
    centred_logits,
    discriminator_loss,
    generator_loss,
    lazy_weight,
)
from lookalike.techniques.augment import Controller, augment
from lookalike.techniques.ema import Ema
from lookalike.techniques.parts import CPU_PARTS, Parts
from lookalike.techniques.penalties import Penalty, mode_seeking, one_centred, path_length, path_lengths, zero_centred
from lookalike.techniques.training import adam_tensors, torch_generator

_FALL = 0.25
_PATH_EVERY = 4
_PATH_SHARE = 2


@final
@dataclass(frozen=True)
class Rules:
    """How the two networks are trained.

    Attributes:
        loss: Name of the losses.
        penalty: Where the length of the discriminator's gradient is pulled to, and on which images: to 0 on real ones,
            or to 1 between real and generated ones.
        gamma: Weight of that penalty; 0 = none.
        on_fakes: The penalty towards 0 is taken on generated images too (R2).
        every: Steps from one penalty to the next; it is weighted by as much.
        path_length: Weight of the path-length penalty; 0 = none.
        mode_seeking: Weight of the term against images of one class that are alike; 0 = none.
        mixing: Probability that a row gets its style from two codes.
        learning_rate: Of both networks; it falls linearly over the last quarter.
        betas: Decay rates of Adam.
        ema: Half-life of the average of the generator's weights, as a share of all images seen.
        augmented: The discriminator sees images that are changed with a probability that adapts.
        target: Mean sign of the logits of real images that the probability steers to.
        images: Images over which that probability can rise from 0 to 1.
        parts: The network allows a batch to be computed in parts.
    """

    loss: Loss
    penalty: Penalty
    gamma: float
    on_fakes: bool
    every: int
    path_length: float
    mode_seeking: float
    mixing: float
    learning_rate: float
    betas: tuple[float, float]
    ema: float
    augmented: bool
    target: float
    images: int
    parts: bool


def codes(rows: int, z_dim: int, rng: Rng, device: torch.device) -> Tensor:
    """Return latent codes, [B, Z], standard normal."""
    return torch.randn(rows, z_dim, generator=torch_generator(rng)).to(device)


def to_signal(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """Return images in [-1, 1], [B, C, H, W] float32, of pixels [B, H, W, C] uint8."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


@final
class Duel:
    """Both networks with optimisers, averages, probability of augmentation and path-length mean.

    Args:
        generator: As `networks.gan.ImageGenerator`.
        discriminator: As `networks.gan.ImageDiscriminator`.
        z_dim: Z.
        data: Labelled images.
        rules: How to train.
        device: Where.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        z_dim: int,
        data: Images,
        rules: Rules,
        device: torch.device,
    ) -> None:
        """Move the networks to the device; nothing is trained yet."""
        self.generator, self.discriminator = generator.to(device).train(), discriminator.to(device).train()
        self.z_dim, self.data, self.rules, self.device = z_dim, data, rules, device
        self.labelled = len(data.classes) > 1
        self.parts = Parts(CPU_PARTS if device.type == "cpu" and rules.parts else 1)
        self.weights = {"g": list(generator.parameters()), "d": list(discriminator.parameters())}
        self.optimizers = {
            name: torch.optim.Adam(
                weights, lr=rules.learning_rate, betas=rules.betas, eps=1e-8, fused=device.type in ("cpu", "cuda")
            )
            for name, weights in self.weights.items()
        }
        self.ema = Ema(dict(generator.named_parameters()), half_life=1.0)
        self.controller = Controller(target=rules.target, images=rules.images)
        self.path_mean = torch.zeros((), device=device)
        # Remedies write into it; the step reads it.
        self.rate_factor = torch.ones((), dtype=torch.float64)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, live."""
        found = {"path mean": self.path_mean, "rate factor": self.rate_factor}
        for name, network in (("g", self.generator), ("d", self.discriminator)):
            found.update({f"{name}.{key}": value for key, value in network.state_dict(keep_vars=True).items()})
            found.update(adam_tensors(self.optimizers[name], f"adam {name}"))
        found.update({f"ema.{name}": value for name, value in self.ema.average.items()})
        found.update({f"ada.{name}": value for name, value in self.controller.tensors().items()})
        return found

    def step(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Train the discriminator once, then the generator once; return figures, the generator's loss first."""
        if self.rules.mode_seeking > 0:
            # Rows of one class side by side, so that neighbours can be compared; for both networks, because the
            # discriminators of styles look at neighbours too.
            rows = rows[np.argsort(self.data.labels[rows], kind="stable")]
        real = to_signal(self.data.pixels[rows]).to(self.device)
        label = torch.from_numpy(self.data.labels[rows]).to(self.device) if self.labelled else None
        self._set_rate(step, steps)
        d_loss, d_norm = self._train_discriminator(real, label, step, rng.child("discriminator"))
        g_loss, g_norm = self._train_generator(real, label, step, rng.child("generator"))
        self.ema.half_life = self.rules.ema * steps * len(rows)
        self.ema.update(len(rows), (step + 1) * len(rows))
        figures: dict[str, Tensor | float] = {"generator loss": g_loss, "discriminator loss": d_loss}
        figures |= {"gradient norm G": g_norm, "gradient norm D": d_norm, "r_t": float(self.controller.r_t)}
        return figures | ({"augment p": float(self.controller.p)} if self.rules.augmented else {})

    def _set_rate(self, step: int, steps: int) -> None:
        left = min(1.0, (steps - step) / max(1.0, _FALL * steps))
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.rules.learning_rate * left * float(self.rate_factor)

    def _seen(self, x_BCHW: Tensor, rng: Rng) -> Tensor:
        """Return images as the discriminator sees them."""
        if not self.rules.augmented:
            return x_BCHW
        return augment(x_BCHW, self.controller.p, torch_generator(rng))

    def _train_discriminator(self, real: Tensor, label: Tensor | None, step: int, rng: Rng) -> tuple[Tensor, Tensor]:
        rules, weight = self.rules, lazy_weight(step, self.rules.every)
        z_BZ = codes(len(real), self.z_dim, rng.child("codes"), self.device)
        logits: dict[int, Tensor] = {}

        def loss(part: slice) -> Tensor:
            labels, key = None if label is None else label[part], rng.child("part", part.start)
            with torch.no_grad():
                fake = self._made(z_BZ[part], labels, key.child("made"))
            seen_real = self._seen(real[part], key.child("real")).detach()
            seen_fake = self._seen(fake, key.child("fake")).detach()
            penalised = rules.gamma > 0 and weight > 0
            seen_real.requires_grad_(penalised)
            seen_fake.requires_grad_(penalised and rules.on_fakes)
            real_B, fake_B = self.discriminator(seen_real, labels), self.discriminator(seen_fake, labels)
            logits[part.start] = (centred_logits(real_B, fake_B) if rules.loss in UNCENTRED else real_B).detach()
            value = discriminator_loss(rules.loss, real_B, fake_B)
            if penalised:
                for penalty in self._penalties((seen_real, real_B), (seen_fake, fake_B), labels, key):
                    value = value + weight * penalty
            return value

        found = self.parts.gradients(loss, len(real), self.weights["d"])
        norm = _norm(self.weights["d"])
        self.optimizers["d"].step()
        self.controller.update(torch.cat([logits[start] for start in sorted(logits)]))
        return found, norm

    def _penalties(
        self, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor], label_B: Tensor | None, rng: Rng
    ) -> list[Tensor]:
        """Return the gradient penalties for real and generated images as the discriminator saw them, and its logits."""
        rules = self.rules
        if rules.penalty == "one_centred":
            generator = torch_generator(rng.child("between"))
            return [one_centred(lambda x: self.discriminator(x, label_B), real[0], fake[0], rules.gamma, generator)]
        return [zero_centred(logits_B, x, rules.gamma) for x, logits_B in ([real, fake] if rules.on_fakes else [real])]

    def _train_generator(self, real: Tensor, label: Tensor | None, step: int, rng: Rng) -> tuple[Tensor, Tensor]:
        rules = self.rules
        z_BZ = codes(len(real), self.z_dim, rng.child("codes"), self.device)
        weight = lazy_weight(step, _PATH_EVERY) * rules.path_length
        means: dict[int, Tensor] = {}
        magnitudes: dict[int, list[Tensor]] = {}

        def loss(part: slice) -> Tensor:
            labels, key = None if label is None else label[part], rng.child("part", part.start)
            fake = self._made(z_BZ[part], labels, key.child("made"), magnitudes.setdefault(part.start, []))
            fake_B = self.discriminator(self._seen(fake, key.child("fake")), labels)
            real_B = fake_B.detach()
            if rules.loss == "relativistic":
                with torch.no_grad():
                    real_B = self.discriminator(self._seen(real[part], key.child("real")), labels)
            value = generator_loss(rules.loss, real_B, fake_B)
            if rules.mode_seeking > 0:
                value = value + rules.mode_seeking * mode_seeking(z_BZ[part], fake, labels)
            if weight > 0:
                penalty, means[part.start] = self._path_length(z_BZ[part], labels, key.child("path"))
                value = value + weight * penalty
            return value

        found = self.parts.gradients(loss, len(real), self.weights["g"])
        norm = _norm(self.weights["g"])
        self.optimizers["g"].step()
        if any(magnitudes.values()):
            each = zip(*(magnitudes[start] for start in sorted(magnitudes)), strict=True)
            self.generator.track([torch.stack(layer).mean() for layer in each])  # type: ignore[operator]
        if means:
            self.path_mean.copy_(torch.stack([means[start] for start in sorted(means)]).mean())
        return found, norm

    def _made(self, z_BZ: Tensor, label_B: Tensor | None, rng: Rng, magnitudes: list[Tensor] | None = None) -> Tensor:
        """Return images; magnitudes are noted where the generator tracks them."""
        network: Any = self.generator
        if not hasattr(network, "mapping"):
            return network(z_BZ, label_B)  # type: ignore[no-any-return]
        w_BD = network.mapping(z_BZ, label_B)
        w_BLD = w_BD[:, None].expand(-1, network.num_ws, -1)
        if self.rules.mixing > 0:
            other = network.mapping(codes(len(z_BZ), self.z_dim, rng.child("other"), self.device), label_B)
            w_BLD = mix_styles(w_BD, other, network.num_ws, torch_generator(rng.child("mixing")), self.rules.mixing)
        if hasattr(network, "track"):
            return network.synthesis(w_BLD, magnitudes=magnitudes)  # type: ignore[no-any-return]
        return network.synthesis(w_BLD, torch_generator(rng.child("noise")))  # type: ignore[no-any-return]

    def _path_length(self, z_BZ: Tensor, label_B: Tensor | None, rng: Rng) -> tuple[Tensor, Tensor]:
        """Return the penalty on half of the rows, and the running mean of the lengths."""
        network: Any = self.generator
        rows = max(1, len(z_BZ) // _PATH_SHARE)
        w_BD = network.mapping(z_BZ[:rows], None if label_B is None else label_B[:rows])
        w_BLD = w_BD[:, None].expand(-1, network.num_ws, -1)
        noise = () if hasattr(network, "track") else (torch_generator(rng.child("noise")),)
        images = network.synthesis(w_BLD, *noise)
        return path_length(path_lengths(images, w_BLD, torch_generator(rng.child("direction"))), self.path_mean)

    @torch.no_grad()
    def averaged(self) -> dict[str, Tensor]:
        """Return the generator's state with averaged weights; buffers are the present ones."""
        state = {name: value.detach().clone() for name, value in self.generator.state_dict().items()}
        return state | {name: value.clone() for name, value in self.ema.average.items()}


def _norm(weights: Sequence[nn.Parameter]) -> Tensor:
    found = [one.grad for one in weights if one.grad is not None]
    return torch.nn.utils.get_total_norm(found)
