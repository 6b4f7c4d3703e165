"""How smoothly a generator's images change when its latent does."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from lookalike.core.contracts import Fitted, Method, Reference, Score
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.images import Images
from lookalike.encoders.memo import embedded, prepared
from lookalike.techniques.bootstrap import percentile_interval
from lookalike.techniques.perceptual_path import Sees, Walkable, squared_speeds, trimmed

_BATCH = 32
_RESAMPLES = 500
_ENOUGH = 50
_FIX = "use a generator with latent codes, such as image.r3gan or image.stylegan2"
Values = npt.NDArray[np.float64]


@final
class PerceptualPathLength(Method):
    """PPL: how much the features change over a small step between two latents of one class, squared, per step squared.

    Style-based generators walk on lines in w, others on great circles in z. Steps beyond the 1st and the 99th per
    cent are left out. A path is no shorter than the squared distance of its ends; `per_straight` tells how many times
    longer it is, and far below 1 it means jumps that no step met. Floor: the squared distance of two real images of
    one class, a straight and steady path between them; a generator far below it shows too little variety, so nearest
    to the floor is best. Ceiling: one sudden jump between the same two, which is the floor divided by epsilon.

    Source: Karras et al. 2019, arXiv:1812.04948, section 4.1.

    Differs from the paper: squared distance of any features, by default those of a classifier of the user's images,
        so figures compare within one data set only; both ends have one class; an interval.
    """

    verdict: ClassVar[str] = "fidelity"
    targets: ClassVar[tuple[str, ...]] = ("accepted",)
    reads_model: ClassVar[bool] = True

    encoder: str = Field(default="image.task_cnn", description="Feature extractor, by its name among the encoders.")
    epsilon: float = Field(default=1e-4, gt=0, le=0.1, description="Length of a step; the whole path is 1.")
    sampling: Literal["full", "end"] = Field(
        default="full", description="Where steps are made: full = anywhere on the path, end = at its beginning."
    )
    pairs: int = Field(default=2000, ge=10, le=1_000_000, description="Paths, with one step on each.")

    def check(self, name: str, generator: Method) -> None:
        """Refuse a generator without latents to walk between.

        Raises:
            ConfigError: It would have no answer.
        """
        if not getattr(generator, "walks", False):
            raise ConfigError(
                f"measure: image.perceptual_path_length asks the model for images between two latents, which {name} "
                f"cannot give; {_FIX}, or leave the metric out"
            )

    def score(self, real: Reference[Images], synthetic: Images, rng: Rng, model: Fitted[Images] | None = None) -> Score:
        """Return the mean squared speed of the features; nearest to the floor is best.

        Args:
            real: Gives floor and ceiling; the features are trained on its training rows where they are trained.
            synthetic: Not looked at: the model makes images anew.
            rng: Key of the paths, the pairs of real images and the interval.
            model: The fitted generator; without one that shows images of any latent, nothing is estimated.
        """
        del synthetic
        if not isinstance(model, Walkable):
            missing = "no fitted model was given" if model is None else f"the model has no latents to walk; {_FIX}"
            return self._nothing(missing)
        features = prepared(self.encoder, real.train)
        if not isinstance(features, Sees):
            return self._nothing(f"{self.encoder} sees 8-bit images only, and a small step is less; use image.task_cnn")
        speed_N, ends_N = self._walk(model, features, real.train.classes, rng)
        value = float(trimmed(speed_N).mean())
        held = len(real.holdout) >= _ENOUGH
        reference = real.holdout if held else real.train
        apart = _within_classes(embedded(features, reference), reference.labels, self.pairs, rng.child("real"))
        straight = float(ends_N.mean())
        detail: dict[str, Any] = {
            "name": f"PPL[{features.name}]",
            "title": f"perceptual path length in {model.space}, {features.name} features",
            "unit": "",
            "extractor": features.name,
            "digest": features.digest,
            "epsilon": self.epsilon,
            "sampling": self.sampling,
            "space": model.space,
            "per_straight": value / straight if straight else None,
            "own_ends": straight,
            "reference": "holdout" if held else "train",
            "interval": "bootstrap over paths; one generator, one extractor",
        }
        if apart is None:
            detail["not_estimated"] = "floor: no class has two real images; give more data"
        interval = self._interval(speed_N, rng)
        ceiling = None if apart is None else apart / self.epsilon
        return Score(value, interval, len(reference), self.pairs, apart, ceiling, "target", detail)

    def _nothing(self, reason: str) -> Score:
        detail = {"not_estimated": reason, "title": "perceptual path length"}
        return Score(math.nan, None, 0, 0, None, None, "target", detail)

    @torch.no_grad()
    def _walk(self, model: Walkable, features: Sees, classes: tuple[str, ...], rng: Rng) -> tuple[Values, Values]:
        """Return the squared speed on each path, and the squared distance of its ends, [N] each."""
        labels = [classes[i % len(classes)] for i in range(self.pairs)]
        first, second = (model.latents(labels, rng.child(end)) for end in ("first", "second"))
        place_N = rng.child("place").numpy().uniform(0, 1, self.pairs) * (self.sampling == "full")
        speeds, ends = [], []
        for start in range(0, self.pairs, _BATCH):
            part = slice(start, start + _BATCH)
            both, twice = (first[part], second[part]), labels[part] * 2
            t_B = torch.from_numpy(place_N[part])

            def show(latent: torch.Tensor, twice: list[str] = twice) -> torch.Tensor:
                return model.shown(latent, twice)

            speeds.append(squared_speeds(show, features.see, both, t_B, self.epsilon, model.space))
            ends.append(squared_speeds(show, features.see, both, torch.zeros_like(t_B), 1.0, model.space))
        return torch.cat(speeds).numpy(), torch.cat(ends).numpy()

    def _interval(self, speed_N: Values, rng: Rng) -> tuple[float, float]:
        draw = rng.child("bootstrap").numpy()
        again = [trimmed(speed_N[draw.integers(0, len(speed_N), len(speed_N))]).mean() for _ in range(_RESAMPLES)]
        return percentile_interval(np.array(again))


def _within_classes(
    x_ND: npt.NDArray[np.float32], labels_N: npt.NDArray[np.int64], pairs: int, rng: Rng
) -> float | None:
    """Return the mean squared distance of two different rows of one class; classes take turns; None = no such pair."""
    rows = [found for label in np.unique(labels_N) if len(found := np.flatnonzero(labels_N == label)) > 1]
    if not rows:
        return None
    draw = rng.numpy()
    chosen_P2 = np.array([draw.choice(rows[pair % len(rows)], 2, replace=False) for pair in range(pairs)])
    apart_PD = x_ND[chosen_P2[:, 0]].astype(np.float64) - x_ND[chosen_P2[:, 1]]
    return float(np.square(apart_PD).sum(axis=1).mean())
