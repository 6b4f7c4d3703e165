"""Settings, fitting and loading that all adversarial generators of images share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import nn

from lookalike.core.contracts import Method, Sheet
from lookalike.core.errors import DataError
from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import digest, file_digest
from lookalike.data.images import Images
from lookalike.generators.image.gan.drawing import Drawing
from lookalike.generators.image.gan.duel import Duel, Rules
from lookalike.generators.image.gan.fitted import FittedGan, read_saved
from lookalike.generators.image.gan.inverting import check_one_class, read_target
from lookalike.generators.image.gan.sheets import sheets_of
from lookalike.generators.image.gan.watching import Watcher
from lookalike.networks.styled import MappingNetwork, set_mean
from lookalike.techniques.adversarial import Loss
from lookalike.techniques.hardware import choose_device
from lookalike.techniques.penalties import Penalty, path_length_weight
from lookalike.techniques.training import Plan, Trace, train

_FEWEST = 2
_REFERENCE_PIXELS = 1024**2
_REFERENCE_BATCH = 32
_ONE_CENTRED_WEIGHT = 10.0


@final
@dataclass(frozen=True)
class Own:
    """What a method does unless it is told otherwise.

    Attributes:
        loss: Name of the losses.
        gamma: Weight of the gradient penalty at 1024 x 1024 pixels and a batch of 32; it follows pixels / batch.
        least_gamma: Lower bound of that weight.
        on_fakes: The penalty is taken on generated images too.
        every: Steps from one penalty to the next.
        learning_rate: Of both networks.
        betas: Decay rates of Adam.
        path_length: Images larger than 64 pixels get the path-length penalty.
        mode_seeking: Weight of the term against images of one class that are alike; 0 = never.
        mixing: Probability of style mixing on images larger than 64 pixels.
        parts: A batch may be computed in parts.
    """

    loss: Loss
    gamma: float
    least_gamma: float
    on_fakes: bool
    every: int
    learning_rate: float
    betas: tuple[float, float]
    path_length: bool = False
    mode_seeking: float = 0.0
    mixing: float = 0.0
    parts: bool = True


class Adversarial(Method):
    """Settings of a generator network that learns against a discriminator."""

    name: ClassVar[str]
    own: ClassVar[Own]
    walks: ClassVar[bool] = True

    minutes: float | None = Field(
        default=None, gt=0, le=10_000, description="Wall time for training, in minutes; turned into steps once."
    )
    steps: int | None = Field(default=None, ge=1, description="Training steps, instead of minutes.")
    preset: Literal["auto", "tiny", "small", "paper"] = Field(
        default="auto", description="Size of the networks; auto = tiny on a processor, small on a graphics card."
    )
    batch_size: int = Field(default=32, ge=2, le=4096, description="Images of one step.")
    loss: Loss | None = Field(default=None, description="Losses of both networks; None = those of the method.")
    learning_rate: float | None = Field(default=None, gt=0, le=0.1, description="Of Adam; None = that of the method.")
    penalty: Penalty | Literal["none"] | None = Field(
        default=None,
        description="What the discriminator's gradients are pulled to: 0 (R1, and R2 where the method has it) or "
        "length 1 (WGAN-GP); None = one_centred for the loss wasserstein, else as the method.",
    )
    gamma: float | None = Field(
        default=None,
        ge=0,
        description="Weight of the gradient penalty; None = 10 for one_centred, else by image size and batch, as the "
        "method.",
    )
    mode_seeking: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Weight of a term that keeps images of one class from being alike: more gives more variety, too "
        "much gives noise; None = that of the method.",
    )
    augment: bool = Field(
        default=True,
        description="Adaptive augmentation: the more the discriminator overfits, the more often images are changed.",
    )
    augment_target: float = Field(
        default=0.6, gt=-1, lt=1, description="Mean sign of the discriminator on real images that is aimed at."
    )
    augment_images: int = Field(
        default=100_000, ge=1, description="Images over which the probability of a change can rise from 0 to 1."
    )
    ema_half_life: float = Field(
        default=0.02, gt=0, le=0.5, description="Half-life of the average of weights, as a share of all images seen."
    )
    remedies: bool = Field(
        default=True, description="Act when collapse starts: best state again, half the learning rate, more changes."
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, ...")
    sampling: Drawing = Field(default=Drawing(), description="How images are drawn.")

    @model_validator(mode="before")
    @classmethod
    def _one_budget(cls, values: Any) -> Any:  # noqa: ANN401  pydantic gives what the caller gave
        if isinstance(values, dict):
            given = [name for name in ("minutes", "steps") if values.get(name) is not None]
            if len(given) == 2:
                raise ValueError("give minutes or steps, not both")
            if not given:
                return {**values, "minutes": 5.0}
        return values

    @model_validator(mode="after")
    def _one_penalty(self) -> Self:
        if self.penalty == "none" and self.gamma:
            raise ValueError(f"gamma: {self.gamma:g} has no use with penalty: none; leave one of them out")
        if self.penalty == "zero_centred" and self.gamma is None and not self.own.gamma:
            raise ValueError(f"penalty: zero_centred has no weight of its own in {self.name}; give gamma, above 0")
        return self

    @property
    def centre(self) -> Penalty:
        """Where gradients of the discriminator are pulled to, if they are."""
        if self.penalty is None or self.penalty == "none":
            return "one_centred" if (self.loss or self.own.loss) == "wasserstein" else "zero_centred"
        return self.penalty

    @abstractmethod
    def shape(self, height: int, width: int, channels: int, classes: int, device: str) -> Any:  # noqa: ANN401
        """Return the architecture, a frozen dataclass with `z_dim`, for images of a size; 0 classes = no labels.

        Raises:
            ConfigError: The size of the images is not possible.
        """

    @abstractmethod
    def networks(self, shape: Any, rng: Rng) -> tuple[nn.Module, nn.Module]:  # noqa: ANN401
        """Return generator and discriminator with keyed weights."""

    @abstractmethod
    def restored(self, saved: dict[str, Any]) -> nn.Module:
        """Return the generator of a saved architecture, with any weights."""

    def settle(self, duel: Duel, rng: Rng) -> dict[str, torch.Tensor]:
        """Return the generator's state to draw with; the averaged weights, unless a method knows better."""
        del rng
        return duel.averaged()

    @property
    def form(self) -> str:
        """Format of a saved model."""
        return f"lookalike.{self.name}/1"

    def rules(self, shape: Any) -> Rules:  # noqa: ANN401
        """Return how to train on images of that size."""
        own, large = self.own, max(shape.height, shape.width) > 64
        return Rules(
            loss=self.loss or own.loss,
            penalty=self.centre,
            gamma=self._gamma(shape.height * shape.width),
            on_fakes=own.on_fakes,
            # Lazy penalties were found for R1; the other paper takes its own at every step.
            every=1 if self.centre == "one_centred" else own.every,
            path_length=path_length_weight(shape.height, shape.width) if own.path_length and large else 0.0,
            mode_seeking=own.mode_seeking if self.mode_seeking is None else self.mode_seeking,
            mixing=own.mixing if large else 0.0,
            learning_rate=self.learning_rate or own.learning_rate,
            betas=own.betas,
            ema=self.ema_half_life,
            augmented=self.augment,
            target=self.augment_target,
            images=self.augment_images,
            parts=own.parts,
        )

    def _gamma(self, pixels: int) -> float:
        if self.penalty == "none":
            return 0.0
        if self.gamma is not None:
            return self.gamma
        if self.centre == "one_centred":
            return _ONE_CENTRED_WEIGHT
        scaled = self.own.gamma * pixels / _REFERENCE_PIXELS * _REFERENCE_BATCH / self.batch_size
        return max(self.own.least_gamma, scaled) if self.own.gamma else 0.0

    def fit(self, data: Images, rng: Rng, watch: Watch) -> FittedGan:
        """Train on labelled images; resumes from `watch.folder`.

        Args:
            data: At least two images, and one of every class.
            rng: Key of weights, batches and noise.
            watch: Receives progress, lends the checkpoint folder.

        Returns:
            A model that draws images of these classes.

        Raises:
            DataError: Too few images, or a class without any.
            ConfigError: A setting cannot be used here, or the images have a size that the networks cannot make.
        """
        self._check(data)
        device = choose_device(self.device)
        classes = len(data.classes) if len(data.classes) > 1 else 0
        shape = self.shape(data.height, data.width, data.channels, classes, device.type)
        duel = Duel(*self.networks(shape, rng.child("weights")), shape.z_dim, data, self.rules(shape), device)
        watcher = Watcher(duel, self.remedies, rng.child("watching"), watch)
        settings = self.model_dump(exclude={"sampling"})
        plan = Plan(
            rows=len(data),
            batch_size=self.batch_size,
            steps=self.steps,
            minutes=self.minutes,
            key=digest([self.form, settings, asdict(shape), asdict(duel.rules), data.fingerprint(), repr(rng)]),
            advice="lower learning_rate, or leave gamma to the method",
        )
        sizes = {name: sum(p.numel() for p in weights) for name, weights in duel.weights.items()}
        watch(
            Note(
                "fit",
                f"generator of {sizes['g'] / 1e6:.2f} and discriminator of {sizes['d'] / 1e6:.2f} million weights",
            )
        )
        trace = train(watcher, plan, rng, watch)
        about = {
            "format": self.form,
            "method": self.name,
            "config": settings,
            "network": asdict(shape),
            "z_dim": shape.z_dim,
            "device": device.type,
            "threads": torch.get_num_threads(),
            "steps": trace.steps,
            "images_seen": trace.steps * self.batch_size,
            "batch_size": self.batch_size,
            "parameters": sizes["g"],
            "curve": _curve(trace),
            "augment_p": float(duel.controller.p),
            **watcher.facts(),
            "schema": data.schema.model_dump(mode="json"),
        }
        network = self.restored(about["network"])
        network.load_state_dict(self.settle(duel, rng.child("settle")))
        if isinstance(mapping := getattr(network, "mapping", None), MappingNetwork):
            set_mean(mapping, shape.z_dim, rng.child("mean style"))
        return FittedGan(network, about, self.sampling, device)

    def _check(self, data: Images) -> None:
        if len(data) < max(_FEWEST, self.batch_size // 4):
            raise DataError(
                f"{self.name} found {len(data)} images, which is too few for batches of {self.batch_size}; give at "
                f"least {max(_FEWEST, self.batch_size // 4)}, or lower batch_size"
            )
        empty = [name for name, count in zip(data.classes, data.counts(), strict=True) if count == 0]
        if empty:
            raise DataError(
                f"{self.name} found no image of class '{empty[0]}'; every class needs some: add images, or "
                "remove the class"
            )

    def load(self, folder: Path) -> FittedGan:
        """Read a fitted model; sampling settings and device come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        network, about = read_saved(folder, self.form, self.name, lambda saved: self.restored(saved["network"]))
        return FittedGan(network, about, self.sampling, choose_device(self.device))

    @property
    def rows_together(self) -> int:
        """Rows that belong together: those on the way from one image to the next."""
        return self.sampling.interpolate or 1

    def projected(self) -> str | None:
        """Return a hash of the image that rows are drawn around; None when there is none."""
        path = getattr(self.sampling, "project", None)
        return file_digest(path) if path is not None and path.is_file() else None

    def check_projection(self, schema: Schema, classes: Sequence[str]) -> None:
        """Refuse an image that cannot be projected, or rows of several classes around it.

        Raises:
            ConfigError: No such file, another size than that of the rows, or several classes.
            DataError: It cannot be read as an image.
        """
        path = getattr(self.sampling, "project", None)
        if path is not None:
            read_target(path, schema)
            check_one_class(classes, schema)

    def controls(self, model: FittedGan, rng: Rng) -> list[Sheet[Images]]:
        """Return pictures of what truncation, mixing and ways between codes do, as far as the model has them."""
        return sheets_of(model, rng)


def _curve(trace: Trace) -> list[list[float]]:
    """Return the mean loss of each part of the run as [last step of the part, loss]."""
    return [[step, loss] for step, loss in zip(np.cumsum(trace.counts).tolist(), trace.curve(), strict=True)]
