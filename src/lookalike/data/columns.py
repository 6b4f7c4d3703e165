"""Finds the image and label columns of a table by its Hugging Face feature tree; shared by `parquet` and `hf`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lookalike.core.errors import DataError
from lookalike.data.classes import Labels, name_numbers, number
from lookalike.data.pixels import shown

_LABELS = ("label", "labels", "class", "category", "target")
_LISTED = 20


@dataclass(frozen=True)
class Columns:
    """Names of the two columns, and of the classes when the source tells them."""

    image: str
    label: str
    names: tuple[str, ...] | None


def features_of(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Return the feature tree of a Parquet schema: what its `huggingface` metadata say, else what its types allow."""
    features: dict[str, dict[str, Any]] = {}
    for field in schema:
        encoded = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
        if pa.types.is_struct(field.type):
            encoded = "bytes" in {part.name for part in field.type}
        features[field.name] = {"_type": "Image" if encoded else "Value"}
    try:
        stored = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        told = {name: dict(stored[name]) for name in features if isinstance(stored.get(name), dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        told = {}
    return {**features, **told}


def pick_columns(
    features: Mapping[str, Mapping[str, Any]], image: str | None, label: str | None, where: str
) -> Columns:
    """Return the image and label columns.

    Args:
        features: Feature tree: column -> {"_type": "Image" | "ClassLabel" | ..., "names": [...]}.
        image: Name the user gave; None = the only image column.
        label: Name the user gave; None = the only ClassLabel column, else one called label, labels, class, ...
        where: What messages call the source.

    Raises:
        DataError: No such column, or the choice is not clear.
    """
    image = image or _only(
        [name for name, kind in features.items() if kind.get("_type") == "Image"], "image", where, features
    )
    if label is None:
        found = [name for name, kind in features.items() if kind.get("_type") == "ClassLabel"]
        found = found or [name for name in _LABELS if name in features][:1]
        label = _only(found, "label", where, features)
    for name, option in ((image, "image"), (label, "label")):
        if name not in features:
            raise DataError(
                f"{shown(where)} has no column '{shown(name)}'; found {_list(features)}; set {option}: COLUMN"
            )
    if features[image].get("_type") != "Image":
        raise DataError(
            f"column '{shown(image)}' of {shown(where)} holds no images; allowed: binary, or struct of bytes and path; "
            f"found {_list(features)}; set image: COLUMN"
        )
    names = features[label].get("names")
    return Columns(image, label, tuple(map(str, names)) if isinstance(names, list) and names else None)


def _only(found: Sequence[str], option: str, where: str, features: Mapping[str, Any]) -> str:
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} {option} columns ({_list(found)})" if found else f"no {option} column"
    raise DataError(f"{shown(where)} has {what}; columns: {_list(features)}; set {option}: COLUMN")


def _list(names: Sequence[str] | Mapping[str, Any]) -> str:
    listed = list(names)
    return ", ".join(shown(name) for name in listed[:_LISTED]) + (", ..." if len(listed) > _LISTED else "")


def class_numbers(column: pa.ChunkedArray, columns: Columns, where: str) -> tuple[Labels, tuple[str, ...], list[int]]:
    """Return class numbers, class names and the rows without a label.

    Args:
        column: Whole numbers, true/false, or strings; null or -1 with class names = no label.
        columns: Which column it is, and its class names.
        where: What messages call the source.

    Returns:
        [N] numbers, 0 where there is no label; names; positions without a label.

    Raises:
        DataError: Another type, or a number without a name.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    values = column.to_pylist()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        missing = [row for row, value in enumerate(values) if not value]
        labels, classes = number([value for value in values if value])
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        unset = (None,) if columns.names is None else (None, -1)
        missing = [row for row, value in enumerate(values) if value in unset]
        told = np.array([int(value) for value in values if value not in unset], dtype=np.int64)
        labels, classes = name_numbers(told, columns.names, where)
    else:
        raise DataError(
            f"label column '{shown(columns.label)}' of {shown(where)} has type {shown(column.type)}; allowed: whole "
            "numbers, true/false, strings; set label: COLUMN"
        )
    if len(missing) == len(values):
        raise DataError(
            f"column '{shown(columns.label)}' of {shown(where)} holds no label in any of its {len(values)} rows; "
            "set label: COLUMN, or read a split that has labels"
        )
    full = np.zeros(len(values), dtype=np.int64)
    present = np.ones(len(values), dtype=bool)
    present[missing] = False
    full[present] = labels
    return full, classes, missing
