"""What a user says of a column; the rest is inferred."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lookalike.data.marks import Marked

Kind = Literal["number", "integer", "boolean", "category", "ordinal", "datetime", "id", "text"]


class Declared(BaseModel):
    """What the user says of a column; what is left out is inferred."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind | None = Field(default=None, description="What the column holds.")
    low: float | str | None = Field(
        default=None, description="Public lower bound of a number, or of a date as the column writes it."
    )
    high: float | str | None = Field(default=None, description="Public upper bound, likewise.")
    categories: tuple[str, ...] = Field(
        default=(), description="Public list of the values of a category, in order for an ordinal column."
    )
    optional: bool | None = Field(default=None, description="Values may be missing; None = when some are.")
    decimals: int | None = Field(default=None, ge=0, le=15, description="Digits after the point.")
    grid: float | None = Field(default=None, gt=0, description="Values are whole multiples of this.")
    format: str | None = Field(default=None, description="Format of a date, for example %d.%m.%Y.")
    decimal: Literal[".", ","] | None = Field(
        default=None, description="What stands before the digits after the point; None = found by looking."
    )
    prefix: str | None = Field(
        default=None, description="What stands before every number; None = a currency, if anything."
    )
    suffix: str | None = Field(
        default=None, description="What stands after every number; None = a currency or a unit, if anything."
    )
    unit: str = Field(default="", description="Unit of the values, for the report.")

    @property
    def marked(self) -> Marked:
        """What is to be found of the marks of numbers."""
        return Marked(self.decimal or "", self.prefix, self.suffix)

    @field_validator("low", "high", mode="before")
    @classmethod
    def _bound(cls, value: object) -> object:
        # YAML makes a date of 2020-01-31.
        return value.isoformat(" ") if isinstance(value, datetime) else str(value) if isinstance(value, date) else value

    @field_validator("categories", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in value)
