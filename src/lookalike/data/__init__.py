"""Datasets of each modality, and their readers and writers."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.core.schema import Schema
from lookalike.data.images import Images

__all__ = ["Images", "open_dataset"]

_TYPES = {"image": Images}


def open_dataset(folder: Path) -> Images:
    """Open what a dataset's `save` wrote, of whichever modality its `schema.json` names.

    Raises:
        DataError: The folder holds no dataset, or one of a modality that this version cannot open.
    """
    path = folder / "schema.json"
    try:
        schema = Schema.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise DataError(f"{folder} holds no dataset: schema.json is missing or damaged; make it again") from None
    if schema.modality not in _TYPES:
        raise DataError(f"{folder} holds {schema.modality} data; this version opens {', '.join(_TYPES)}")
    return _TYPES[schema.modality].open(folder)
