"""Do the details of a generator's images move with what they show, or do they stick to the pixels?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from lookalike.core.contracts import Fitted, Method, Reference, Score
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.techniques.bootstrap import percentile_interval, resampled_means
from lookalike.techniques.equivariance import Generate, Movable, decibels, moved_exactly, rotation, translation

_BATCH = 16
_RESAMPLES = 1000
_ROUNDING = (2 / 255) ** 2 / 12
_WORK = 2**28
_FIX = "use image.stylegan3"
Measure = Callable[[Generate, Tensor, Rng], Tensor]
_FIGURES: dict[str, Measure] = {
    "whole_shifts": translation,
    "fractional_shifts": lambda generate, w, rng: translation(generate, w, rng, fractional=True),
    "rotations": rotation,
}


@final
class Equivariance(Method):
    """EQ-T: how exactly a generator moves its images when it is asked to, in decibels; with fractional shifts and EQ-R.

    The same images are made again, shifted by up to an eighth of their sides or turned by any angle, and compared with
    the first ones moved by a filter. Ten decibels less are ten times the square error. Floor: real training images
    moved exactly, as sums of waves, with one of the two rounded to 8 bits: what the filter and the pixels allow on such
    images, 58.9 dB for whole shifts; a generator computes finer, so it can lie above. Ceiling: the generator's
    images left where they are. Needs a generator that can move its content. Only `image.stylegan3` with `config: R` is
    made to follow rotations.

    Source: Karras et al. 2021, arXiv:2106.12423, appendix E.

    Differs from the paper: fewer images, with an interval; the filters as told in `lookalike.techniques.equivariance`.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)
    reads_model: ClassVar[bool] = True

    images: int = Field(default=128, ge=4, le=100_000, description="Images that are made and moved.")

    def check(self, name: str, generator: Method) -> None:
        """Refuse a generator that cannot move what its images show.

        Raises:
            ConfigError: It would have no answer.
        """
        if not getattr(generator, "moves", False):
            raise ConfigError(
                f"measure: image.equivariance asks the model to shift and turn its images, which {name} cannot do; "
                f"{_FIX}, or leave the metric out"
            )

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng, model: Fitted[Images] | None = None) -> Score:
        """Return EQ-T for whole shifts, with the others in `detail`, in dB; higher is better.

        Args:
            real: Training images, which give the floor.
            synthetic: Not looked at: the model makes images anew.
            rng: Key of the images, the moves and the interval.
            model: The fitted generator; without one that can move its content, nothing is estimated.
        """
        del synthetic
        if not isinstance(model, Movable) or not model.movable:
            missing = "no fitted model was given" if model is None else f"the model cannot move its content; {_FIX}"
            return Score(math.nan, None, 0, 0, None, None, "higher", {"not_estimated": missing, "title": "EQ-T"})
        x_BCHW = self._real(real.train, rng)
        figures, small = {}, []
        for name, measure in _FIGURES.items():
            try:
                figures[name] = self._figure(measure, model, real.train.classes, x_BCHW, rng.child(name))
            except ConfigError as error:
                small.append(f"{name.replace('_', ' ')}: {error}")
        first = figures.pop("whole_shifts")
        low, high = first["interval"]
        detail: dict[str, Any] = {
            "title": "EQ-T: whole shifts",
            "unit": "dB",
            **figures,
            "interval": "bootstrap over images; one generator",
        }
        if small:
            detail["not_estimated"] = "; ".join(small)
        return Score(
            value=first["value"],
            interval=(low, high),
            n_real=len(x_BCHW),
            n_synthetic=self.images,
            floor=first["floor"],
            ceiling=first["ceiling"],
            better="higher",
            detail=detail,
        )

    def _real(self, train: Images, rng: Rng) -> Tensor:
        """Return training images in [-1, 1], [B, C, H, W]; fewer of large ones, as moving them exactly takes long."""
        most = max(4, _WORK // (train.height * train.width * max(train.height, train.width)))
        rows = np.sort(rng.child("real").numpy().permutation(len(train))[: min(self.images, most)])
        return torch.from_numpy(np.array(train.take(rows).pixels)).permute(0, 3, 1, 2).double() / 127.5 - 1

    @torch.no_grad()
    def _figure(
        self, measure: Measure, model: Movable, classes: tuple[str, ...], x_BCHW: Tensor, rng: Rng
    ) -> dict[str, Any]:
        """Return one of the three figures with its interval, floor and ceiling.

        Raises:
            ConfigError: The images are too small for it.
        """
        w = model.styles([classes[i % len(classes)] for i in range(self.images)], rng.child("images"))
        errors, still = [], []
        for start in range(0, self.images, _BATCH):
            part, key = w[start : start + _BATCH], rng.child("moves", start)
            first_BCHW = model.moved(part, torch.eye(3).repeat(len(part), 1, 1))
            errors.append(measure(_first(first_BCHW, model.moved), part, key))
            still.append(measure(lambda _, __, known=first_BCHW: known, part, key))  # type: ignore[misc]
        error_B = torch.cat(errors)
        exact_B = measure(moved_exactly, x_BCHW, rng.child("real")) + _ROUNDING
        again = resampled_means(error_B[:, None].numpy(), _RESAMPLES, rng.child("bootstrap").numpy())
        high, low = (decibels(torch.tensor(end)) for end in percentile_interval(again[:, 0]))
        return {
            "value": decibels(error_B),
            "interval": [low, high],
            "floor": decibels(exact_B),
            "ceiling": decibels(torch.cat(still)),
        }


def _first(known_BCHW: Tensor, generate: Generate) -> Generate:
    """Return the generator, with its images where they are not moved known already."""
    still_33 = torch.eye(3, dtype=torch.float64)

    def answer(w: Tensor, transform_B33: Tensor) -> Tensor:
        return known_BCHW if bool((transform_B33 == still_33).all()) else generate(w, transform_B33)

    return answer
