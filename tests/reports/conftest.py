"""A whole run folder with invented figures and real pictures, so that a report can be made in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.images import Images, image_schema
from lookalike.reports.image import gallery

NEAR = "nearer to a training row than 1 % of holdout"


class PixelFeatures:
    """Plain pixels that also say how sure they are, in place of a trained network."""

    name = "pixels"
    digest = "0" * 64

    def __init__(self, train: Images) -> None:
        self.step = max(1, train.height // 16)
        self.dimension = self.embed(train.take(np.zeros(1, dtype=np.int64))).shape[1]
        self.classes = len(train.classes)

    def embed(self, data: Images) -> npt.NDArray[np.float32]:
        return data.pixels[:, :: self.step, :: self.step].reshape(len(data), -1).astype(np.float32) / 255

    def predict_proba(self, data: Images) -> npt.NDArray[np.float64]:
        sure = 0.5 + 0.5 * self.embed(data).mean(axis=1)
        result = np.repeat(((1 - sure) / max(self.classes - 1, 1))[:, None], self.classes, axis=1)
        result[np.arange(len(data)), data.labels] = sure
        return result


def disturbed(data: Images, rng: np.random.Generator, strength: float = 25.0) -> Images:
    """Return rows that stand in for synthetic ones: mixtures of two rows of a class, with noise."""
    partner = np.arange(len(data))
    for label in np.unique(data.labels):
        here = np.flatnonzero(data.labels == label)
        partner[here] = rng.permutation(here)
    mixed = 0.65 * data.pixels + 0.35 * data.pixels[partner] + rng.normal(0, strength, data.pixels.shape)
    return Images(np.clip(mixed, 0, 255).astype(np.uint8), data.labels, data.schema)


def score(
    method: str, verdict: str, value: float, floor: float | None, ceiling: float | None, **more: Any
) -> dict[str, Any]:
    """Return one row of scores.json."""
    detail = {"verdict": verdict, **more.pop("detail", {})}
    return {
        "kind": "metric",
        "method": method,
        "target": "accepted",
        "value": value,
        "interval": None,
        "floor": floor,
        "ceiling": ceiling,
        "better": "higher",
        "n_real": 1200,
        "n_synthetic": 1200,
        "detail": detail,
        **more,
    }


def rows_of(names: Sequence[str]) -> dict[str, Any]:
    """Return the rows of a train-on-synthetic score."""
    steps = np.linspace(0, 1, len(names))

    def row(accuracy: float, spread: float) -> dict[str, Any]:
        per_class = np.clip(accuracy + spread * (0.5 - steps), 0, 1)
        return {
            "accuracy": accuracy,
            "interval": [accuracy - 0.012, min(1.0, accuracy + 0.011)],
            "per_class": [round(float(value), 3) for value in per_class],
            "n": 1200,
        }

    return {
        "real": row(0.972, 0.05),
        "real_same_size": row(0.968, 0.05),
        "real_class_weights": row(0.971, 0.05),
        "synthetic": row(0.948, 0.14),
        "real_plus_synthetic": row(0.979, 0.05),
    }


def scores_of(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a full scores.json."""
    task = {"extractor": "task_cnn", "digest": "4be1f00dcafe" * 5, "dimension": 64}
    sub = {"value": 0.91, "interval": [0.89, 0.93], "floor": 0.94, "ceiling": 0.02}
    cover = "bootstrap over test rows; one generator, one learner"
    rows = rows_of(names)
    frechet = {**task, "title": "Fréchet distance, FD[task_cnn]"}
    recall = {**task, "title": "recall, task_cnn features", "precision": sub, "coverage": {**sub, "value": 0.92}}
    tested = {"title": "accuracy, small CNN", "rows": rows, "interval_covers": cover, "learner": "image.cnn"}
    copies = {
        "title": "near copies of training images",
        "features": "pixels",
        "unit": "share",
        "exact_copies": 0,
        "detectable": 0.0072,
        "closer_to_train": {"value": 0.513, "interval": [0.484, 0.541], "expected": 0.5, "n": 360},
    }
    return [
        score("image.frechet", "fidelity", 4.31, 1.12, 96.4, interval=[3.9, 4.8], better="lower", detail=frechet),
        score(
            "image.kernel", "fidelity", 0.0021, -0.0003, 0.41, interval=[0.0015, 0.0028], better="lower", detail=task
        ),
        score("image.precision_recall", "diversity", 0.862, 0.915, 0.031, interval=[0.84, 0.88], detail=recall),
        {
            **score("image.precision_recall", "diversity", 0.893, 0.915, 0.031, interval=[0.87, 0.91], detail=recall),
            "target": "unfiltered",
        },
        score("image.class_balance", "validity", 0.0, 0.031, 0.9, interval=[0.0, 0.04], better="lower"),
        score("image.train_on_synthetic", "utility", 0.948, 0.968, 0.1, interval=[0.936, 0.959], detail=tested),
        {
            **score("image.train_on_synthetic", "utility", 0.921, 0.968, 0.1, interval=[0.905, 0.936]),
            "target": "unfiltered",
        },
        score(
            "image.nearest_neighbour",
            "privacy",
            0.012,
            0.010,
            1.0,
            kind="audit",
            interval=[0.007, 0.019],
            better="target",
            detail=copies,
        ),
    ]


