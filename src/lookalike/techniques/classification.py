"""Training of an image classifier with a fixed number of steps, whatever the number of rows.

Shapes: N rows, B images of a batch, C channels, H and W pixels, D features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional as F

from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.techniques.hardware import choose_precision
from lookalike.techniques.training import batch_rows, warm_up_then_cosine

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
_PREDICT_BATCH = 512


class Training(BaseModel):
    """How a classifier is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=400, ge=1, description="Optimiser steps; the same for any number of rows.")
    batch: int = Field(default=128, ge=1, description="Images per step.")
    rate: float = Field(
        default=3e-3,
        gt=0,
        description="Peak learning rate; it warms up for a tenth of the steps, then falls along a cosine.",
    )
    decay: float = Field(default=0.02, ge=0, description="Weight decay of AdamW.")
    smoothing: float = Field(default=0.05, ge=0, lt=1, description="Label smoothing, share of probability.")
    shift: float = Field(default=0.0, ge=0, le=0.5, description="Largest random shift, as a share of each side.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Arithmetic of convolutions in training; auto = bfloat16 where the processor multiplies it "
        "natively, else float32. Parameters, statistics, loss and predictions are float32 always.",
    )


def train_classifier(
    network: nn.Module, pixels: Pixels, labels: Labels, weight: Weights | None, training: Training, rng: Rng
) -> None:
    """Train a network in place; it ends in evaluation mode.

    Rows are visited in keyed random order, each once before any is visited again. Deterministic for a given machine,
    number of threads and precision.

    Args:
        network: Maps images [B, C, H, W] in [-1, 1] to logits [B, K]; already initialised.
        pixels: [N, H, W, C]; may be memory-mapped.
        labels: [N], 0 to K - 1.
        weight: [N], at least 0, the share of each row in the loss; None = equal.
        training: Budget and schedule.
        rng: Key of the order and the shifts.

    Raises:
        DataError: There is no row, or the weights do not fit.

    Source: Loshchilov & Hutter 2019, arXiv:1711.05101 (AdamW); 2017, arXiv:1608.03983 (cosine schedule).
    Differs from the paper: one half cosine without restarts, after a warm-up of a tenth of the steps.
    """
    scale = _row_weights(weight, len(labels))
    device = next(network.parameters()).device
    reduced = choose_precision(training.precision, device) == "bfloat16"
    network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=training.rate, weight_decay=training.decay, fused=True)
    for step in range(training.steps):
        for group in optimiser.param_groups:
            group["lr"] = training.rate * warm_up_then_cosine(step, training.steps, training.steps)
        rows = batch_rows(len(labels), training.batch, step, rng.child("order"))
        moved = _shifted(pixels[rows], training.shift, rng.child("shift", step))
        x_BCHW = _tensor(moved, device)
        target_B = torch.from_numpy(labels[rows]).to(device)
        weight_B = torch.from_numpy(scale[rows]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
            logits_BK = network(x_BCHW)
        loss_B = F.cross_entropy(logits_BK.float(), target_B, reduction="none", label_smoothing=training.smoothing)
        optimiser.zero_grad(set_to_none=True)
        (loss_B * weight_B).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    network.eval()


@torch.inference_mode()
def apply(function: Callable[[torch.Tensor], torch.Tensor], pixels: Pixels, device: torch.device) -> torch.Tensor:
    """Return the function of all images, in float32 on the CPU, some hundreds of images at a time.

    Args:
        function: Maps images [B, C, H, W] in [-1, 1] to rows [B, D].
        pixels: [N, H, W, C], N at least 1; may be memory-mapped.
        device: Where the function's parameters are.

    Returns:
        Rows, [N, D].
    """
    parts = [
        function(_tensor(np.array(pixels[start : start + _PREDICT_BATCH]), device)).float().cpu()
        for start in range(0, len(pixels), _PREDICT_BATCH)
    ]
    return torch.cat(parts)


def probabilities(logits_NK: torch.Tensor) -> npt.NDArray[np.float64]:
    """Return class probabilities in float64, [N, K]; every row sums to 1."""
    result: npt.NDArray[np.float64] = torch.softmax(logits_NK.double(), dim=1).numpy()
    return result


def _row_weights(weight: Weights | None, n: int) -> npt.NDArray[np.float32]:
    if n == 0:
        raise DataError("a classifier needs at least 1 row to train on, found none")
    if weight is None:
        return np.ones(n, dtype=np.float32)
    if weight.shape != (n,) or not np.isfinite(weight).all() or weight.min() < 0 or weight.sum() <= 0:
        raise DataError(f"weights must be {n} finite numbers of at least 0 and not all 0, found shape {weight.shape}")
    scaled: npt.NDArray[np.float32] = (weight / weight.mean()).astype(np.float32)
    return scaled


def _shifted(x_BHWC: Pixels, share: float, rng: Rng) -> Pixels:
    """Return images moved by whole pixels, each by its own amount; the edge is repeated."""
    count, height, width = x_BHWC.shape[:3]
    most = (round(share * height), round(share * width))
    if most == (0, 0):
        return np.array(x_BHWC)
    draw = rng.numpy()
    down, right = (draw.integers(-m, m + 1, (count, 1)) for m in most)
    rows = np.clip(np.arange(height) + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    moved: Pixels = x_BHWC[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def _tensor(x_BHWC: Pixels, device: torch.device) -> torch.Tensor:
    """Return images in [-1, 1], [B, C, H, W], with channels last in memory."""
    x_BCHW = torch.from_numpy(x_BHWC).to(device).permute(0, 3, 1, 2)
    return x_BCHW.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)
