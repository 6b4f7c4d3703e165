"""Class-conditional denoising diffusion on pixels, made to train in minutes on two CPU cores.

Source: Ho et al. 2020, arXiv 2006.11239 (DDPM); Nichol and Dhariwal 2021, arXiv 2102.09672 (cosine schedule);
Salimans and Ho 2022, arXiv 2202.00512 (v-prediction); Hang et al. 2023, arXiv 2303.09556 (min-SNR weight); Ho and
Salimans 2022, arXiv 2207.12598 (classifier-free guidance).
Differs from the papers: the network sees blocks of pixels as channels (space to depth), and computes in bfloat16
where the hardware is fast at it. Legend: B rows, C channels, H height, W width.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel, UniPCMultistepScheduler
from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.events import Note, Watch
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import digest, write_file, write_json
from lookalike.data.images import Images
from lookalike.networks.unet import (
    Architecture,
    Preset,
    architecture,
    build,
    choose_preset,
    default_batch,
    pack,
    rebuild,
    unpack,
)
from lookalike.techniques import diffusion, samplers
from lookalike.techniques.diffusion import Prediction, ScheduleName
from lookalike.techniques.ema import Ema
from lookalike.techniques.hardware import Precision, PrecisionChoice, choose_device, choose_precision
from lookalike.techniques.labels import wanted_labels
from lookalike.techniques.parts import CPU_PARTS, Parts
from lookalike.techniques.training import Plan, Trace, adam_tensors, torch_generator, train, warm_up_then_cosine

_FORMAT = "lookalike.image.ddpm/1"
_WEIGHTS = "diffusion_pytorch_model.safetensors"
_WARM_UP_STEPS = 100
_GRADIENT_NORM = 1.0


class _Sampling(BaseModel):
    """How a fitted model draws images; changing it never trains again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sampler: samplers.SamplerName = Field(default="unipc", description="Solver that walks from noise to image.")
    steps: int = Field(
        default=15, ge=1, le=1000, description="Network evaluations per image (twice that for a guided one)."
    )
    guidance: float = Field(
        default=1.3, ge=0, le=20, description="1 = none; above, images follow their label closely and vary less."
    )
    eta: float = Field(default=0.0, ge=0, le=1, description="Share of fresh noise in DDIM; 0 = deterministic.")
    clip: bool = Field(
        default=True, description="Limit the estimated clean image to the range of pixels at every step."
    )
    batch: int = Field(default=128, ge=1, le=4096, description="Images computed together.")


