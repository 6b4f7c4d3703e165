"""Settings of training that generators of tables share, and how their models are kept."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, from_numpy

from lookalike.core.contracts import Method
from lookalike.core.errors import DataError
from lookalike.core.rng import Rng
from lookalike.core.schema import Schema
from lookalike.core.store import write_file, write_json
from lookalike.data.coding import TableCoding

ABOUT = "lookalike.json"
WEIGHTS = "model.safetensors"
_CODING = "coding."
_FEWEST_STEPS = 200


class Trained(Method):
    """A budget of training, and where it is spent."""

    epochs: float | None = Field(
        default=None, gt=0, le=10_000, description="Passes over the training rows; the default of the method."
    )
    minutes: float | None = Field(
        default=None, gt=0, le=10_080, description="Training time in minutes, instead of epochs."
    )
    steps: int | None = Field(default=None, ge=1, le=10**8, description="Training steps, instead of epochs.")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, ...")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        given = [name for name in ("epochs", "minutes", "steps") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of epochs, minutes and steps, found {' and '.join(given)}")
        return self

    def planned_steps(self, rows: int, batch: int, epochs: float) -> int | None:
        """Return the number of steps; None = from `minutes`. Without a budget so many epochs, at least 200 steps."""
        if self.steps is not None or self.minutes is not None:
            return self.steps
        if self.epochs is not None:
            return max(1, math.ceil(self.epochs * rows / batch))
        return max(_FEWEST_STEPS, math.ceil(epochs * rows / batch))


@final
class SavedModel:
    """Weights, coding and facts of a fitted model, as they lie in a folder."""

    def __init__(self, about: dict[str, Any], weights: dict[str, Tensor], coding: TableCoding) -> None:
        """Keep the parts."""
        self.about, self.weights, self.coding = about, weights, coding

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `lookalike.json`."""
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.weights.items()}
        coded = {f"{_CODING}{name}": from_numpy(array.copy()) for name, array in self.coding.to_arrays().items()}
        write_file(folder / WEIGHTS, save({**tensors, **coded}, metadata={"format": "pt"}))
        write_json(folder / ABOUT, {**self.about, "schema": self.coding.schema.model_dump(mode="json")})

    @classmethod
    def open(cls, folder: Path, form: str, method: str) -> SavedModel:
        """Read what `save` wrote.

        Raises:
            DataError: The folder does not hold a complete model of that format.
        """
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            if about["format"] != form:
                raise ValueError(f"format {about['format']}, expected {form}")
            found = load_file(folder / WEIGHTS)
            arrays = {k.removeprefix(_CODING): v.numpy() for k, v in found.items() if k.startswith(_CODING)}
            coding = TableCoding.from_arrays(Schema.model_validate(about.pop("schema")), arrays)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{folder} does not hold a complete {method} model ({reason}); fit it again") from None
        return cls(about, {k: v for k, v in found.items() if not k.startswith(_CODING)}, coding)


def held_out(rows: int, rng: Rng) -> npt.NDArray[np.bool_]:
    """Return which rows training only looks at, to keep its best state: a twentieth, none below 400 rows."""
    chosen = np.zeros(rows, dtype=bool)
    if rows >= 400:
        chosen[rng.numpy().permutation(rows)[: rows // 20]] = True
    return chosen
