"""A generator with a base model of its own, and an audit that questions it, in a whole run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from tests.networks.tiny_model import write_tiny_model

import lookalike
from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.events import Event, StageDone
from lookalike.data import no_rows
from lookalike.data.corpus import text_schema
from lookalike.pipeline.folder import RunFolder
from lookalike.pipeline.plan import make_plan
from lookalike.pipeline.recipe import load
from lookalike.pipeline.run import Run, _Measured

GENERATOR: dict[str, Any] = {"use": "text.finetuned", "steps": 100, "learning_rate": 0.01, "max_tokens": 60}
TREE: dict[str, Any] = {
    "name": "notes",
    "goal": "share",
    "data": {"read": "csv", "path": "notes.csv", "holdout": 0.25},
    "generator": {**GENERATOR, "model": "base", "canaries": 4, "canary_repeats": 8},
    "sample": {"rows": 70, "temperature": 0.6},
    "filters": ["text.format"],
    "audits": ["text.canary", "text.verbatim"],
}


def _write(folder: Path, **changes: Any) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**TREE, **changes}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with a recipe, texts and a base model, and the finished run `run`."""
    folder = tmp_path_factory.mktemp("place")
    draw = np.random.default_rng(0)
    words = [["rise", "climb", "grow"], ["fall", "sink", "drop"]]
    rows = [f"{' '.join(draw.choice(words[k % 2], 3))},{['up', 'down'][k % 2]}" for k in range(80)]
    (folder / "notes.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    shutil.copytree(tiny_model, folder / "base")
    lookalike.run(_write(folder), folder / "run", workers=1)
    return folder


def _hashes(folder: Path) -> dict[str, str]:
    files = RunFolder(folder).files()
    return {f["path"]: f["sha256"] for f in files if f["path"].startswith(("model", "synthetic", "rejected"))}


def _reused(run: Callable[..., Any], *args: Any, **named: Any) -> dict[str, bool]:
    events: list[Event] = []

    class _Watch:
        folder = None

        def __call__(self, event: Event) -> None:
            events.append(event)

    run(*args, **named, watch=_Watch())
    return {event.stage: event.reused for event in events if isinstance(event, StageDone)}


def test_the_audit_asked_the_model(place: Path) -> None:
    scores = json.loads((place / "run" / "scores.json").read_text())
    row = next(one for one in scores if one["method"] == "text.canary")
    assert row["ceiling"] == 9
    assert len(row["detail"]["each"]) == 4
    assert row["value"] > row["floor"]
    assert (place / "run" / "model" / "canaries.json").is_file()


def test_the_report_shows_training_and_what_was_remembered(place: Path) -> None:
    page = (place / "run" / "report.html").read_text(encoding="utf-8")
    assert "planted 8 times in" in page
    assert "training loss" in page
    assert "base model" in page
    manifest = json.loads((place / "run" / "manifest.json").read_text())
    assert manifest["generator"]["facts"]["base"] == "base"
    secrets = json.loads((place / "run" / "model" / "canaries.json").read_text())["inserted"]
    assert not [one for one in secrets if one in json.dumps(manifest)]


def test_no_planted_sentence_is_delivered(place: Path) -> None:
    texts = Run(place / "run").synthetic().texts()
    assert len(texts) == 70
    assert not [text for text in texts if "locker" in text]


@pytest.mark.slow
def test_two_workers_write_the_same_bytes(place: Path) -> None:
    lookalike.run(_write(place), place / "two", workers=2)
    assert _hashes(place / "two") == _hashes(place / "run")


def test_a_second_run_repeats_nothing_and_the_model_is_asked_once(place: Path) -> None:
    done = _reused(lookalike.run, _write(place), place / "run", workers=1)
    assert done["fit"] and done["sample"] and done["audit"]
    assert _reused(lookalike.measure, place / "run")["audit"]


def test_a_score_is_of_a_model_only_if_it_asked_one(place: Path) -> None:
    plan = make_plan(load(place / "recipe.yaml"), place)
    session: Any = SimpleNamespace(plan=plan)
    rows = no_rows(text_schema(["up", "down"]))
    parts = [_Measured(Reference(rows, rows), rows, Path(name), lambda: None) for name in ("fit-1", "fit-2")]
    differs = {named.name: len({part.key(session, "audit", named) for part in parts}) == 2 for named in plan.audits}
    assert differs == {"text.canary": True, "text.verbatim": False}


def test_another_model_is_asked_anew(place: Path) -> None:
    generator = {**TREE["generator"], "rank": 4}
    done = _reused(lookalike.run, _write(place, generator=generator), place / "run", workers=1)
    assert not done["fit"]
    assert not done["audit"]
    _reused(lookalike.run, _write(place), place / "run", workers=1)


def test_the_model_can_be_loaded_from_anywhere(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    made = lookalike.load(place / "run", temperature=0.01).sample(3, lookalike.Rng(0), {"label": "up"})
    assert len(set(made.texts())) == 1
    assert lookalike.sample(place / "run", 4, workers=1).is_dir()


def test_another_base_is_noticed_and_trained_on(place: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(place, tmp_path / "copy", ignore=shutil.ignore_patterns("run", "two"))
    sample = {**TREE["sample"], "rows": 2, "attempts": 50}
    tree = {"audits": [], "filters": [], "generator": {**GENERATOR, "model": "base"}, "sample": sample}
    lookalike.run(_write(folder, **tree), folder / "run", workers=1)
    assert _reused(lookalike.run, _write(folder, **tree), folder / "run", workers=1)["fit"]
    shutil.rmtree(folder / "base")
    (folder / "base").mkdir()
    write_tiny_model(folder / "base", seed=1)
    assert not _reused(lookalike.run, _write(folder, **tree), folder / "run", workers=1)["fit"]


@pytest.mark.parametrize(
    "generator",
    [
        {**GENERATOR, "model": "base"},
        {"use": "text.prompted", "task": {"describe": "notes"}, "backend": {"use": "echo"}},
    ],
    ids=lambda one: one["use"],
)
def test_an_audit_that_cannot_be_answered_is_refused_before_work_starts(
    place: Path, tmp_path: Path, generator: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"text\.canary needs sentences planted by text\.\w+, found"):
        lookalike.run(_write(place, generator=generator, sample={"rows": 4}), tmp_path / "never", workers=1)
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("metric", ["image.equivariance", "image.perceptual_path_length"])
def test_a_metric_may_question_the_model_too(tmp_path: Path, metric: str) -> None:
    tree = {
        "name": "shapes",
        "data": {"read": "builtin"},
        "sample": {"rows": 9},
        "measure": [metric, "image.mode_coverage"],
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**tree, "generator": {"use": "image.stylegan3", "steps": 1}}), encoding="utf-8")
    plan = make_plan(load(path), tmp_path)
    assert [named.reads_model for named in plan.metrics] == [True, False]
    path.write_text(yaml.safe_dump({**tree, "generator": {"use": "image.ddpm", "steps": 1}}), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"{metric} asks the model .* which image\.ddpm cannot"):
        make_plan(load(path), tmp_path)
