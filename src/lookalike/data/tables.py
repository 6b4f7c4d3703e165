"""What `parquet` and `hf` share: tables of images, of texts or of values, told apart by the settings or the columns."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from lookalike.core.errors import DataError
from lookalike.data.columns import Columns, Features, kind_of, pick_columns, pick_text_columns
from lookalike.data.corpus import Corpus
from lookalike.data.images import Images
from lookalike.data.pixels import shown
from lookalike.data.reading import Encoded, ImageSettings, read_images
from lookalike.data.table import Table
from lookalike.data.tabular import Rows, TabularSettings, read_table
from lookalike.data.texts import Record, TextColumns, TextSettings, clean, read_texts

_OF_IMAGES = ("image", "channels", "size", "max_megapixels", "max_file_mb")
_OF_TEXTS = ("text", "keep", "max_characters")
_OF_TABLES = ("missing", "columns", "leave_out")
_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class Opened:
    """An open table.

    Attributes:
        where: What messages call it.
        features: Feature tree of its columns.
        images: Lists the images of these columns, without reading pixels.
        texts: Yields the rows of these columns and of further ones.
        rows: Gives all columns, as those of a table of values.
    """

    where: str
    features: Features
    images: Callable[[Columns], Encoded]
    texts: Callable[[TextColumns, Sequence[str]], Iterator[Record]]
    rows: Callable[[], Rows]


class TableReader(ImageSettings, TextSettings, TabularSettings):
    """Abstract: what reads a table of images, of texts, or of numbers, categories and dates."""

    image: str | None = Field(default=None, description="The image column; None = the only one.")
    text: str | None = Field(
        default=None,
        description="The text column: texts are read. None = images when there is an image column, else texts from "
        "text, sentence, content, review, ..., else a table of values.",
    )
    label: str | None = Field(
        default=None,
        description="The label column; None = the only ClassLabel column, else label, labels, class, ...; '' = no "
        "label: images without classes, texts or tables of values without one.",
    )
    table: bool | None = Field(
        default=None,
        description="true = a table of numbers, categories and dates; None = when no column holds images or texts.",
    )
    keep: tuple[str, ...] = Field(default=(), description="Further columns to keep beside texts, as strings.")
    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="stop at the first row that cannot be read, or skip such rows and count them."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        tables = self._set(_OF_TABLES) or (["table: true"] if self.table else [])
        kinds = {"images": self._set(_OF_IMAGES), "texts": self._set(_OF_TEXTS), "tables of values": tables}
        given = [(kind, ", ".join(names)) for kind, names in kinds.items() if names]
        if len(given) > 1 or (tables and self.table is False):
            told = [f"{names} is for {kind}" if not place else f"{names} for {kind}"
                    for place, (kind, names) in enumerate(given)]  # fmt: skip
            raise ValueError(f"{' and '.join(told)}; keep the settings of one kind")
        return self

    def _set(self, names: tuple[str, ...]) -> list[str]:
        fields = type(self).model_fields
        return [name for name in names if getattr(self, name) != fields[name].default]

    @abstractmethod
    def opened(self) -> Opened:
        """Open the source and look at its columns."""

    def modality(self, features: Features) -> Literal["image", "text", "tabular"]:
        """Return what is read: what the settings are for, else what the columns hold.

        Raises:
            DataError: The table holds both kinds and no setting chooses.
        """
        if self._set(_OF_TEXTS):
            return "text"
        if self._set(_OF_IMAGES):
            return "image"
        if self.table or self._set(_OF_TABLES):
            return "tabular"
        found = kind_of(features, self.where)
        return "image" if found == "tabular" and self.table is False else found

    def rows(self) -> Rows:
        """Return the rows as those of a table of values."""
        return self.opened().rows()

    def columns_in(self, features: Features, where: str) -> TextColumns:
        """Return the columns of texts and labels."""
        return pick_text_columns(features, self.text, self.label, self.keep, where)

    def listing(self) -> Encoded:
        """Return labels and classes of the images, and how to get at them, without reading pixels."""
        table = self.opened()
        return table.images(pick_columns(table.features, self.image, self.label, table.where))

    def read(self, folder: Path) -> Images | Corpus | Table:
        """Read everything into `folder`; memory stays flat.

        Args:
            folder: Existing, empty.

        Returns:
            Images, texts or a table of values, memory-mapped from the folder.

        Raises:
            DataError: The source is not usable; the message says what was found and how to fix it.
            BudgetError: The disk is full.
        """
        table = self.opened()
        modality = self.modality(table.features)
        if modality == "tabular":
            return read_table(table.rows(), self, folder)
        if modality == "image":
            return read_images(
                table.images(pick_columns(table.features, self.image, self.label, table.where)), self, folder
            )
        columns = self.columns_in(table.features, table.where)
        return read_texts(table.texts(columns, self.keep), self, folder, columns)


def table_rows(where: str, features: Features, schema: pa.Schema, batches: Callable[[], Iterator[Any]]) -> Rows:
    """Return the rows of a source as those of a table of values.

    Args:
        where: What messages call the source.
        features: Feature tree of its columns; a ClassLabel is read by the names of its classes.
        schema: Names and types of its columns; an index that pandas stored beside them is left out.
        batches: Yields all rows as Arrow batches or tables.
    """
    names = [field.name for field in schema if not _INDEX.fullmatch(field.name)]
    classes = {name: _classes(features.get(name, {})) for name in names}

    def columns() -> Iterator[pa.RecordBatch]:
        for batch in batches():
            arrays = [_with_classes(_whole(batch.column(name)), classes[name], where) for name in names]
            yield pa.RecordBatch.from_arrays(arrays, names=names)

    types = {name: "dictionary" if classes[name] else type_name(schema.field(name).type) for name in names}
    return Rows(where, tuple(names), columns, types)


def type_name(kind: pa.DataType) -> str:
    """Return the name of an Arrow type as `Column.stored` has it."""
    if pa.types.is_dictionary(kind):
        return "dictionary ordered" if kind.ordered else "dictionary"
    return "string" if str(kind) == "string_view" else str(kind)


def _whole(column: Any) -> pa.Array:  # noqa: ANN401  an array, or the chunks of one
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _classes(kind: Mapping[str, Any]) -> tuple[str, ...]:
    names = kind.get("names") if kind.get("_type") == "ClassLabel" else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _with_classes(column: pa.Array, classes: tuple[str, ...], where: str) -> pa.Array:
    if not classes or not pa.types.is_integer(column.type):
        return column
    numbers = pc.if_else(pc.equal(column, -1), pa.scalar(None, column.type), column)
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is not None and (ends["min"] < 0 or ends["max"] >= len(classes)):
        raise DataError(f"{shown(where)} has a label without a name; allowed: 0 to {len(classes) - 1}; correct them")
    return pa.DictionaryArray.from_arrays(numbers.cast(pa.int32()), pa.array(classes, pa.string()))


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
