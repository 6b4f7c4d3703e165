"""How a fitted adversarial generator draws images: the keys that stand under `sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

STYLED = "image.stylegan, image.stylegan2 or image.stylegan3"
"""The generators with styles, for messages."""


class Drawing(BaseModel):
    """How a fitted model draws images; changing it never trains again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(default=100, ge=1, description="Images drawn at once; a matter of memory.")
    interpolate: int | None = Field(
        default=None,
        ge=2,
        le=256,
        description="Rows come in runs of so many that walk from the image of one seed to that of the next one, with "
        "the same noise; None = every row has a seed of its own.",
    )

    @model_validator(mode="before")
    @classmethod
    def _projects(cls, values: Any) -> Any:  # noqa: ANN401  pydantic gives what the caller gave
        if isinstance(values, dict) and "project" in values and "project" not in cls.model_fields:
            raise ValueError(f"project: this generator has no styles to project an image into; use {STYLED}")
        return values


class CodedDrawing(Drawing):
    """How a fitted model without styles draws images."""

    spread: float = Field(
        default=1.0,
        ge=0,
        le=3,
        description="Deviation of latent codes: above 1 draws images that are more varied and less sure in their "
        "class, below 1 more typical ones.",
    )


class StyledDrawing(Drawing):
    """How a fitted model with styles draws images."""

    truncation: float = Field(
        default=1.0, ge=0, le=2, description="psi: below 1 draws nearer to the mean style: better images, less variety."
    )
    truncated_layers: int | None = Field(
        default=None, ge=0, description="Only so many first layers are truncated; None = all."
    )
    mixing: float = Field(default=0.0, ge=0, le=1, description="Share of images with styles of two codes.")
    noise: bool = Field(default=True, description="Fresh noise for every image; false = the same noise for all.")
    project: Path | None = Field(
        default=None, description="An image of the model's size: rows are drawn around its style, with the same noise."
    )
    project_steps: int = Field(default=500, ge=1, le=100_000, description="Steps of the search for that style.")
    project_variation: float = Field(
        default=0.3, ge=0, le=1, description="How far rows lie from it: 0 = the projection itself, 1 = as styles vary."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.project is not None and self.interpolate is not None:
            raise ValueError(
                "interpolate: rows around a given image have no next seed to walk to; remove it or project"
            )
        return self
