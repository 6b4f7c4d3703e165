"""What the report shows of a gallery of texts."""

from __future__ import annotations

from typing import Any

from lookalike.reports import wording
from lookalike.reports.record import Record


def texts_block(record: Record) -> dict[str, Any] | None:
    """Return sample texts by label and examples of rejected ones; None when the run has no gallery of texts."""
    gallery = record.gallery
    if gallery is None or not isinstance(gallery.get("texts"), list):
        return None
    classes = [{**one, "rows": wording.count(one["rows"])} for one in gallery["texts"]]
    return {
        "classes": classes,
        "left_out": int(gallery.get("classes_left_out", 0)),
        "rejected": [one for one in gallery.get("rejected_texts", []) if one.get("texts")],
        "copies": any(text["copied"] for one in classes for text in one["texts"]),
    }