def manifest_of(name: str, train: Images, holdout: Images, accepted: Images, rejected: int) -> dict[str, Any]:
    """Return a full manifest."""
    classes = len(train.classes)
    made = accepted.counts() + np.array([rejected // classes] * classes)
    curve = [
        [step, 0.04 + 0.9 * float(np.exp(-step / 300)) + 0.01 * float(np.sin(step))] for step in range(1, 2000, 10)
    ]
    stages = [("read", 0.4, 0.4), ("split", 0.1, 0.1), ("fit", 141.2, 270.0), ("sample", 38.6, 71.4),
              ("measure", 22.1, 40.2), ("audit", 3.2, 5.9), ("report", 1.4, 1.4)]  # fmt: skip
    near, sure = rejected // 3, rejected - rejected // 3
    return {
        "statement": "The rows in synthetic/ and rejected/ are synthetic: they were made by a computer.",
        "name": name,
        "goal": "augment",
        "created": "2026-11-23T18:00:00+00:00",
        "lookalike": "0.1.0",
        "recipe": {"name": name},
        "data": {
            "rows": len(train) + len(holdout),
            "train": len(train),
            "holdout": len(holdout),
            "modality": "image",
            "classes": list(train.classes),
            "shape": [train.height, train.width, train.channels],
            "counts": {"train": train.counts().tolist(), "holdout": holdout.counts().tolist()},
            "fingerprints": {"train": train.fingerprint(), "holdout": holdout.fingerprint()},
            "notes": ["16 grey levels were stretched to 0-255"],
            "shared_rows": 0,
        },
        "generator": {
            "use": "image.ddpm",
            "config": {},
            "facts": {"preset": "tiny", "parameters": 412_345, "steps": 2000, "images_seen": 256_000,
                      "precision": "float32", "device": "cpu", "curve": curve},
        },
        "sample": {"asked": accepted.counts().tolist(), "made": made.tolist(), "passed": accepted.counts().tolist(),
                   "accepted": accepted.counts().tolist(), "short": [0] * classes, "rounds": 2, "limit_hit": False},
        "filters": [
            {"use": "image.confidence", "reads_real": True, "dropped": {"the classifier sees another class": sure}},
            {"use": "image.near_copy", "reads_real": True, "dropped": {NEAR: near}},
        ],
        "privacy": {"spent": None, "notes": ["the generator was not trained with differential privacy"]},
        "stages": [{"stage": stage, "wall_seconds": wall, "cpu_seconds": cpu, "peak_mb": 812.5,
                    "reused": stage == "read"} for stage, wall, cpu in stages],
        "seeds": {"root": 0},
        "versions": {"lookalike": "0.1.0", "python": "3.11.2", "torch": "2.13.0"},
        "environment": {"system": "Linux", "cores": 2, "threads": 2, "gpu": None},
        "files": [{"path": f"synthetic/part-{part:05d}.parquet", "sha256": f"{part:064x}", "bytes": 182_333}
                  for part in range(2)],
    }  # fmt: skip


def make_run(folder: Path, data: Images, name: str = "digits-demo", rejected: int = 60) -> Path:
    """Fill a folder as a finished run leaves it.

    Args:
        folder: Existing, empty folder.
        data: Real rows; a fifth becomes the holdout.
        name: Name of the run.
        rejected: Rows that the filters refused.
    """
    rng = np.random.default_rng(1)
    cut = len(data) * 4 // 5
    train, holdout = data.take(np.arange(cut)), data.take(np.arange(cut, len(data)))
    accepted = disturbed(train.take(np.sort(rng.permutation(cut)[: min(cut, 1200)])), rng)
    refused = disturbed(train.take(np.arange(min(rejected, cut))), rng, 80.0)
    reasons = ["the classifier sees another class"] * (len(refused) * 2 // 3)
    reasons += [NEAR] * (len(refused) - len(reasons))
    scores = scores_of(data.classes)
    (folder / "gallery").mkdir(parents=True)
    gallery.build(folder / "gallery", Reference(train, holdout), accepted, (refused, reasons), scores, Rng(0))
    (folder / "scores.json").write_text(json.dumps(scores))
    (folder / "manifest.json").write_text(json.dumps(manifest_of(name, train, holdout, accepted, rejected)))
    (folder / "recipe.yaml").write_text(f"name: {name}\ngoal: augment\ndata: {{read: builtin}}\n")
    events = [
        {"time": 0.0, "event": "StageStarted", "stage": "fit"},
        {"time": 1.0, "event": "Progress", "stage": "fit", "done": 1, "total": 2, "unit": "steps", "values": {}},
        {"time": 2.0, "event": "CheckpointSaved", "stage": "fit", "step": 1000},
        {"time": 3.0, "event": "Note", "stage": "fit", "message": "minutes: 2 became steps: 2000", "level": "info"},
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events) + "half a li")
    return folder


@pytest.fixture(autouse=True)
def _quick_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "prepared", lambda name, train: PixelFeatures(train))
    monkeypatch.setattr(gallery, "embedded", lambda features, data: features.embed(data))


@pytest.fixture
def run_folder(tmp_path: Path, digits: Images) -> Path:
    """A finished run on digits."""
    folder = tmp_path / "run"
    folder.mkdir()
    return make_run(folder, digits)


@pytest.fixture
def random_images() -> Callable[..., Images]:
    """Makes labelled noise, which no compression makes small."""

    def make(n: int, side: int, channels: int, classes: Sequence[str]) -> Images:
        rng = np.random.default_rng(3)
        pixels = rng.integers(0, 256, (n, side, side, channels), dtype=np.uint8)
        return Images(pixels, np.arange(n, dtype=np.int64) % len(classes), image_schema(side, side, channels, classes))

    return make
