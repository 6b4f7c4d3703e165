"""A folder with a few photographs and a recipe that takes seconds: where the examples of the docs run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

import lookalike
from lookalike.core.contracts import Features
from lookalike.data.images import Images
from lookalike.encoders.memo import prepared

RECIPE = {
    "name": "photos",
    "data": {"read": "folder", "path": "photos"},
    "generator": {"use": "image.ddpm", "steps": 3, "batch_size": 8, "channels": [8, 8]},
    "sample": {"rows": 12, "steps": 2},
    "filters": ["image.duplicate"],
    "measure": ["image.class_balance", {"use": "image.frechet", "encoder": "image.pixels"}],
}


@pytest.fixture(scope="session", autouse=True)
def quick_pictures() -> Iterator[None]:
    """Let the classifier that sorts the report's pictures learn for four steps: nobody looks at these."""

    def quick(encoder: str, train: Images) -> Features[Any]:
        return prepared(encoder, train, {"steps": 4} if encoder == "image.task_cnn" else None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lookalike.reports.image.gallery.prepared", quick)
        yield


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `photos/`, `recipe.yaml` and the finished run `runs/photos`."""
    folder = tmp_path_factory.mktemp("workplace")
    draw = np.random.default_rng(0)
    for name, bright in (("boot", 40), ("sandal", 160)):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(40):
            pixels = np.clip(draw.normal(bright, 30, (8, 6)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number:04d}.png")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE, sort_keys=False), encoding="utf-8")
    lookalike.run(folder / "recipe.yaml", folder / "runs" / "photos", workers=1)
    return folder


@pytest.fixture
def at_work(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be in the workplace."""
    monkeypatch.chdir(workplace)
    yield workplace
