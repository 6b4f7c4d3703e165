"""What a user says of a column; the rest is inferred."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lookalike.core.errors import DataError
from lookalike.core.schema import Column
from lookalike.data.formats import date_format, date_seconds
from lookalike.data.marks import Marked
from lookalike.data.pixels import shown

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
        default=None,
        pattern=r"^[^\d+-]*$",
        description="What stands before numbers; None = a currency, if anything.",
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


def bounds(name: str, kind: str, stored: str, declared: Declared) -> dict[str, float]:
    """Return the declared bounds as numbers; those of dates in seconds since 1970.

    Raises:
        DataError: One is no number or date, or they are the wrong way round.
    """
    form = date_format(Column(name=name, kind=kind, stored=stored)) if kind == "datetime" else ""
    found: dict[str, float] = {}
    for key in ("low", "high"):
        bound = getattr(declared, key)
        if bound is None:
            continue
        if kind == "datetime":
            given = bound if isinstance(bound, str) else f"{bound:.15g}"
            seconds = date_seconds(given, form)
            if seconds is None:
                raise DataError(
                    f"column {shown(name)}: {key} must be a date written as {form} or as 2020-01-31, found "
                    f"{shown(given)}; correct it"
                )
            found[key] = seconds
        elif isinstance(bound, str):
            raise DataError(
                f"column {shown(name)}: {key} must be a number, found {shown(bound)}; correct it, or declare kind: "
                "datetime if the column holds dates"
            )
        else:
            found[key] = bound
    if found.get("low", -math.inf) > found.get("high", math.inf):
        raise DataError(
            f"column {shown(name)}: low must not be above high, found {declared.low} and {declared.high}; correct them"
        )
    return found
