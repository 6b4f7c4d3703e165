"""A preview shows the first rows of the run, and the run does not pay for them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.backends.fake_server import FakeServer, serving
from typer.testing import CliRunner

import lookalike
from lookalike.cli.app import app
from lookalike.core.errors import ConfigError


def _recipe(url: str, folder: Path) -> Path:
    recipe: dict[str, Any] = {
        "name": "t",
        "generator": {
            "use": "text.prompted",
            "task": {"describe": "notes", "labels": {"up": "rising", "down": "falling"}},
            "backend": {"use": "openai_compatible", "url": url, "name": "m"},
        },
        "sample": {"rows": 12},
    }
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


def test_the_first_rows_of_the_run_are_shown_and_not_paid_twice(tmp_path: Path) -> None:
    with serving(FakeServer(answer=lambda number, body: json.dumps({"text": f"text {number}"}))) as server:
        path = _recipe(server.url, tmp_path)
        shown = lookalike.preview(path, 5, tmp_path / "r")
        assert server.received == 5
        made = lookalike.run(path, tmp_path / "r").synthetic()
        assert server.received == 12
        told = CliRunner().invoke(app, ["preview", str(path), "--out", str(tmp_path / "r"), "--rows", "2", "--json"])
        assert server.received == 12
    assert shown.texts() == made.texts()[:5]
    assert shown.labels.tolist() == [0, 1, 0, 1, 0]
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["text"] for row in rows if "text" in row] == made.texts()[:2]


def test_a_generator_that_learns_first_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: t\ndata: {read: builtin, name: digits}\ngenerator: image.ddpm\nsample: {rows: 5}\n")
    with pytest.raises(ConfigError, match=r"image\.ddpm has to be trained"):
        lookalike.preview(path, 5, tmp_path / "r")
    with pytest.raises(ConfigError, match="--rows must be at least 1"):
        lookalike.preview(_recipe("http://localhost:1/v1", tmp_path), 0, tmp_path / "s")
