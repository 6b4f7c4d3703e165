"""What `parquet` and `hf` share: tables that hold images or texts, told apart by the settings or by the columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.core.errors import DataError
from lookalike.data.columns import Columns, Features, kind_of, pick_columns, pick_text_columns
from lookalike.data.corpus import Corpus
from lookalike.data.images import Images
from lookalike.data.pixels import shown
from lookalike.data.reading import Encoded, ImageSettings, read_images
from lookalike.data.texts import Record, TextColumns, TextSettings, clean, read_texts

_OF_IMAGES = ("image", "channels", "size", "max_megapixels", "max_file_mb")
_OF_TEXTS = ("text", "keep", "max_characters")


@dataclass(frozen=True)
class Opened:
    """An open table.

    Attributes:
        where: What messages call it.
        features: Feature tree of its columns.
        images: Lists the images of these columns, without reading pixels.
        texts: Yields the rows of these columns and of further ones.
    """

    where: str
    features: Features
    images: Callable[[Columns], Encoded]
    texts: Callable[[TextColumns, Sequence[str]], Iterator[Record]]


class TableReader(ImageSettings, TextSettings):
    """Abstract: what reads a table of images or of texts."""

    image: str | None = Field(default=None, description="The image column; None = the only one.")
    text: str | None = Field(
        default=None,
        description="The text column: texts are read. None = images when there is an image column, else texts from "
        "text, sentence, content, review, ...",
    )
    label: str | None = Field(
        default=None,
        description="The label column; None = the only ClassLabel column, else label, labels, class, ...; '' = no "
        "label, for texts.",
    )
    keep: tuple[str, ...] = Field(default=(), description="Further columns to keep beside texts, as strings.")
    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="stop at the first row that cannot be read, or skip such rows and count them."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        images, texts = self._set(_OF_IMAGES), self._set(_OF_TEXTS)
        if images and texts:
            raise ValueError(
                f"{', '.join(images)} is for images and {', '.join(texts)} for texts; keep the settings of one kind"
            )
        return self

    def _set(self, names: tuple[str, ...]) -> list[str]:
        fields = type(self).model_fields
        return [name for name in names if getattr(self, name) != fields[name].default]

    @abstractmethod
    def opened(self) -> Opened:
        """Open the source and look at its columns."""

    def modality(self, features: Features) -> Literal["image", "text"]:
        """Return what is read: what the settings are for, else what the columns hold.

        Raises:
            DataError: The table holds both kinds and no setting chooses.
        """
        if self._set(_OF_TEXTS):
            return "text"
        return "image" if self._set(_OF_IMAGES) else kind_of(features, self.where)

    def columns_in(self, features: Features, where: str) -> TextColumns:
        """Return the columns of texts and labels."""
        return pick_text_columns(features, self.text, self.label, self.keep, where)

    def listing(self) -> Encoded:
        """Return labels and classes of the images, and how to get at them, without reading pixels."""
        table = self.opened()
        return table.images(pick_columns(table.features, self.image, self.label, table.where))

    def read(self, folder: Path) -> Images | Corpus:
        """Read everything into `folder`; memory stays flat.

        Args:
            folder: Existing, empty.

        Returns:
            Images or texts that are memory-mapped from the folder.

        Raises:
            DataError: The source is not usable; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        table = self.opened()
        if self.modality(table.features) == "image":
            return read_images(
                table.images(pick_columns(table.features, self.image, self.label, table.where)), self, folder
            )
        columns = self.columns_in(table.features, table.where)
        return read_texts(table.texts(columns, self.keep), self, folder, columns)


def names_of(columns: TextColumns, further: Sequence[str]) -> list[str]:
    """Return the names of the columns to read, each once."""
    return list(dict.fromkeys([columns.text, *([columns.label] if columns.label else []), *further]))


def rows_of(batch: Any, columns: TextColumns, where: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Yield the rows of an Arrow batch or table, labels by name.

    Raises:
        DataError: A label is a number that has no name.
    """
    values = {name: _values(batch.column(name)) for name in batch.schema.names}
    if columns.label and columns.classes:
        values[columns.label] = [_named(value, columns.classes, where) for value in values[columns.label]]
    for row in range(batch.num_rows):
        yield {name: column[row] for name, column in values.items()}


def _named(value: object, classes: tuple[str, ...], where: str) -> str | None:
    if value is None or value == -1:
        return None
    if isinstance(value, str) and clean(value).strip() in classes:
        return value
    if not isinstance(value, int) or not 0 <= value < len(classes):
        raise DataError(
            f"{shown(where)}: label {shown(value)} has no name; allowed: 0 to {len(classes) - 1} for the "
            f"{len(classes)} class names; correct the labels, or give a name for every class"
        )
    return classes[value]


def _values(column: Any) -> list[Any]:  # noqa: ANN401  an Arrow array
    """Return the values of a column; strings that are no UTF-8 with lone surrogates where possible, else as bytes."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        kind = column.type
        raw = column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
        return [None if value is None else _decoded(value) for value in raw.cast(pa.large_binary()).to_pylist()]


def _decoded(value: bytes) -> str | bytes:
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return value
