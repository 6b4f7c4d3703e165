"""What a dataset holds: modality, columns, classes, units and public bounds."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lookalike.core.constraints import Constraint

Modality = Literal["image", "text", "tabular", "tables", "scenario"]


class Column(BaseModel):
    """One named part of every row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name as in the user's data.")
    kind: str = Field(description="What it holds: image, text, category, ordinal, boolean, number, integer, ...")
    unit: str = Field(default="", description="Unit of the values, if they have one.")
    low: float | None = Field(default=None, description="Public lower bound; None = not declared.")
    high: float | None = Field(default=None, description="Public upper bound; None = not declared.")
    categories: tuple[str, ...] = Field(default=(), description="Allowed values of a category column, in order.")
    shape: tuple[int, ...] = Field(default=(), description="Shape of one value, for example (height, width, channels).")
    optional: bool = Field(default=False, description="Values may be missing.")
    decimals: int | None = Field(default=None, description="Digits after the point that values have; None = any.")
    stored: str = Field(default="", description="Type or format that values are written back in; empty = as the kind.")
    form: str = Field(default="", description="Form of new keys; empty = random ones.")
    lacking: float = Field(default=0.0, ge=0, le=1, description="Share of missing values of a key.")
    grid: float | None = Field(default=None, gt=0, description="Values are whole multiples of this; None = any.")


class Member(BaseModel):
    """One of several tables with keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name of the table.")
    rows: Schema = Field(description="What its rows hold.")
    key: str | None = Field(default=None, description="Column that names each row; None = no other table needs one.")
    keys: tuple[str, ...] = Field(default=(), description="Columns that name each row together; none = `key` does.")
    parent: str | None = Field(default=None, description="Table whose rows own these; None = none does.")
    column: str | None = Field(default=None, description="Column that holds the key of the owner.")
    columns: tuple[str, ...] = Field(
        default=(), description="Columns that hold the key of the owner together; none = `column` does."
    )
    order: str | None = Field(default=None, description="Column that rows of one owner are in the order of.")
    links: tuple[tuple[str, str], ...] = Field(
        default=(), description="Columns with keys of kept or shared tables, and these."
    )
    inherited: tuple[tuple[str, str], ...] = Field(
        default=(), description="Columns that say what a column of the owner says, and that one."
    )
    keep: bool = Field(default=False, description="Its rows are public and given out as they are.")
    shared: bool = Field(default=False, description="Its rows belong to nobody, and are made anew.")

    @property
    def whole(self) -> bool:
        """Whether its rows belong to nobody, so that every part of a dataset has all of them."""
        return self.keep or self.shared


class Schema(BaseModel):
    """The shape of a dataset; two datasets with equal schemas can stand in for each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Modality = Field(description="Which kind of data this is.")
    columns: tuple[Column, ...] = Field(description="The columns, in order.")
    label: str | None = Field(default=None, description="Name of the label column; None = unlabelled.")
    constraints: tuple[Constraint, ...] = Field(default=(), description="What must hold in every row of a table.")
    tables: tuple[Member, ...] = Field(
        default=(), description="Several tables with keys: the root first, owners before what they own, kept ones last."
    )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of their numbers; empty when there is no label."""
        for column in self.columns:
            if column.name == self.label:
                return column.categories
        return ()

    def column(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            KeyError: No column has that name.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


Member.model_rebuild()
