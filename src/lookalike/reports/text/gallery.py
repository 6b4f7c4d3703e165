"""What the report shows of a run on texts: some of each label, and examples of what was thrown away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.store import write_json
from lookalike.data.corpus import PROBLEM, Corpus, further_columns

_TEXTS = 6
_MOST_CLASSES = 40
_MOST_REASONS = 12
_EXAMPLES = 3
_CHARACTERS = 600


def build(
    folder: Path,
    real: Reference[Corpus],
    accepted: Corpus,
    rejected: tuple[Corpus, Sequence[str]],
    scores: Sequence[Mapping[str, Any]],
    rng: Rng,
) -> None:
    """Write gallery.json; equal inputs give equal bytes.

    Args:
        folder: Existing, empty folder.
        real: Real rows; synthetic texts that equal a training text are marked.
        accepted: Synthetic rows as delivered.
        rejected: Rows that were thrown away, and the reason for each.
        scores: Not used.
        rng: Chooses what is shown.
    """
    del scores
    known = {_key(text) for text in real.train.texts()}
    names = accepted.classes or ("",)
    classes = []
    for number, name in enumerate(names[:_MOST_CLASSES]):
        rows = np.flatnonzero(accepted.labels == number)
        chosen = np.sort(rng.child("shown", number).numpy().permutation(rows)[:_TEXTS])
        classes.append({"name": name, "rows": len(rows), "texts": _shown(accepted, chosen, known)})
    data, reasons = rejected
    content = {
        "sprites": {},
        "texts": classes,
        "classes_left_out": max(0, len(names) - _MOST_CLASSES),
        "rejected_texts": _thrown(data, reasons),
    }
    write_json(folder / "gallery.json", content)


def _shown(data: Corpus, rows: np.ndarray, known: set[str]) -> list[dict[str, Any]]:
    part = data.take(rows)
    further = [name for name in further_columns(data.schema) if name != PROBLEM]
    columns = {name: part.column(name) for name in further}
    return [
        {
            "row": int(rows[place]),
            "text": _clipped(text),
            "more": {name: _written(values[place]) for name, values in columns.items()},
            "copied": _key(text) in known,
        }
        for place, text in enumerate(part.texts())
    ]


def _thrown(data: Corpus, reasons: Sequence[str]) -> list[dict[str, Any]]:
    """Return the reasons with the most rows, each with its first texts; a row without a text has none to show."""
    places: dict[str, list[int]] = {}
    for place, reason in enumerate(reasons):
        places.setdefault(reason, []).append(place)
    most = sorted(places.items(), key=lambda one: (-len(one[1]), one[0]))[:_MOST_REASONS]
    found = []
    for reason, rows in most:
        texts = data.take(np.array(rows[:_EXAMPLES], dtype=np.int64)).texts()
        found.append({"reason": reason, "texts": [_clipped(text) for text in texts if text]})
    return found


def _written(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value or "")


def _clipped(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + " …"


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
