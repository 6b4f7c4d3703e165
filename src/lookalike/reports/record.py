"""Everything a report reads: the files of one run folder, each of which may be missing or damaged."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from lookalike.reports.evidence import Evidence

_TYPES = {".png": "image/png", ".webp": "image/webp"}
_MOST_RECIPE = 20_000
_MOST_NOTES = 40


@final
@dataclass(frozen=True)
class Record:
    """One run as its folder tells it.

    Attributes:
        evidence: Scores and manifest.
        recipe: Text of recipe.yaml, cut when very long.
        notes: Notes from events.jsonl, each once: stage, message, level.
        checkpoints: Checkpoints saved.
        resumed: How often a stage of training began again.
        gallery: Content of gallery.json, or None.
        controls: Content of controls.json, or None.
        sprites: Data URI of each sprite by name.
    """

    evidence: Evidence
    recipe: str
    notes: tuple[Mapping[str, Any], ...]
    checkpoints: int
    resumed: int
    gallery: Mapping[str, Any] | None
    controls: Mapping[str, Any] | None
    sprites: Mapping[str, str]


def _json(path: Path) -> Any:  # noqa: ANN401
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _events(path: Path) -> tuple[list[dict[str, Any]], int, int]:
    """Return notes, number of checkpoints, and how often training began again."""
    notes: dict[tuple[str, str], dict[str, Any]] = {}
    checkpoints = starts = 0
    fitted = False
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if '"Progress"' in line:
                    continue
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if not isinstance(event, dict):
                    continue
                kind = event.get("event")
                checkpoints += kind == "CheckpointSaved"
                if event.get("stage") == "fit" and not fitted:
                    starts += kind == "StageStarted"
                    fitted = kind == "StageDone"
                if kind == "Note":
                    notes.setdefault((str(event.get("stage")), str(event.get("message"))), event)
    return list(notes.values())[:_MOST_NOTES], checkpoints, max(0, starts - 1)


def _pictures(file: Path) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Return what a file says of pictures, and their sprites; None when any is missing."""
    content, folder = _json(file), file.parent
    if not isinstance(content, dict) or not isinstance(content.get("sprites"), dict):
        return None, {}
    sprites = {}
    for name, facts in content["sprites"].items():
        path = folder / Path(str(facts.get("file", ""))).name
        if path.suffix not in _TYPES or not path.is_file():
            return None, {}
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        sprites[str(name)] = f"data:{_TYPES[path.suffix]};base64,{data}"
    return content, sprites


def read_record(folder: Path) -> Record:
    """Read a run folder; whatever is missing or damaged is left out, and the report says so.

    Args:
        folder: A run folder, finished or not.
    """
    manifest = _json(folder / "manifest.json")
    scores = _json(folder / "scores.json")
    notes, checkpoints, resumed = _events(folder / "events.jsonl")
    gallery, sprites = _pictures(folder / "gallery" / "gallery.json")
    controls, more = _pictures(folder / "controls" / "controls.json")
    try:
        recipe = (folder / "recipe.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        recipe = ""
    if len(recipe) > _MOST_RECIPE:
        recipe = recipe[:_MOST_RECIPE] + "\n# … the rest is in recipe.yaml\n"
    evidence = Evidence(
        [score for score in scores if isinstance(score, dict)] if isinstance(scores, list) else [],
        manifest if isinstance(manifest, dict) else {},
    )
    return Record(evidence, recipe, tuple(notes), checkpoints, resumed, gallery, controls, {**sprites, **more})
