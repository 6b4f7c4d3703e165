"""One Parquet shard of rows: written whole or not at all, same rows same bytes, and read back.

`datasets.load_dataset("parquet", data_files=...)` opens a shard as decoded images or texts with class names: the schema
carries the `huggingface` feature tree. Tables are written in the types of the user's own columns, as pandas reads them.
A `lookalike` entry carries the full schema, so that reading gives back equal rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.core.schema import Schema
from lookalike.core.store import disk_errors
from lookalike.data.corpus import LABEL, TEXT, Corpus, further_columns
from lookalike.data.formats import typed
from lookalike.data.images import Images, Pixels
from lookalike.data.pixels import Limits, decode, shown
from lookalike.data.relations import Relations
from lookalike.data.table import Table
from lookalike.data.tabular import decoded

_GROUP_ROWS = 1024
_TABLE_GROUP_ROWS = 65_536
_COMPRESS = 6
Extra = Mapping[str, npt.NDArray[Any] | Sequence[str]]


def shard_name(number: int) -> str:
    """Return the file name of a shard.

    Example:
        >>> shard_name(3)
        'part-00003.parquet'
    """
    return f"part-{number:05d}.parquet"


def encode_png(pixels_HWC: Pixels) -> bytes:
    """Return one image as PNG, without metadata: same pixels, same bytes."""
    buffer = BytesIO()
    flat = pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC
    Image.fromarray(np.ascontiguousarray(flat)).save(buffer, "PNG", compress_level=_COMPRESS)
    return buffer.getvalue()


def _parts(data: Images | Corpus | Table) -> list[tuple[pa.Field, dict[str, Any]]]:
    """Return the columns of a dataset, each with its entry in the feature tree of `datasets`."""
    if isinstance(data, Table):
        return [(field, {}) for field in typed(Table.empty(data.schema)).schema]
    label = data.schema.label or LABEL
    number = pa.field(label, pa.int64())
    named: dict[str, Any] = {"names": list(data.schema.classes), "_type": "ClassLabel"}
    if isinstance(data, Images):
        image = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
        picture: dict[str, Any] = {"_type": "Image"}
        return [(pa.field("image", image), picture), (number, named)]
    string: dict[str, Any] = {"dtype": "large_string", "_type": "Value"}
    parts: list[tuple[pa.Field, dict[str, Any]]] = [(pa.field(TEXT, pa.large_string()), string)]
    parts += [(number, named)] if data.classes else []
    number_kind: dict[str, Any] = {"dtype": "float64", "_type": "Value"}
    return parts + [
        (pa.field(name, pa.float64()), number_kind)
        if data.schema.column(name).kind == "number"
        else (pa.field(name, pa.large_string()), string)
        for name in further_columns(data.schema)
    ]


def _arrays(data: Images | Corpus | Table, start: int, stop: int, first_row: int) -> list[pa.Array]:
    """Return the columns of some rows, in the order of `_parts`."""
    if isinstance(data, Images):
        images = [
            {"bytes": encode_png(data.pixels[row]), "path": f"{first_row + row:08d}.png"} for row in range(start, stop)
        ]
        return [pa.array(images, type=_parts(data)[0][0].type), pa.array(data.labels[start:stop])]
    if isinstance(data, Table):
        part = typed(Table(data.table.slice(start, stop - start), data.schema))
        return [column.combine_chunks() for column in part.columns]
    names = [TEXT, *([LABEL] if data.classes else []), *further_columns(data.schema)]
    return [data.table.column(name).slice(start, stop - start).combine_chunks() for name in names]


def _arrow_schema(data: Images | Corpus | Table, extra: Mapping[str, pa.Array]) -> pa.Schema:
    fields, features = [], {}
    for field, feature in _parts(data):
        fields.append(field)
        features[field.name] = feature
    for name, values in extra.items():
        fields.append(pa.field(name, values.type))
        kind = {"double": "float64", "float": "float32"}.get(str(values.type), str(values.type))
        features[name] = {"dtype": kind, "_type": "Value"}
    metadata = {"lookalike": data.schema.model_dump_json()}
    if not isinstance(data, Table):
        metadata["huggingface"] = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return pa.schema(fields, metadata=metadata)


def write_shard(path: Path, data: Images | Corpus | Table, extra: Extra | None = None, first_row: int = 0) -> None:
    """Write one shard; a reader sees the whole file or none.

    Args:
        path: The file to make, for example `folder / shard_name(0)`.
        data: Its rows.
        extra: Further columns by name, each [N] of numbers, true/false or strings, for example `weight`.
        first_row: Number of the first row in the whole set, for the names of the images.

    Raises:
        DataError: An extra column has another length, or the name of a column that is there.
        BudgetError: The disk is full.
    """
    columns = {name: pa.array(values) for name, values in (extra or {}).items()}
    taken = [field.name for field, _ in _parts(data)]
    for name, values in columns.items():
        if len(values) != len(data) or name in taken:
            raise DataError(
                f"extra column '{shown(name)}' has {len(values)} values for {len(data)} rows; it needs one value per "
                f"row, and a name other than {' and '.join(taken)}"
            )
    schema = _arrow_schema(data, columns)
    label = data.schema.label or LABEL
    repeated = isinstance(data, Table) or ([label] if label in taken else [])
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        with (
            disk_errors(path),
            pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=repeated) as writer,
        ):
            rows = _TABLE_GROUP_ROWS if isinstance(data, Table) else _GROUP_ROWS
            for start in range(0, len(data), rows):
                stop = min(start + rows, len(data))
                arrays = _arrays(data, start, stop, first_row)
                arrays += [values.slice(start, stop - start) for values in columns.values()]
                writer.write_table(pa.table(arrays, schema=schema))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_shards(
    data: Images | Corpus | Table | Relations, folder: Path, extra: Extra | None = None, rows: int = 10_000
) -> list[Path]:
    """Write all rows as `part-00000.parquet` and so on; no rows give one empty file.

    Args:
        data: The rows; several tables go into a folder each.
        folder: Existing folder.
        extra: Further columns by name, each [N]; of several tables those of the root.
        rows: Most rows in one file, at least 1.

    Returns:
        The files, in order.

    Raises:
        DataError: An extra column has another length, or the name of a column that is there.
        BudgetError: The disk is full.
    """
    paths = []
    if isinstance(data, Relations):
        for place, (name, table) in enumerate(data.tables.items()):
            (folder / name).mkdir()
            paths += write_shards(table, folder / name, None if place else extra, rows)
        return paths
    for number, start in enumerate(range(0, max(1, len(data)), rows)):
        stop = min(start + rows, len(data))
        part = {name: values[start:stop] for name, values in (extra or {}).items()}
        paths.append(folder / shard_name(number))
        write_shard(paths[-1], data.take(np.arange(start, stop, dtype=np.int64)), part, first_row=start)
    return paths


def read_shard(path: Path, limits: Limits | None = None) -> Any:  # noqa: ANN401  the dataset class of its modality
    """Read a shard that `write_shard` wrote, into memory.

    Args:
        path: The file.
        limits: What a single image may cost; None = the usual limits.

    Returns:
        Rows equal to those written.

    Raises:
        DataError: Missing, damaged, or not written by this project.
    """
    try:
        with pq.ParquetFile(path) as file:
            stored = (file.schema_arrow.metadata or {}).get(b"lookalike")
            if stored is None:
                raise DataError(f"{shown(path)} was not written by lookalike; use the reader parquet for such files")
            schema = Schema.model_validate_json(stored)
            if schema.modality == "tabular":
                return _table(file, schema)
            if schema.modality == "text":
                return _texts(file, schema)
            return _images(file, schema, path, limits or Limits())
    except (pa.ArrowException, OSError, KeyError, ValidationError, ValueError, IndexError) as error:
        raise DataError(f"{shown(path)} is missing or damaged: {shown(error)}; run `lookalike verify`") from None


def _images(file: pq.ParquetFile, schema: Schema, path: Path, limits: Limits) -> Images:
    label = schema.label or LABEL
    table = file.read(columns=["image", label])
    labels = table.column(label).to_numpy().astype(np.int64)
    shape = schema.column("image").shape
    pixels = np.empty((len(labels), *shape), dtype=np.uint8)
    for row, content in enumerate(table.column("image").combine_chunks().field("bytes")):
        name = f"{path.name} row {row}"
        image = decode(content.as_py() or b"", name, limits, shape[2], None)
        if image.shape != shape:
            raise DataError(f"{shown(name)} is {image.shape}, not {shape}; the shard was changed: make it again")
        pixels[row] = image
    return Images(pixels, labels, schema)


def _texts(file: pq.ParquetFile, schema: Schema) -> Corpus:
    names = further_columns(schema)
    table = file.read(columns=[TEXT, *([schema.label] if schema.label else []), *names])
    labels = table.column(schema.label) if schema.label else pa.array(np.zeros(len(table), dtype=np.int64))
    columns = {TEXT: table.column(TEXT), LABEL: labels, **{name: table.column(name) for name in names}}
    return Corpus(pa.table(columns), schema)


def _table(file: pq.ParquetFile, schema: Schema) -> Table:
    columns = {column.name: column for column in schema.columns}
    table = file.read(columns=list(columns))
    return Table(pa.table({name: decoded(table.column(name), columns[name], ()) for name in columns}), schema)


def unused(schema: Schema, name: str) -> str:
    """Return a name for a further column that no column has: the name, with underscores after it where it is taken."""
    while name in {column.name for column in schema.columns}:
        name += "_"
    return name


def read_columns(path: Path, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return columns of a shard other than its images, by name, each [N].

    Raises:
        DataError: Missing, damaged, or without such a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            absent = [name for name in names if name not in file.schema_arrow.names]
            if absent:
                found = ", ".join(map(shown, file.schema_arrow.names))
                raise DataError(f"{shown(path)} has no column {', '.join(map(shown, absent))}; found {found}")
            table = file.read(columns=list(names))
            return {name: np.asarray(table.column(name).to_numpy()) for name in names}
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{shown(path)} is missing or damaged: {shown(error)}; run `lookalike verify`") from None
