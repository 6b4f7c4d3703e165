"""Looks at a run: when they come, what they keep, what they tell, and what remedies do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators.image.gan.test_duel import SMALL, Told, images
from torch import Tensor

from lookalike.core.events import SILENT, Note
from lookalike.core.registry import find
from lookalike.core.rng import Rng
from lookalike.generators.image.gan import settings
from lookalike.generators.image.gan.duel import Duel
from lookalike.generators.image.gan.watching import COLUMNS, PROBES, Watcher, newly_lost
from lookalike.techniques import training

pytestmark = pytest.mark.usefixtures("brief_watching")
_RECALL, _REMEDY, _COLLAPSE = (COLUMNS.index(name) for name in ("recall", "remedy", "collapse"))
_EVEN = np.full(3, 1 / 3)


def _watched(remedies: bool, told: Told, augment: bool = True) -> Watcher:
    config, data = find("generators", "image.r3gan")(**SMALL, augment=augment), images(n=60)
    shape = config.shape(8, 8, 1, 3, "cpu")
    duel = Duel(*config.networks(shape, Rng(0)), shape.z_dim, data, config.rules(shape), torch.device("cpu"))
    return Watcher(duel, remedies, Rng(2), told)


def _real(watcher: Watcher) -> Tensor:
    return torch.from_numpy(watcher.duel.data.pixels[:60]).permute(0, 3, 1, 2).float() / 127.5 - 1


def _notes(told: Told) -> list[str]:
    return [event.message for event in told.events if isinstance(event, Note)]


def _shown(
    watcher: Watcher,
    shares: Sequence[Sequence[float]],
    monkeypatch: pytest.MonkeyPatch,
    recalls: Sequence[bool] | None = None,
) -> list[str]:
    """Look as often as there are shares: at real images, or where recall is to be low at one and the same image."""
    told, real, features = Told(), _real(watcher), watcher._features
    watcher.watch, watcher._share_K = told, _EVEN
    for step, share in enumerate(shares, 1):
        x = real if recalls is None or recalls[step - 1] else real[:1].expand_as(real)
        monkeypatch.setattr(watcher, "_drawn", lambda x=x: x)
        monkeypatch.setattr(watcher, "_features", lambda x, share=share: (features(x)[0], np.array(share)))
        watcher._look(step, step == len(shares))
    return _notes(told)


@pytest.mark.parametrize(("remedies", "augment"), [(True, True), (True, False), (False, True)])
def test_collapse_is_told_once_it_is_sure_and_remedied_if_allowed(
    remedies: bool, augment: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    watcher = _watched(remedies, told, augment)
    duel, real = watcher.duel, _real(watcher)
    shown = [real, real[:1].expand_as(real), real, real[:1].expand_as(real), real[:1].expand_as(real)]
    best = None
    for step, x in enumerate(shown):
        monkeypatch.setattr(watcher, "_drawn", lambda x=x: x)
        watcher._look(step + 1, False)
        if step == 0:
            best = {name: value.detach().clone() for name, value in duel.tensors().items()}
            with torch.no_grad():
                duel.weights["g"][0].add_(1.0)
    notes = _notes(told)
    assert len(notes) == 1
    assert "collapse at step 5" in notes[0]
    assert watcher.history[:5, _COLLAPSE].tolist() == [0, 0, 0, 0, 1]
    assert watcher.history[:5, _REMEDY].tolist() == [0, 0, 0, 0, float(remedies)]
    back = best is not None and torch.equal(
        duel.weights["g"][0], best["g." + next(iter(dict(duel.generator.named_parameters())))]
    )
    assert back == remedies
    assert float(duel.rate_factor) == (0.5 if remedies else 1.0)
    assert float(duel.controller.p) == pytest.approx(0.1 if remedies and augment else 0.0)
    assert ("augmentation raised" in notes[0]) == (remedies and augment)
    assert ("nothing was done, because remedies are off" in notes[0]) == (not remedies)


def test_a_collapse_after_the_last_remedy_says_that_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = _shown(_watched(True, Told()), [_EVEN] * 9, monkeypatch, [True] + [False] * 8)
    assert ["back to the best state" in note for note in notes] == [True, True, True, False]
    assert "nothing was done, because all 3 remedies are used up" in notes[-1]


@pytest.mark.parametrize("remedies", [True, False])
def test_classes_lost_in_two_looks_are_named_once_though_recall_is_high(
    remedies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = _watched(remedies, Told())
    without_b, only_a = [0.5, 0.05, 0.45], [0.9, 0.05, 0.05]
    notes = _shown(watcher, [_EVEN, without_b, _EVEN, without_b, only_a, only_a, only_a], monkeypatch)
    assert [note.split(",")[0] for note in notes] == ["classes lost at step 5: 'b'", "classes lost at step 6: 'c'"]
    assert "no remedy acts on classes alone" in notes[0]
    assert float(watcher.duel.rate_factor) == 1.0
    assert [row["lost"] for row in watcher.facts()["probes"]] == [[], ["b"], [], ["b"], *[["b", "c"]] * 3]


def test_no_class_is_lost_before_anything_was_learnt() -> None:
    lost, recall = torch.tensor([[True, False]] * 5), torch.tensor([0.0, 0.1, 0.1, 0.3, 0.1])
    told = [newly_lost(lost[:looks], recall[:looks]).tolist() for looks in range(1, 6)]
    assert told == [[False, False]] * 3 + [[True, False], [False, False]]
    assert newly_lost(torch.tensor([[True]]), torch.tensor([0.9])).tolist() == [False]


def test_a_collapse_names_the_classes_that_went_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = _shown(_watched(True, Told()), [_EVEN, *[[0.9, 0.1, 0.0]] * 2], monkeypatch, [True, False, False])
    assert len(notes) == 1
    assert "collapse at step 3" in notes[0] and "1 of 3 classes nearly gone ('c')" in notes[0]


def test_a_run_that_never_had_variety_says_so_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = _watched(True, Told())
    notes = _shown(watcher, [[1.0, 0.0, 0.0]] * 4, monkeypatch, [False] * 4)
    assert len(notes) == 1
    assert notes[0].startswith("hardly any variety: recall of the probe never rose above 0.2 (best 0.")
    assert "2 of 3 classes nearly gone ('b', 'c')" in notes[0]
    assert [row["hardly any variety"] for row in watcher.facts()["probes"]] == [0, 0, 0, 1]


@pytest.mark.parametrize("steps", [5, PROBES, 2 * PROBES - 1, 2 * PROBES + 3])
def test_looks_are_spread_over_the_whole_run(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher, looks = _watched(False, Told()), list[tuple[int, bool]]()
    figures = {"gradient norm G": 1.0, "gradient norm D": 1.0}
    monkeypatch.setattr(watcher.duel, "step", lambda *_: figures)
    monkeypatch.setattr(watcher, "_look", lambda step, last: looks.append((step, last)))
    for step in range(steps):
        watcher.update(np.arange(4), step, steps, Rng(0))
    count = min(steps, PROBES)
    assert [step for step, _ in looks] == [-(-steps * (look + 1) // count) for look in range(count)]
    assert [last for _, last in looks] == [False] * (count - 1) + [True]


def test_a_look_keeps_the_means_since_the_look_before(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = _watched(False, Told())
    for step in range(2 * PROBES):
        norms = {"gradient norm G": float(step), "gradient norm D": 2.0 * step}
        monkeypatch.setattr(watcher.duel, "step", lambda *_, norms=norms: norms)
        monkeypatch.setattr(watcher, "_drawn", lambda: _real(watcher))
        watcher.update(np.arange(4), step, 2 * PROBES, Rng(0))
    rows = watcher.facts()["probes"]
    assert [row["gradient norm G"] for row in rows] == [2 * look + 0.5 for look in range(PROBES)]
    assert [row["gradient norm D"] for row in rows] == [4 * look + 1.0 for look in range(PROBES)]


@pytest.mark.parametrize("augment", [True, False])
def test_a_model_keeps_what_the_looks_found(augment: bool) -> None:
    config = find("generators", "image.r3gan")(**SMALL, augment=augment)
    rows = json.loads(json.dumps(config.fit(images(), Rng(0), SILENT).about["probes"], allow_nan=False))
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(set(row) == {*COLUMNS, "lost"} and len(row["lost"]) == row["classes lost"] for row in rows)
    assert all(row["gradient norm G"] > 0 and row["gradient norm D"] > 0 and -1 <= row["r_t"] <= 1 for row in rows)
    assert all((row["augment p"] is not None) == augment for row in rows)


def test_what_was_seen_is_the_same_after_an_interruption_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "Plan", lambda **given: training.Plan(**given, checkpoint_seconds=0.0))
    config = find("generators", "image.dcgan")(**{**SMALL, "steps": 2 * PROBES + 3})
    for stop in (3, 10, 41):
        with pytest.raises(KeyboardInterrupt):
            config.fit(images(), Rng(0), Told(tmp_path, stop_after=stop))
    resumed = config.fit(images(), Rng(0), Told(tmp_path))
    assert resumed.about["probes"] == config.fit(images(), Rng(0), SILENT).about["probes"]


@pytest.mark.parametrize("rows", [101, 201])
def test_no_part_of_the_probe_is_one_image(rows: int) -> None:
    config: Any = find("generators", "image.dcgan")(**{**SMALL, "steps": 1})
    assert len(config.fit(images(n=rows), Rng(0), SILENT).about["probes"]) == 1
