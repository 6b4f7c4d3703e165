"""Variety and stability during training, classes lost and remedies, in the report's words and curves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lookalike.reports import page
from lookalike.reports.evidence import Evidence
from lookalike.reports.image.watched import watched_block

EVIL = '<script>alert("x")</script>'


def _row(step: int, recall: float, lost: int = 0, remedy: int = 0) -> dict[str, Any]:
    """Return a look as models of before kept it."""
    return {"step": step, "recall": recall, "class distance": 0.1, "classes lost": lost, "remedy": remedy}


def _look(step: int, recall: float, lost: tuple[str, ...] = (), **more: float | None) -> dict[str, Any]:
    figures = {"r_t": 0.5, "augment p": 0.1, "gradient norm G": 2.0, "gradient norm D": 30.0}
    told = {"collapse": 0.0, "hardly any variety": 0.0}
    return {**_row(step, recall, len(lost)), **told, **figures, "lost": list(lost), **more}


def _block(*rows: Any, **config: Any) -> dict[str, Any]:
    block = watched_block(Evidence([], {"generator": {"facts": {"probes": list(rows)}, "config": config}}))
    assert block is not None
    return block


def _told(*rows: Any, **config: Any) -> list[str]:
    return [one.replace("\u202f", " ").replace("\u00a0", " ") for one in _block(*rows, **config)["told"]]


def test_recall_is_told_from_first_to_last_with_the_best() -> None:
    assert _told(_row(10, 0.1), _row(20, 0.8), _row(30, 0.6))[0] == (
        "Recall of the probe goes from 10.0 % to 60.0 %; its best was 80.0 % at step 20."
    )


def test_lost_classes_and_remedies_are_told() -> None:
    told = _told(_row(10, 0.5), _row(20, 0.2), _row(30, 0.2, lost=2, remedy=1))
    assert told[1] == "At the end 2 classes were drawn less than a quarter as often as they should be."
    assert told[2].startswith("Step 30: collapse began")
    assert "every class" in _told(_row(10, 0.5))[1]
    assert _told(_look(10, 0.5, ("b",)))[1] == (
        "At the end 1 class was drawn less than a quarter as often as it should be: b."
    )
    assert _told(_look(10, 0.5, tuple("abcdefghijklmn")))[1].endswith("k, l and 2 more.")


def test_remedies_that_were_off_are_told_with_what_happened() -> None:
    quiet, collapsed = [_look(10, 0.5), _look(20, 0.5)], [_look(10, 0.5), _look(20, 0.1, collapse=1.0)]
    assert _told(*quiet)[2:] == ["Recall did not collapse, so no remedy was needed."]
    assert _told(*quiet, remedies=False)[2:] == ["Recall did not collapse, so no remedy was needed; remedies were off."]
    assert _told(*collapsed, remedies=False)[2:] == [
        "Step 20: collapse began; nothing was done, because remedies were off."
    ]
    assert _told(*collapsed)[2:] == ["Step 20: collapse began; nothing was done, because all remedies were used up."]


def test_a_run_without_variety_is_told() -> None:
    rows = [_look(10, 0.1), _look(20, 0.1, **{"hardly any variety": 1.0})]
    assert _told(*rows)[2:] == [
        "There was hardly any variety at any time. Remedies answer a fall of recall, so none acted."
    ]
    assert _told(*rows, remedies=False)[2].endswith("so none acted; they were off, too.")


def test_models_of_before_show_what_they_have() -> None:
    block = _block(_row(10, 0.5, lost=1), _row(20, 0.6, lost=1))
    assert block["told"][2] == "No remedy was needed."
    assert [one["name"] for one in block["charts"]] == ["Recall", "Class distance"]
    assert block["lost"] == []
    assert _told(_row(10, 0.5), remedies=False)[2] == "Remedies were off."


def test_every_figure_has_a_curve_with_axis_titles() -> None:
    rows = [_look(10, 0.5, r_t=0.2), _look(20, 0.6, **{"gradient norm D": 4000.0})]
    charts = {one["name"]: one["chart"] for one in _block(*rows, augment_target=0.6)["charts"]}
    titles = ["recall of the probe", "class distance", "r_t", "probability p", "gradient norm (logarithmic)"]
    for chart, title in zip(charts.values(), titles, strict=True):
        assert f">{title}</text>" in chart and ">training step</text>" in chart
    assert ">target</text>" in charts["Overfitting of the discriminator, r_t"]
    norms = charts["Gradient norms"]
    assert ">generator</text>" in norms and ">discriminator</text>" in norms
    assert re.findall(r'class="tick">([^<]*)<', norms)[:5] == ["1", "10", "100", "1000", "10k"]


def test_a_run_without_augmentation_has_neither_p_nor_a_target() -> None:
    rows = [_look(10, 0.5, **{"augment p": None}), _look(20, 0.6, **{"augment p": None})]
    charts = {one["name"]: one["chart"] for one in _block(*rows, augment=False, augment_target=0.6)["charts"]}
    assert "Augmentation, p" not in charts
    assert ">target</text>" not in charts["Overfitting of the discriminator, r_t"]


def test_lost_classes_are_listed_by_when_they_were_lost() -> None:
    lost: list[tuple[str, ...]] = [("a", "b"), ("a", "b"), ("c",), ("d", "e"), ("d", "e"), ("e", "f"), ("a", "e", "f")]
    rows = [_look(10 * number, 0.5, names) for number, names in enumerate(lost, 1)]
    assert [(one["when"], one["names"]) for one in _block(*rows)["lost"]] == [
        ("up to 20", ["a", "b"]),
        ("40 to 50", ["d"]),
        ("40 to the end", ["e"]),
        ("60 to the end", ["f"]),
    ]
    assert _block(_look(1, 0.5, ("a",)), _look(2, 0.5, ("a",)))["lost"][0]["when"] == "the whole run"


def test_names_of_lost_classes_are_shown_and_never_executed(run_folder: Path) -> None:
    manifest = run_folder / "manifest.json"
    tree = json.loads(manifest.read_text())
    tree["generator"]["facts"]["probes"] = [_look(step, 0.5, (EVIL,)) for step in (10, 20)]
    manifest.write_text(json.dumps(tree))
    html = page.render(run_folder)
    assert "<script" not in html
    block = html[html.index("Variety and stability during training") :]
    assert block.count("&lt;script&gt;alert(") == 2


def test_nothing_is_shown_without_complete_rows() -> None:
    assert watched_block(Evidence([], {})) is None
    rows = [{"step": 1}, "x", _row(1, float("nan"))]
    assert watched_block(Evidence([], {"generator": {"facts": {"probes": rows}}})) is None
