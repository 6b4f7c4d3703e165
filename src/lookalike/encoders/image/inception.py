"""The features of the Fréchet Inception distance, from a weights file that the user has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn import functional as F

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError
from lookalike.core.store import file_digest
from lookalike.data.images import Images
from lookalike.networks.inception import FEATURES, SIDE, Inception

_VARIABLE = "LOOKALIKE_INCEPTION"
_BATCH = 16


@final
class InceptionV3(Method):
    """Pooled features of Inception-v3 with the weights of 2015, the only ones that give a distance the name FID.

    The weights are not part of this project: the file is a safetensors copy of them, with the names and shapes of
    torchvision's `inception_v3` without auxiliary classifier and with 1008 classes. Its content cannot be checked
    further, so its hash stands beside every figure. Images are resized to 299 x 299 by antialiased bicubic
    interpolation, and grey ones repeated over three channels.

    Source: Heusel et al. 2017, arXiv:1706.08500; resizing: Parmar et al. 2022, arXiv:2104.11222.

    Differs from the paper: resizing is antialiased.
    """

    weights: Path | None = Field(
        default=None,
        description=f"Safetensors file with the weights; none = the one that the variable {_VARIABLE} names.",
    )

    def prepare(self, train: Images) -> _InceptionFeatures:
        """Load the weights; no row is read.

        Raises:
            ConfigError: There is no file, or it does not hold these weights.
        """
        del train
        named = self.weights or (Path(os.environ[_VARIABLE]) if os.environ.get(_VARIABLE) else None)
        if named is None or not named.expanduser().is_file():
            found = "none is given" if named is None else f"there is no file {named}"
            raise ConfigError(
                f"image.inception needs a weights file and {found}; set {_VARIABLE} to a safetensors file of the "
                "Inception-2015 weights, or use image.task_cnn or image.efficientnet_lite0"
            )
        path = named.expanduser()
        return _InceptionFeatures(_load(path), file_digest(path))


@final
class _InceptionFeatures:
    """Features [N, 2048]."""

    name = "inception"
    dimension = FEATURES

    def __init__(self, network: Inception, digest: str) -> None:
        self._network = network
        self.digest = digest

    @torch.inference_mode()
    def embed(self, data: Images) -> npt.NDArray[np.float32]:
        result = np.empty((len(data), FEATURES), dtype=np.float32)
        start = 0
        for part in data.batches(_BATCH):
            x_BCHW = torch.from_numpy(np.array(part.pixels)).permute(0, 3, 1, 2).float()
            result[start : start + len(part)] = self._features(x_BCHW).numpy()
            start += len(part)
        return result

    def see(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        return self._features((x_BCHW.float().cpu() + 1) * 127.5)

    def _features(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Return features, [B, 2048], of images in [0, 255]."""
        x_BCHW = F.interpolate(x_BCHW, size=(SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 255)
        x_BCHW = (x_BCHW / 127.5 - 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        return self._network.features(x_BCHW)

    def predict_proba(self, data: Images) -> None:
        """ImageNet's classes are not the user's."""
        del data


def _load(path: Path) -> Inception:
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"{path} is not a readable safetensors file: {error}; convert the weights again") from None
    network = Inception()
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    optional = {name for name in wanted if name.endswith("num_batches_tracked")}
    wrong = [
        name for name in wanted if name not in optional and tuple(getattr(state.get(name), "shape", ())) != wanted[name]
    ]
    unknown = [name for name in state if name not in wanted]
    if wrong or unknown:
        first = (
            f"'{wrong[0]}' of shape {wanted[wrong[0]]} is missing or differs" if wrong else f"'{unknown[0]}' is unknown"
        )
        raise ConfigError(
            f"{path} does not hold the Inception-2015 weights: {first} ({len(wrong)} wrong, {len(unknown)} unknown); "
            "names are those of torchvision's inception_v3 without AuxLogits"
        )
    # Counters of batches matter in training only.
    state.update({name: torch.zeros((), dtype=torch.int64) for name in optional})
    network.load_state_dict(state)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
