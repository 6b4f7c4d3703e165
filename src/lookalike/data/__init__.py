"""Datasets of each modality, and their readers and writers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lookalike.core.errors import DataError
from lookalike.core.schema import Schema
from lookalike.data.corpus import Corpus
from lookalike.data.images import Images
from lookalike.data.relations import Relations
from lookalike.data.table import Table

__all__ = ["Corpus", "Images", "Relations", "Table", "no_rows", "open_dataset"]

_TYPES: dict[str, Any] = {"image": Images, "text": Corpus, "tabular": Table, "tables": Relations}


def no_rows(schema: Schema) -> Any:  # noqa: ANN401  the dataset class of the schema's modality
    """Return a dataset without rows."""
    return _TYPES[schema.modality].empty(schema)


def open_dataset(folder: Path) -> Any:  # noqa: ANN401  the dataset class of the folder's modality
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
