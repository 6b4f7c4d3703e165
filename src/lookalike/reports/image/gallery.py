"""The pictures of a report on images: a grid per class in four orders, nearest training images, rejected examples.

Legend: N synthetic rows, M training rows, K neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.core.store import write_file, write_json
from lookalike.data.images import Images
from lookalike.encoders.memo import embedded, prepared
from lookalike.reports.evidence import features, short
from lookalike.reports.image.sprites import Sprite, encode, shrunk
from lookalike.techniques.neighbours import k_nearest

NEIGHBOURS = 3
BUDGET = 1_400_000
"""Bytes of the page that pictures and their captions may take, as base64 and HTML."""
_HTML_BYTES = 640
"""About what the page writes for one picture with its three neighbours."""
_MOST_ROWS = 4000
_MOST_CLASSES = 40
_MOST_REASONS = 12
_EXAMPLES = 3
_SAMPLE = 32
_ENCODERS = ("pixels", "task_cnn", "efficientnet_lite0")
# (pictures per class and order, longest side in pixels, compressed): the first that fits the budget is taken.
_ATTEMPTS = (
    (12, 64, False),
    (8, 64, False),
    (6, 64, False),
    (12, 64, True),
    (8, 64, True),
    (6, 48, True),
    (4, 48, True),
    (3, 32, True),
    (2, 32, True),
    (1, 32, True),
    (1, 16, True),
)

_LEVELS = np.linspace(0, 1, 51).round(2)

Rows = npt.NDArray[np.int64]


@final
@dataclass(frozen=True)
class _Look:
    """What is known of the rows that were looked at: positions [N], then one entry for each."""

    rows: Rows
    centre: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64] | None
    distance: npt.NDArray[np.float64]
    neighbour: Rows
    percentile: npt.NDArray[np.float64] | None
    facts: dict[str, Any]


@final
@dataclass
class _Cells:
    """Rows that get a cell in a sprite, in the order in which they were first asked for."""

    place: dict[int, int] = field(default_factory=dict)

    def of(self, row: int) -> int:
        """Return the cell of a row, giving it one if it has none."""
        return self.place.setdefault(row, len(self.place))


def _some(n: int, most: int, rng: Rng) -> Rows:
    """Return all positions below n, or a keyed random choice of `most` of them, sorted."""
    order = np.arange(n) if n <= most else np.sort(rng.numpy().permutation(n)[:most])
    return order.astype(np.int64)


def near_encoder(scores: Sequence[Mapping[str, Any]]) -> str:
    """Return the encoder that the nearest-neighbour audit measured with, so that page and audit agree."""
    for score in scores:
        if short(score) == "nearest_neighbour" and features(score)[0] in _ENCODERS:
            return f"image.{features(score)[0]}"
    return "image.pixels"


def _distance_to_centre(embedding: npt.NDArray[np.float32], labels: Rows, train: Any, train_labels: Rows) -> Any:  # noqa: ANN401
    """Return the distance of each row to the mean training row of its class, [N]."""
    result = np.zeros(len(embedding))
    for label in np.unique(labels):
        here = labels == label
        own = train[train_labels == label]
        centre = (own if len(own) else embedding[here]).mean(axis=0, dtype=np.float64)
        result[here] = np.linalg.norm(embedding[here] - centre, axis=1)
    return result


def _look(real: Reference[Images], synthetic: Images, scores: Sequence[Mapping[str, Any]], rng: Rng) -> _Look:
    rows = _some(len(synthetic), _MOST_ROWS, rng.child("rows"))
    shown = synthetic.take(rows)
    # A classifier knows what is typical of a class; images without classes are seen as the audit sees them.
    near = prepared(near_encoder(scores), real.train)
    task = prepared("image.task_cnn", real.train) if len(real.train.classes) > 1 else near
    task_train, task_shown = embedded(task, real.train), embedded(task, shown)
    centre = _distance_to_centre(task_shown, shown.labels, task_train, real.train.labels)
    probability = task.predict_proba(shown)
    confidence = None if probability is None else probability[np.arange(len(rows)), shown.labels]
    # The root mean square per pixel means the same for every image size; other features keep their own unit.
    by_pixel = near.name == "pixels"
    scale = 1 / np.sqrt(near.dimension) if by_pixel else 1.0
    reference = embedded(near, real.train)
    wanted = min(NEIGHBOURS, len(real.train))
    distance, neighbour = k_nearest(embedded(near, shown), reference, wanted)
    percentile = None
    curves = {"synthetic": np.quantile(distance[:, 0] * scale, _LEVELS).round(6).tolist()}
    if len(real.holdout):
        some = _some(len(real.holdout), _MOST_ROWS, rng.child("holdout"))
        apart = np.sort(k_nearest(embedded(near, real.holdout.take(some)), reference, 1)[0][:, 0])
        curves["holdout"] = np.quantile(apart * scale, _LEVELS).round(6).tolist()
        percentile = np.searchsorted(apart, distance[:, 0], side="right") / len(apart)
    facts = {
        "typical": {"name": task.name, "digest": task.digest},
        "near": {"name": near.name, "digest": near.digest, "unit": "share" if by_pixel else ""},
        "distances": {"levels": _LEVELS.tolist(), **curves},
        "looked_at": len(rows),
        "of": len(synthetic),
    }
    return _Look(rows, centre, confidence, distance * scale, neighbour, percentile, facts)


def _orders(look: _Look, here: Rows, most: int, rng: Rng) -> dict[str, list[int]]:
    """Return positions in the look for each order, at most `most` each; ties go to the lower position."""
    by_centre = here[np.argsort(look.centre[here], kind="stable")]
    by_distance = here[np.argsort(look.distance[here, 0], kind="stable")]
    orders = {
        "random": here[rng.numpy().permutation(len(here))],
        "typical": by_centre,
        "unusual": by_centre[::-1],
        "nearest": by_distance,
    }
    return {name: [int(place) for place in order[:most]] for name, order in orders.items()}


def _item(look: _Look, place: int, data: Images, train: Images, cells: _Cells, train_cells: _Cells) -> dict[str, Any]:
    row = int(look.rows[place])
    neighbours = [
        {
            "cell": train_cells.of(int(found)),
            "row": int(found),
            "class": int(train.labels[found]),
            "distance": round(float(apart), 6),
        }
        for found, apart in zip(look.neighbour[place], look.distance[place], strict=True)
    ]
    return {
        "cell": cells.of(row),
        "row": row,
        "class": int(data.labels[row]),
        "confidence": None if look.confidence is None else round(float(look.confidence[place]), 4),
        "percentile": None if look.percentile is None else round(float(look.percentile[place]), 4),
        "neighbours": neighbours,
    }


def _rejected(data: Images, reasons: Sequence[str], cells: _Cells, rng: Rng) -> list[dict[str, Any]]:
    """Return examples for each reason, the most frequent reason first."""
    told = np.array([str(reason) for reason in reasons], dtype=object)
    names, counts = np.unique(told.astype(str), return_counts=True) if len(told) else (np.array([]), np.array([]))
    groups = []
    for place in np.argsort(-counts, kind="stable")[:_MOST_REASONS]:
        rows = np.flatnonzero(told == names[place])
        chosen = np.sort(rng.child(str(names[place])).numpy().permutation(rows)[:_EXAMPLES])
        examples = [{"cell": cells.of(int(row)), "class": int(data.labels[row])} for row in chosen]
        groups.append({"reason": str(names[place]), "count": int(counts[place]), "examples": examples})
    return groups


def _compose(
    look: _Look,
    real: Reference[Images],
    accepted: Images,
    rejected: tuple[Images, Sequence[str]],
    rng: Rng,
    most: int,
) -> tuple[dict[str, Any], dict[str, tuple[Images, list[int]]], int]:
    """Return the content of gallery.json, the rows of each sprite, and the number of pictures shown in grids."""
    labels = accepted.labels[look.rows]
    present = [number for number in range(len(accepted.classes)) if (labels == number).any()]
    made, train, refused = _Cells(), _Cells(), _Cells()
    items: list[dict[str, Any]] = []
    number_of: dict[int, int] = {}
    classes, shown = [], 0
    for number in present[:_MOST_CLASSES]:
        here = np.flatnonzero(labels == number).astype(np.int64)
        orders = _orders(look, here, most, rng.child("order", number))
        for place in (place for order in orders.values() for place in order):
            if place not in number_of:
                number_of[place] = len(items)
                items.append(_item(look, place, accepted, real.train, made, train))
            shown += 1
        numbered = {name: [number_of[place] for place in order] for name, order in orders.items()}
        classes.append({"class": number, "rows": int((accepted.labels == number).sum()), "orders": numbered})
    content = {
        "version": 1,
        "size": [accepted.width, accepted.height],
        **look.facts,
        "holdout": len(real.holdout),
        "class_names": list(accepted.classes),
        "classes_left_out": len(present) - len(classes),
        "classes": classes,
        "items": items,
        "rejected": _rejected(*rejected, refused, rng.child("rejected")),
    }
    sources = (("synthetic", accepted, made), ("train", real.train, train), ("rejected", rejected[0], refused))
    return content, {name: (data, list(cells.place)) for name, data, cells in sources if cells.place}, shown


def _likely_bytes(sources: Mapping[str, tuple[Images, list[int]]], side: int, lossy: bool) -> int:
    """Return about how many bytes the sprites will take, from a sample of their cells."""
    total = 0.0
    for name, (data, rows) in sources.items():
        some = rows[:: max(1, len(rows) // _SAMPLE)][:_SAMPLE]
        total += len(encode(name, shrunk(data, some, side), lossy).content) * len(rows) / len(some)
    return round(total)


def build(
    folder: Path,
    real: Reference[Images],
    accepted: Images,
    rejected: tuple[Images, Sequence[str]],
    scores: Sequence[Mapping[str, Any]],
    rng: Rng,
) -> None:
    """Write gallery.json and its sprite files; equal inputs give equal bytes.

    Args:
        folder: Existing, empty folder.
        real: Real rows; training rows are shown as neighbours, held-out rows only give distances.
        accepted: Synthetic rows as delivered.
        rejected: Rows that were thrown away, and the reason for each.
        scores: Content of scores.json; the nearest-neighbour audit names the features to measure distances in.
        rng: Chooses what is shown in random order.
    """
    look = _look(real, accepted, scores, rng)
    sprites: list[Sprite] = []
    for most, side, lossy in _ATTEMPTS:
        content, sources, shown = _compose(look, real, accepted, rejected, rng, most)
        room = (BUDGET - shown * _HTML_BYTES) * 3 // 4
        if (most, side, lossy) != _ATTEMPTS[-1] and _likely_bytes(sources, side, lossy) > room:
            continue
        sprites = [encode(name, shrunk(data, rows, side), lossy) for name, (data, rows) in sources.items()]
        if sum(len(sprite.content) for sprite in sprites) <= room:
            break
    for sprite in sprites:
        write_file(folder / sprite.file, sprite.content)
    facts = {sprite.name: sprite.facts() for sprite in sprites}
    write_json(folder / "gallery.json", {**content, "compressed": lossy, "sprites": facts})
