"""The style of a given image: read with the limits for files from strangers, searched for, and drawn around."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.data.pixels import Limits, Pixels, decode, shown
from lookalike.generators.image.gan.duel import codes, to_signal
from lookalike.techniques.inversion import Projection, project, pyramid_distance

_DRAWS = 1000


def read_target(path: Path, schema: Schema) -> Pixels:
    """Return the pixels of the image that is to be projected, [H, W, C].

    Args:
        path: An image file. Grey and colour are turned into what the model draws, as when data are read.
        schema: Of the images that the model draws.

    Raises:
        ConfigError: There is no such file, or its size is not that of the model.
        DataError: It cannot be read as an image.
    """
    if not path.is_file():
        raise ConfigError(f"sample.project: no image file at {shown(path)}; give the path of one image")
    try:
        pixels = decode(path, path.name, Limits(), schema.columns[0].shape[2], None)
    except DataError as error:
        # What decoding advises is meant for folders of images.
        raise DataError(f"sample.project: {str(error).partition('; ')[0]}; give another image") from None
    check_size(pixels, schema)
    return pixels


def check_size(pixels: Pixels, schema: Schema) -> None:
    """Refuse an image that is not as the model's.

    Raises:
        ConfigError: Its height, width or number of channels differs.
    """
    wanted = schema.columns[0].shape
    if pixels.dtype != np.uint8 or pixels.shape != wanted:
        found = " x ".join(str(side) for side in pixels.shape)
        raise ConfigError(
            f"project: the image is {found} ({pixels.dtype}), but the model makes images of "
            f"{' x '.join(str(side) for side in wanted)} (uint8; height x width x channels); crop or resize it"
        )


def check_one_class(classes: Sequence[str], schema: Schema) -> None:
    """Refuse rows of several classes: an image has one, and so have all rows that are drawn around it.

    Raises:
        ConfigError: There are several.
    """
    if len(classes) != 1:
        raise ConfigError(
            f"project: an image has one class, and rows of {len(classes)} classes were asked for; name its class with "
            f"--label, sample.balance: {{name: rows}} or label=; allowed: {', '.join(schema.classes)}"
        )


def find_style(network: Any, z_dim: int, pixels: Pixels, label: Tensor | None, rng: Rng, steps: int) -> Projection:  # noqa: ANN401  as FittedGan
    """Return the style of a class whose image, with fixed noise, is nearest to a given one.

    Args:
        network: A generator with styles.
        z_dim: Numbers of its latent code.
        pixels: [H, W, C], as the model draws them.
        label: Class number of the image, [1]; None where there are no classes.
        rng: Key of the search.
        steps: Of the search, at least 1.

    Source: Karras et al. 2020, arXiv 1912.04958, appendix D.
    Differs from the paper: the distance compares pixels at several resolutions instead of the features of a network
        that was trained on other pictures; the mean style is the tracked one of the class, its spread that of 1,000
        codes.
    """
    mean_1D = network.mapping.mean(label)
    z_NZ = codes(_DRAWS, z_dim, rng.child("codes"), mean_1D.device)
    with torch.no_grad():
        w_ND = network.mapping(z_NZ, None if label is None else label.expand(_DRAWS))
    spread = float((w_ND - mean_1D).square().sum(1).mean().sqrt())
    target = to_signal(np.array(pixels[None])).to(mean_1D.device)

    def synthesis(w_1D: Tensor) -> Tensor:
        made: Tensor = network.synthesis(w_1D[:, None].expand(-1, network.num_ws, -1))
        return made

    with torch.enable_grad():
        return project(synthesis, pyramid_distance, target, mean_1D, spread, rng.child("search"), steps)
