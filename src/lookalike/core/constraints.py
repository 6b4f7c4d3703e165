"""What must hold in every row: the rules that a recipe can state of a table."""

from __future__ import annotations

from typing import Annotated, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lookalike.core.expression import parse

Cell = str | float | None


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the real rows that may break it; synthetic rows never do, whatever this is.",
    )


@final
class Inequality(_Rule):
    """One column is never above another."""

    rule: Literal["inequality"] = Field(description="One column is never above another.")
    low: str = Field(description="Column with the lower value: a number or a date.")
    high: str = Field(description="Column with the higher value.")
    strict: bool = Field(default=False, description="Equal values break it too.")

    @model_validator(mode="after")
    def _different(self) -> Self:
        if self.low == self.high:
            raise ValueError(f"low and high must be two columns, found {self.low} twice")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return self.low, self.high

    @property
    def title(self) -> str:
        """What it says, in a few words."""
        return f"{self.low} {'<' if self.strict else '<='} {self.high}"


@final
class Range(_Rule):
    """A column lies between two numbers."""

    rule: Literal["range"] = Field(description="A column lies between two numbers.")
    column: str = Field(description="A number, or a date in seconds since 1970.")
    low: float | None = Field(default=None, allow_inf_nan=False, description="Lowest value allowed; None = no bound.")
    high: float | None = Field(default=None, allow_inf_nan=False, description="Highest value allowed; None = no bound.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("a range needs low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low must not be above high, found {self.low:g} and {self.high:g}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The column it speaks of."""
        return (self.column,)

    @property
    def title(self) -> str:
        """What it says, in a few words."""
        low = "" if self.low is None else f"{self.low:g} <= "
        return f"{low}{self.column}" + ("" if self.high is None else f" <= {self.high:g}")


@final
class Combination(_Rule):
    """Only those tuples of some columns are made that occur."""

    rule: Literal["combination"] = Field(description="Only those tuples of some columns are made that occur.")
    columns: tuple[str, ...] = Field(min_length=2, description="At least two columns, no keys or free texts.")
    tuples: tuple[tuple[Cell, ...], ...] = Field(
        default=(), description="The tuples that are allowed, null = missing; none given = those of the data."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"a combination needs different columns, found {', '.join(self.columns)}")
        if any(len(cells) != len(self.columns) for cells in self.tuples):
            raise ValueError(f"every tuple needs {len(self.columns)} values, one for each column")
        return self

    @property
    def title(self) -> str:
        """What it says, in a few words."""
        return f"{', '.join(self.columns)}: combinations that occur"


@final
class Formula(_Rule):
    """A column is computed from others."""

    rule: Literal["formula"] = Field(description="A column is computed from others.")
    column: str = Field(description="The column that is computed: a number; its own rounding is allowed for.")
    equals: str = Field(
        description="Columns, numbers, + - * / and brackets; a column that is no plain word stands in backquotes."
    )

    @field_validator("equals")
    @classmethod
    def _readable(cls, text: str) -> str:
        parse(text)
        return text

    @model_validator(mode="after")
    def _of_others(self) -> Self:
        if self.column in parse(self.equals).names:
            raise ValueError(f"{self.column} is computed from itself; name it on one side only")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of, the computed one first."""
        return self.column, *parse(self.equals).names

    @property
    def title(self) -> str:
        """What it says, in a few words."""
        return f"{self.column} = {self.equals}"


@final
class Unique(_Rule):
    """No two rows are alike in some columns."""

    rule: Literal["unique"] = Field(description="No two rows are alike in some columns.")
    columns: tuple[str, ...] = Field(
        min_length=1, description="The columns; a row with a missing value in one is never alike."
    )

    @property
    def title(self) -> str:
        """What it says, in a few words."""
        return f"{', '.join(self.columns)}: no two rows alike"


Constraint = Annotated[Inequality | Range | Combination | Formula | Unique, Field(discriminator="rule")]