@final
class Ddpm(Method):
    """Learns images by undoing noise; draws any class on request."""

    minutes: float | None = Field(
        default=None, gt=0, le=10080, description="Training time in minutes; 5 if steps is not given."
    )
    steps: int | None = Field(default=None, ge=1, le=10**8, description="Training steps, instead of minutes.")
    preset: Preset = Field(default="auto", description="Network size: tiny (2 CPU cores), small, base (GPU).")
    patch: int | None = Field(
        default=None, ge=1, le=16, description="Side of pixel blocks in pixels; None = from preset."
    )
    channels: tuple[int, ...] | None = Field(
        default=None, min_length=1, max_length=6, description="Width of each level."
    )
    layers: int | None = Field(default=None, ge=1, le=8, description="Residual blocks per level; None = from preset.")
    attention: bool | None = Field(default=None, description="Attention at the lowest level; None = from preset.")
    prediction: Prediction = Field(default="v", description="What the network predicts.")
    schedule: ScheduleName = Field(default="cosine", description="How noise grows over 1000 times.")
    min_snr_gamma: float | None = Field(default=5.0, gt=0, description="Bound of the loss weight; None = none.")
    label_dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of labels hidden, for guidance.")
    batch_size: int | None = Field(default=None, ge=1, le=65536, description="Images per step; None = from preset.")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="Highest rate of AdamW; falls to 0 at the end.")
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="Weight decay of AdamW.")
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="Share of features dropped in training; for small data."
    )
    ema_half_life: float = Field(
        default=0.05, gt=0, le=0.1, description="Half-life of the weight average as a share of all images seen."
    )
    precision: PrecisionChoice = Field(default="auto", description="Number format of matrix products.")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, ...")
    sampling: _Sampling = Field(default=_Sampling(), description="How images are drawn.")

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

    def fit(self, data: Images, rng: Rng, watch: Watch) -> _FittedDdpm:
        """Train on labelled images; resumes from `watch.folder`.

        Args:
            data: At least one image.
            rng: Key of weights, batches and noise.
            watch: Receives progress, lends the checkpoint folder.

        Returns:
            A model that draws images of these classes.

        Raises:
            DataError: No images.
            ConfigError: A setting cannot be used here.
        """
        if len(data) == 0:
            raise DataError("image.ddpm needs images to learn from, found none; check the reader's path and the split")
        device = choose_device(self.device)
        precision = choose_precision(self.precision, device)
        preset = choose_preset(self.preset, data.height, data.width, device.type)
        batch = self.batch_size or default_batch(preset)
        shape = self._shape(data.height, data.width, device)
        trainable = _Training(self, data, shape, device, precision, rng.child("weights"))
        plan = Plan(
            rows=len(data),
            batch_size=batch,
            steps=self.steps,
            minutes=self.minutes,
            key=digest([_FORMAT, self.model_dump(exclude={"sampling"}), data.fingerprint(), repr(rng), precision]),
        )
        size = sum(p.numel() for p in trainable.unet.parameters()) / 1e6
        watch(Note("fit", f"network of {size:.2f} million weights, {precision} on {device.type}"))
        trace = train(trainable, plan, rng, watch)
        about = {
            "format": _FORMAT,
            "config": self.model_dump(exclude={"sampling"}),
            "network": {**vars(shape)},
            "precision": precision,
            "device": device.type,
            "threads": torch.get_num_threads(),
            "steps": trace.steps,
            "images_seen": trace.steps * batch,
            "batch_size": batch,
            "preset": preset,
            "parameters": sum(p.numel() for p in trainable.unet.parameters()),
            "curve": _curve(trace),
            "schema": data.schema.model_dump(mode="json"),
        }
        return _FittedDdpm(trainable.averaged(), about, self.sampling, device)

    def load(self, folder: Path) -> _FittedDdpm:
        """Read a fitted model; sampling settings and device come from this config.

        Raises:
            DataError: The folder does not hold a complete model.
        """
        try:
            about = json.loads((folder / "lookalike.json").read_text(encoding="utf-8"))
            unet = rebuild(
                json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8")),
                load_file(folder / "unet" / _WEIGHTS),
            )
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}, expected {_FORMAT}")
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold a complete image.ddpm model ({reason}); fit it again") from None
        return _FittedDdpm(unet, about, self.sampling, choose_device(self.device))

    def _shape(self, height: int, width: int, device: torch.device) -> Architecture:
        base = architecture(self.preset, height, width, device.type)
        return Architecture(
            patch=self.patch or base.patch,
            channels=self.channels or base.channels,
            layers=self.layers or base.layers,
            attention=base.attention if self.attention is None else self.attention,
            groups=base.groups,
        )


