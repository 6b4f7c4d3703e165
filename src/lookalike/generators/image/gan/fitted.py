"""A trained generator network: drawing, saving, loading.

Legend: B rows, C channels, H height, W width, Z numbers of a latent code, D numbers of a style, L layers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import write_file, write_json
from lookalike.data.images import Images
from lookalike.generators.image.gan.drawing import STYLED, CodedDrawing, Drawing, StyledDrawing
from lookalike.generators.image.gan.inverting import check_one_class, check_size, find_style, read_target
from lookalike.generators.image.gan.walking import between, in_runs, stations
from lookalike.networks.styled import mix_styles, truncate
from lookalike.techniques.inversion import Projection
from lookalike.techniques.labels import wanted_labels
from lookalike.techniques.parts import Parts
from lookalike.techniques.perceptual_path import Space
from lookalike.techniques.training import torch_generator

ABOUT, WEIGHTS = "lookalike.json", "generator.safetensors"


class FittedGan:
    """A generator network with averaged weights.

    Args:
        network: As `networks.gan.ImageGenerator`, in evaluation mode.
        about: What is saved beside the weights: schema, architecture, facts.
        drawing: How to draw.
        device: Where.
    """

    spent = None

    def __init__(self, network: nn.Module, about: dict[str, Any], drawing: Drawing, device: torch.device) -> None:
        """Move the network to the device."""
        self.network: Any = network.to(device).eval().requires_grad_(False)
        self.about, self.drawing, self.device = about, drawing, device
        self.schema = Schema.model_validate(about["schema"])
        self.styled = hasattr(network, "mapping")
        self._found: dict[str, Tensor] = {}

    def sample(self, n: int, rng: Rng, where: Mapping[str, object] | None = None) -> Images:
        """Draw exactly n images.

        Args:
            n: Number of images, at least 0.
            rng: Key; what is drawn for row i comes from its child ("row", i) alone. With `project`, row 0 is the
                projection itself and every other row a variation of it; with `interpolate`, the seeds of two rows.
            where: {"label": class name} or {"label": n class names}; without it, the classes take turns.

        Returns:
            Images of the training data's schema.

        Raises:
            ConfigError: A condition or a class is not known, or an image does not fit that is to be projected.
        """
        labels = wanted_labels(n, self.schema.classes, where, self.about["method"])
        steps = self.drawing.interpolate
        if steps is not None and (where or {}).get("label") is None:
            labels = in_runs(n, steps, len(self.schema.classes))
        around = self._around(labels)

        def draw(part: slice) -> Tensor:
            if steps is not None:
                return self._walk(labels[part], stations(part, steps), rng)
            keys = [rng.child("row", i) for i in range(part.start, part.stop)]
            if around is not None:
                return self._vary(around, labels[part], keys, part.start)
            return self._draw(labels[part], keys)

        return self.pictures(labels, draw)

    def pictures(self, labels: npt.NDArray[np.int64], draw: Callable[[slice], Tensor]) -> Images:
        """Return one image for each label, drawn batch by batch; the number of threads changes no byte.

        Args:
            labels: Class numbers, [N].
            draw: Returns the images of a slice of the rows, in about [-1, 1], [B, C, H, W].
        """
        height, width, channels = self.schema.columns[0].shape
        n, size = len(labels), self.drawing.batch
        pixels = np.empty((n, height, width, channels), dtype=np.uint8)

        @torch.no_grad()
        def fill(part: slice) -> None:
            pixels[part] = to_pixels(draw(part))

        batches = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        Parts(torch.get_num_threads() if self.device.type == "cpu" else 1, most=1).map(fill, batches)
        return Images(pixels, labels, self.schema)

    def _draw(self, labels: npt.NDArray[np.int64], keys: Sequence[Rng]) -> Tensor:
        z_BZ, label_B = self._codes(keys), self.numbers(labels)
        if not self.styled:
            made: Tensor = self.network(z_BZ, label_B)
            return made
        w_BLD = self._styles(z_BZ, label_B, keys)
        fresh = isinstance(self.drawing, StyledDrawing) and self.drawing.noise
        return self.synthesis(w_BLD, [torch_generator(key.child("noise")) for key in keys] if fresh else "fixed")

    def _walk(self, labels: npt.NDArray[np.int64], stops: tuple[list[int], list[int], Tensor], rng: Rng) -> Tensor:
        """Return images between those of two seeds, each in its own class."""
        first, last, share_B = stops
        label_B = self.numbers(labels)

        def latents(rows: list[int]) -> Tensor:
            keys = [rng.child("row", row) for row in rows]
            return self._styles(self._codes(keys), label_B, keys) if self.styled else self._codes(keys)

        latent = between(latents(first), latents(last), share_B.to(self.device), self.space)
        made: Tensor = self.synthesis(latent) if self.styled else self.network(latent, label_B)
        return made

    def _codes(self, keys: Sequence[Rng]) -> Tensor:
        size = int(self.about["z_dim"])
        z_BZ = torch.stack([torch.randn(size, generator=torch_generator(key)) for key in keys]).to(self.device)
        return z_BZ * self.drawing.spread if isinstance(self.drawing, CodedDrawing) else z_BZ

    def numbers(self, labels: npt.NDArray[np.int64]) -> Tensor | None:
        """Return class numbers as the network takes them, [B]; None when there is but one class."""
        return torch.from_numpy(labels).to(self.device) if len(self.schema.classes) > 1 else None

    def _styles(self, z_BZ: Tensor, label_B: Tensor | None, keys: Sequence[Rng]) -> Tensor:
        drawing, network = self.drawing, self.network
        w_BD: Tensor = network.mapping(z_BZ, label_B)
        w_BLD = w_BD[:, None].expand(-1, network.num_ws, -1)
        if isinstance(drawing, StyledDrawing):
            if drawing.mixing > 0:
                other_BD = network.mapping(self._codes([key.child("other") for key in keys]), label_B)
                w_BLD = torch.cat(
                    [
                        mix_styles(
                            w_BD[i : i + 1],
                            other_BD[i : i + 1],
                            network.num_ws,
                            torch_generator(key.child("mixing")),
                            drawing.mixing,
                        )
                        for i, key in enumerate(keys)
                    ]
                )
            if drawing.truncation != 1:
                w_BLD = truncate(w_BLD, network.mapping.mean(label_B), drawing.truncation, drawing.truncated_layers)
        return w_BLD

    def _around(self, labels: npt.NDArray[np.int64]) -> Tensor | None:
        """Return the style of the image that rows are drawn around, [1, D]; None when there is none."""
        drawing = self.drawing
        if not isinstance(drawing, StyledDrawing) or drawing.project is None or not len(labels):
            return None
        check_one_class([self.schema.classes[number] for number in np.unique(labels)], self.schema)
        label = self.schema.classes[labels[0]]
        if label not in self._found:
            # A key of its own: every shard of a run searches anew and must find the same.
            image = read_target(drawing.project, self.schema)
            self._found[label] = self.project(image, label, Rng(0).child("project"), drawing.project_steps).w
        return self._found[label]

    def _vary(self, around_1D: Tensor, labels: npt.NDArray[np.int64], keys: Sequence[Rng], first: int) -> Tensor:
        """Return images of styles that lie around one; the row of number 0 is that style itself."""
        label_B = self.numbers(labels)
        w_BLD = self._styles(self._codes(keys), label_B, keys)
        off_BLD = w_BLD - self.network.mapping.mean(label_B)[:, None]
        variation = self.drawing.project_variation if isinstance(self.drawing, StyledDrawing) else 0.0
        far_B = torch.full((len(keys), 1, 1), variation, device=self.device)
        far_B[: max(0, 1 - first)] = 0
        return self.synthesis(around_1D[:, None] + far_B * off_BLD)

    def project(
        self, pixels: npt.NDArray[np.uint8], label: str | None = None, rng: Rng | None = None, steps: int = 500
    ) -> Projection:
        """Search for the style of an image; `synthesis` makes images of it and of what lies around it.

        Inversion can bring training images to light: treat the image, its style and the model with equal care.

        Args:
            pixels: The image, as the model makes them, [H, W, C] uint8.
            label: Its class; may be left out where there is but one.
            rng: Key of the search; None = a fixed one.
            steps: At least 1.

        Returns:
            The style, [1, D], and the distance at every step.

        Raises:
            ConfigError: The generator has no styles, the size differs, or the class is not known.
        """
        self._needs_styles()
        check_size(pixels, self.schema)
        if label is None:
            check_one_class(self.schema.classes, self.schema)
        where = None if label is None else {"label": label}
        number = self.numbers(wanted_labels(1, self.schema.classes, where, self.about["method"]))
        return find_style(self.network, int(self.about["z_dim"]), pixels, number, rng or Rng(0), steps)

    def styles(self, labels: Sequence[str], rng: Rng) -> Tensor:
        """Return styles of new rows, [B, L, D]; `synthesis` makes images of them, and of what lies between them.

        Args:
            labels: Class name of each row.
            rng: Key; row i depends on its child ("row", i) alone, as in `sample`.

        Raises:
            ConfigError: The generator has no styles, or a class is not known.
        """
        self._needs_styles()
        numbers = wanted_labels(len(labels), self.schema.classes, {"label": list(labels)}, self.about["method"])
        keys = [rng.child("row", i) for i in range(len(labels))]
        with torch.no_grad():
            return self._styles(self._codes(keys), self.numbers(numbers), keys)

    def synthesis(self, w_BLD: Tensor, noise: Any = "fixed") -> Tensor:  # noqa: ANN401  as styled.Noise
        """Return images in about [-1, 1], [B, C, H, W], of styles [B, L, D]; differentiable.

        Raises:
            ConfigError: The generator has no styles.
        """
        self._needs_styles()
        # An alias-free generator has no noise, and its second argument moves the content.
        made: Tensor = self.network.synthesis(w_BLD, *(() if self.movable else (noise,)))
        return made

    @property
    def space(self) -> Space:
        """Where paths between images are straight: in w, or without styles in z."""
        return "w" if self.styled else "z"

    def latents(self, labels: Sequence[str], rng: Rng) -> Tensor:
        """Return latents of new rows for `shown`: styles [B, L, D], or without styles codes [B, Z]; as in `sample`.

        Args:
            labels: Class name of each row.
            rng: Key; row i depends on its child ("row", i) alone.

        Raises:
            ConfigError: A class is not known.
        """
        if self.styled:
            return self.styles(labels, rng)
        wanted_labels(len(labels), self.schema.classes, {"label": list(labels)}, self.about["method"])
        return self._codes([rng.child("row", i) for i in range(len(labels))])

    @torch.no_grad()
    def shown(self, latent: Tensor, labels: Sequence[str]) -> Tensor:
        """Return images in about [-1, 1], [B, C, H, W], of latents, with the same noise for all.

        Args:
            latent: As `latents` returns them, or between those.
            labels: Class name of each row; styles know theirs.

        Raises:
            ConfigError: A class is not known.
        """
        if self.styled:
            return self.synthesis(latent)
        numbers = wanted_labels(len(labels), self.schema.classes, {"label": list(labels)}, self.about["method"])
        images: Tensor = self.network(latent, self.numbers(numbers))
        return images

    @property
    def movable(self) -> bool:
        """Whether the network can shift and turn what its images show."""
        return hasattr(self.network, "track")

    def moved(self, w_BLD: Tensor, transform_B33: Tensor) -> Tensor:
        """Return images of styles with their content moved, [B, C, H, W]: what was at p comes to transform @ p.

        Args:
            w_BLD: Styles.
            transform_B33: In units of the longer side, from the middle, with p = (right, down, 1).

        Raises:
            ConfigError: The network cannot move its content.
        """
        if not self.movable:
            raise ConfigError(f"{self.about['method']} cannot move what its images show; use image.stylegan3")
        images: Tensor = self.network.synthesis(w_BLD, transform_B33.to(w_BLD))
        return images

    def _needs_styles(self) -> None:
        if not self.styled:
            raise ConfigError(f"{self.about['method']} has no styles; styles, mixing and projection need {STYLED}")

    def save(self, folder: Path) -> None:
        """Write `generator.safetensors` and `lookalike.json`."""
        state = {name: value.cpu().contiguous() for name, value in self.network.state_dict().items()}
        write_file(folder / WEIGHTS, save(state, metadata={"format": "pt"}))
        write_json(folder / ABOUT, self.about)


def read_saved(
    folder: Path, form: str, method: str, build: Callable[[dict[str, Any]], nn.Module]
) -> tuple[nn.Module, dict[str, Any]]:
    """Return the network and what is known about it from a folder that `FittedGan.save` wrote.

    Args:
        folder: Where.
        form: Format that the folder must have.
        method: Name of the generator, for messages.
        build: Makes the network, with any weights, from what is saved.

    Raises:
        DataError: The folder does not hold a complete model.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["format"] != form:
            raise ValueError(f"format {about['format']}, expected {form}")
        int(about["z_dim"])
        Schema.model_validate(about["schema"])
        network = build(about)
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{folder} does not hold a complete {method} model ({reason}); fit it again") from None
    return network, about


def to_pixels(x_BCHW: Tensor) -> npt.NDArray[np.uint8]:
    """Return pixels, [B, H, W, C], of images in [-1, 1], [B, C, H, W]; what lies outside is clipped."""
    grey = ((x_BCHW.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return grey.permute(0, 2, 3, 1).cpu().numpy()
