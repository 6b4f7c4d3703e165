"""Finds image, text and label columns of a table by its Hugging Face feature tree; shared by `parquet` and `hf`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from lookalike.core.errors import DataError
from lookalike.data.classes import Labels, name_numbers, number
from lookalike.data.pixels import shown
from lookalike.data.texts import LABEL_COLUMNS, TEXT_COLUMNS, TextColumns, clean

Features = Mapping[str, Mapping[str, Any]]
_LABELS = ("label", "labels", "class", "category", "target")
_STRINGS = ("string", "large_string", "string_view")
_LISTED = 20


@dataclass(frozen=True)
class Columns:
    """Names of the two columns, and of the classes when the source tells them; no label = no classes."""

    image: str
    label: str | None
    names: tuple[str, ...] | None


def features_of(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Return the feature tree of a Parquet schema: what its `huggingface` metadata say, else what its types allow."""
    features: dict[str, dict[str, Any]] = {}
    for field in schema:
        encoded = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
        if pa.types.is_struct(field.type):
            encoded = "bytes" in {part.name for part in field.type}
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        features[field.name] = {"_type": "Image" if encoded else "Value", "dtype": str(kind)}
    try:
        stored = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        told = {name: dict(stored[name]) for name in features if isinstance(stored.get(name), dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        told = {}
    return {name: {**found, **told.get(name, {})} for name, found in features.items()}


def text_columns_of(features: Features) -> list[str]:
    """Return the columns of strings."""
    return [name for name, kind in features.items() if kind.get("_type") == "Value" and kind.get("dtype") in _STRINGS]


def label_columns_of(features: Features) -> list[str]:
    """Return the columns that may be the label of images: those of ClassLabel, else the first with a usual name."""
    told = [name for name, kind in features.items() if kind.get("_type") == "ClassLabel"]
    return told or [name for name in _LABELS if name in features][:1]


def kind_of(features: Features, where: str) -> Literal["image", "text", "tabular"]:
    """Return what a table holds when no setting says it: images, texts in a column with a usual name, or neither.

    Raises:
        DataError: It holds both.
    """
    images = [name for name, kind in features.items() if kind.get("_type") == "Image"]
    texts = [name for name in TEXT_COLUMNS if name in text_columns_of(features)]
    if images and texts:
        raise DataError(
            f"{shown(where)} holds images ({_list(images)}) and texts ({_list(texts)}); set image: COLUMN to read the "
            "images, or text: COLUMN to read the texts"
        )
    return "text" if texts else "image" if images else "tabular"


def pick_text_columns(
    features: Features, text: str | None, label: str | None, keep: Sequence[str], where: str
) -> TextColumns:
    """Return the text and label columns.

    Args:
        features: Feature tree: column -> {"_type": "Value" | "ClassLabel" | ..., "dtype": ..., "names": [...]}.
        text: Name the user gave; None = the first with a usual name.
        label: Name the user gave; None = the only ClassLabel column, else one with a usual name, else none; '' = none.
        keep: Further columns that must be there.
        where: What messages call the source.

    Raises:
        DataError: No such column, or the choice is not clear.
    """
    strings = text_columns_of(features)
    text = text or next((name for name in TEXT_COLUMNS if name in strings), None)
    if label is None:
        told = [name for name, kind in features.items() if kind.get("_type") == "ClassLabel"]
        usual = [name for name in LABEL_COLUMNS if name in features and name != text][:1]
        label = _only(told, "label", where, features) if told else next(iter(usual), "")
    for name, option in ((text, "text"), (label or None, "label"), *((name, "keep") for name in keep)):
        if name not in features and (name is not None or option == "text"):
            what = f"no column '{shown(name)}'" if name else "no text column"
            raise DataError(f"{shown(where)} has {what}; found {_list(features)}; set {option}: COLUMN")
    if text not in strings:
        raise DataError(
            f"column '{shown(text)}' of {shown(where)} holds {shown(_type_of(features[str(text)]))}, not strings; "
            f"columns of strings: {_list(strings) or 'none'}; set text: COLUMN"
        )
    classes = features[label].get("names") if label else None
    if not isinstance(classes, list) or not classes:
        return TextColumns(str(text), label or None)
    names = tuple(clean(str(name)).strip() for name in classes)
    if len(set(names)) != len(names):
        raise DataError(f"{shown(where)}: class names must differ, found {len(names) - len(set(names))} repeated")
    return TextColumns(str(text), label, names)


def _type_of(kind: Mapping[str, Any]) -> object:
    return kind.get("dtype") or kind.get("_type") or "something nested"


def pick_columns(features: Features, image: str | None, label: str | None, where: str) -> Columns:
    """Return the image and label columns.

    Args:
        features: Feature tree: column -> {"_type": "Image" | "ClassLabel" | ..., "names": [...]}.
        image: Name the user gave; None = the only image column.
        label: Name the user gave; None = the only ClassLabel column, else one called label, labels, class, ..., and no
            classes where there is no other column than that of the images; '' = no classes.
        where: What messages call the source.

    Raises:
        DataError: No such column, or the choice is not clear.
    """
    image = image or _only(
        [name for name, kind in features.items() if kind.get("_type") == "Image"], "image", where, features
    )
    if label is None and len(features) > 1:
        label = _only(label_columns_of(features), "label", where, features)
    for name, option in ((image, "image"), (label, "label")):
        if name and name not in features:
            raise DataError(
                f"{shown(where)} has no column '{shown(name)}'; found {_list(features)}; set {option}: COLUMN"
            )
    if features[image].get("_type") != "Image":
        raise DataError(
            f"column '{shown(image)}' of {shown(where)} holds no images; allowed: binary, or struct of bytes and path; "
            f"found {_list(features)}; set image: COLUMN"
        )
    if not label:
        return Columns(image, None, None)
    names = features[label].get("names")
    return Columns(image, label, tuple(map(str, names)) if isinstance(names, list) and names else None)


def _only(found: Sequence[str], option: str, where: str, features: Mapping[str, Any]) -> str:
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} {option} columns ({_list(found)})" if found else f"no {option} column"
    other = ", or text: COLUMN to read texts" if option == "image" and text_columns_of(features) else ""
    other = ", or label: '' to read images without classes" if option == "label" else other
    raise DataError(f"{shown(where)} has {what}; columns: {_list(features)}; set {option}: COLUMN{other}")


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