class _Training:
    """Network, optimiser and average; one step of algorithm 1 of the DDPM paper."""

    def __init__(
        self, config: Ddpm, data: Images, shape: Architecture, device: torch.device, precision: Precision, rng: Rng
    ) -> None:
        self.config, self.data, self.shape, self.device, self.precision = config, data, shape, device, precision
        self.null = len(data.classes)
        unet = build(shape, data.height, data.width, data.channels, self.null, rng, config.dropout)
        self.unet = unet.to(device=device, memory_format=torch.channels_last).train()
        self.schedule = diffusion.make_schedule(config.schedule)
        self.weight_T = diffusion.min_snr_weight(self.schedule, config.prediction, config.min_snr_gamma).to(device)
        # Dropout draws from torch's one global generator, which threads would race for.
        self.parts = Parts(CPU_PARTS if device.type == "cpu" and config.dropout == 0 else 1)
        self.weights = list(self.unet.parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights,
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
        self.ema = Ema(dict(self.unet.named_parameters()), half_life=1.0)

    def tensors(self) -> Mapping[str, Tensor]:
        """Return weights, optimiser state and average, live."""
        found = {f"unet.{name}": value for name, value in self.unet.named_parameters()}
        found.update(adam_tensors(self.optimizer, "adam"))
        found.update({f"ema.{name}": value for name, value in self.ema.average.items()})
        return found

    def update(self, rows: npt.NDArray[np.int64], step: int, steps: int, rng: Rng) -> Mapping[str, Tensor | float]:
        """Make one step of gradient descent on the weighted error."""
        config, generator = self.config, torch_generator(rng, self.device)
        x0 = pack(_to_signal(self.data.pixels[rows]).to(self.device), self.shape)
        label_B = torch.from_numpy(self.data.labels[rows]).to(self.device)
        label_B = diffusion.drop_labels(label_B, config.label_dropout, self.null, generator)
        t_B = diffusion.stratified_times(len(rows), len(self.schedule), generator)
        epsilon = torch.randn(x0.shape, generator=generator, device=self.device)
        a, s = diffusion.signal_and_noise(self.schedule, t_B, x0)
        x_t = (a * x0 + s * epsilon).contiguous(memory_format=torch.channels_last)
        wanted, weight_B = diffusion.target(config.prediction, a, s, x0, epsilon), self.weight_T[t_B]

        def error(part: slice) -> Tensor:
            # The cache of cast weights is one for all threads, and every weight is used once.
            reduced = self.precision == "bfloat16"
            with torch.autocast(self.device.type, torch.bfloat16, enabled=reduced, cache_enabled=False):
                predicted = self.unet(x_t[part], t_B[part], label_B[part], return_dict=False)[0]
            return diffusion.weighted_error(predicted, wanted[part], weight_B[part])

        with torch.random.fork_rng(devices=[], enabled=config.dropout > 0):
            if config.dropout > 0:
                torch.default_generator.manual_seed(rng.child("dropout").integer())
            loss = self.parts.gradients(error, len(rows), self.weights)
        norm = torch.nn.utils.clip_grad_norm_(self.weights, _GRADIENT_NORM)
        rate = config.learning_rate * warm_up_then_cosine(step, steps, _WARM_UP_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.ema.half_life = config.ema_half_life * steps * len(rows)
        self.ema.update(len(rows), (step + 1) * len(rows))
        return {"loss": loss, "gradient norm": norm}

    @torch.no_grad()
    def averaged(self) -> UNet2DModel:
        """Return the network with the averaged weights."""
        for name, value in self.unet.named_parameters():
            value.copy_(self.ema.average[name])
        return self.unet


@final
class _FittedDdpm:
    """A trained network with all that is needed to draw from it."""

    spent = None

    def __init__(self, unet: UNet2DModel, about: dict[str, Any], sampling: _Sampling, device: torch.device) -> None:
        self.about, self.sampling, self.device = about, sampling, device
        self.unet = unet.to(device=device).eval().requires_grad_(False)
        self.schema = Schema.model_validate(about["schema"])
        self.shape = Architecture(**{**about["network"], "channels": tuple(about["network"]["channels"])})
        self.schedule = diffusion.make_schedule(about["config"]["schedule"])
        precision = choose_precision(about["precision"], device)
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._fast = copy.deepcopy(self.unet)
        # diffusers' own `to` warns about modules to keep in float32, of which this network has none.
        torch.nn.Module.to(self._fast, device=device, dtype=self._dtype)
        torch.nn.Module.to(self._fast, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Images:
        """Draw exactly n images.

        Args:
            n: Number of images, at least 0.
            rng: Key; the noise of row i comes from its child ("row", i) alone.
            where: {"label": class name} or {"label": n class names}; without it, the classes take turns.

        Returns:
            Images of the training data's schema.

        Raises:
            ConfigError: A condition or a class is not known.
        """
        labels = wanted_labels(n, self.schema.classes, where, "image.ddpm")
        height, width, channels = self.schema.columns[0].shape
        pixels = np.empty((n, height, width, channels), dtype=np.uint8)

        def draw(part: slice) -> None:
            x = self._draw(labels[part], [rng.child("row", i) for i in range(part.start, part.stop)])
            pixels[part] = _to_pixels(unpack(x, self.shape, height, width))

        size = self.sampling.batch
        batches = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        Parts(torch.get_num_threads() if self.device.type == "cpu" else 1, most=1).map(draw, batches)
        return Images(pixels, labels, self.schema)

    @torch.no_grad()
    def _draw(self, labels: npt.NDArray[np.int64], rngs: Sequence[Rng]) -> Tensor:
        settings = self.sampling
        generators = [torch_generator(rng) for rng in rngs]
        height, width, channels = self.schema.columns[0].shape
        tall, wide = self.shape.padded(height, width)
        patch = self.shape.patch
        size = (channels * patch**2, tall // patch, wide // patch)

        def noise() -> Tensor:
            return torch.stack([torch.randn(size, generator=g) for g in generators]).to(self.device)

        count = (settings.steps + 1) // 2 if settings.sampler == "heun" else settings.steps
        sigmas = samplers.schedule_sigmas(self.schedule, count)
        denoise = self._denoiser(torch.from_numpy(labels).to(self.device))
        x = noise() * (1 + sigmas[0] ** 2) ** 0.5
        if settings.sampler == "ddpm":
            return samplers.ddpm(denoise, x, sigmas, noise)
        if settings.sampler == "ddim":
            return samplers.ddim(denoise, x, sigmas, settings.eta, noise)
        solve = {"heun": samplers.heun, "dpmpp_2m": samplers.dpmpp_2m, "unipc": samplers.unipc}[settings.sampler]
        return solve(denoise, x, sigmas)

    def _denoiser(self, label_B: Tensor) -> samplers.Denoiser:
        weight, null_B = self.sampling.guidance, torch.full_like(label_B, len(self.schema.classes))

        def network(x: Tensor, t: float) -> Tensor:
            if weight == 1:
                return self._predict(x, t, label_B)
            if weight == 0:
                return self._predict(x, t, null_B)
            # Guidance is linear in the output, so both halves go through the network in one batch.
            both = self._predict(torch.cat([x, x]), t, torch.cat([label_B, null_B]))
            labelled, free = both.chunk(2)
            return free + weight * (labelled - free)

        return samplers.denoiser(network, self.schedule, self.about["config"]["prediction"], self.sampling.clip)

    def _predict(self, x: Tensor, t: float, label_B: Tensor) -> Tensor:
        x = x.to(self._dtype).contiguous(memory_format=torch.channels_last)
        time = torch.full((len(x),), t, device=self.device)
        output: Tensor = self._fast(x, time, label_B, return_dict=False)[0]
        return output.float()

    def save(self, folder: Path) -> None:
        """Write `unet/` and `scheduler/`, which open in plain diffusers, and `lookalike.json`."""
        self.unet.save_config(folder / "unet")
        weights = {name: value.cpu().contiguous() for name, value in self.unet.state_dict().items()}
        write_file(folder / "unet" / _WEIGHTS, save(weights, metadata={"format": "pt"}))
        _diffusers_scheduler(self.sampling.sampler, self.about["config"]).save_config(folder / "scheduler")
        write_json(folder / "lookalike.json", self.about)


def _curve(trace: Trace) -> list[list[float]]:
    """Return the mean loss of each part of the run as [last step of the part, loss]."""
    return [[step, loss] for step, loss in zip(np.cumsum(trace.counts).tolist(), trace.curve(), strict=True)]


def _to_signal(pixels: npt.NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _to_pixels(x_BCHW: Tensor) -> npt.NDArray[np.uint8]:
    grey = ((x_BCHW.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return grey.permute(0, 2, 3, 1).cpu().numpy()


def _diffusers_scheduler(sampler: samplers.SamplerName, config: Mapping[str, Any]) -> Any:  # noqa: ANN401
    make: Any = {
        "ddpm": partial(DDPMScheduler, clip_sample=True),
        "ddim": partial(DDIMScheduler, clip_sample=True),
        "dpmpp_2m": partial(DPMSolverMultistepScheduler, final_sigmas_type="zero"),
    }.get(sampler, partial(UniPCMultistepScheduler, final_sigmas_type="zero"))
    return make(
        beta_schedule="squaredcos_cap_v2" if config["schedule"] == "cosine" else "linear",
        prediction_type="v_prediction" if config["prediction"] == "v" else "epsilon",
        timestep_spacing="trailing",
    )
