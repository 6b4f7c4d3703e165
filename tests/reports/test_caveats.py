from __future__ import annotations

from typing import Any

import pytest
from tests.reports.conftest import rows_of, score

from lookalike.reports.caveats import caveats


def _names(scores: list[dict[str, Any]], **manifest: Any) -> set[str]:
    return {one.name for one in caveats(scores, manifest) if one.applies}


@pytest.mark.parametrize(
    ("scores", "manifest", "name"),
    [
        ([], {"data": {"holdout": 0}}, "No held-out rows"),
        ([], {"data": {"holdout": 50}}, "Few held-out rows"),
        ([], {"data": {"holdout": 500, "shared_rows": 3}}, "Duplicates across the split"),
        ([], {"sample": {"asked": [10], "accepted": [9]}}, "Rows are missing"),
        ([], {"filters": [{"use": "image.near_copy", "reads_real": True}]}, "Filters that read real rows"),
        ([], {}, "No formal guarantee"),
        ([], {"privacy": {"spent": {"epsilon": 20}}}, "Large ε"),
        ([score("image.frechet", "fidelity", 1, 0, 2, n_real=900)], {}, "Few rows"),
        ([score("image.frechet", "fidelity", 1, 0, 2, detail={"dimension": 1280})], {}, "Few rows"),
        ([score("image.frechet", "fidelity", 1, 0, 2, detail={"extractor": "inception"})], {}, "Seen through features"),
        ([score("image.kernel", "fidelity", 1, 0, 2, detail={"extractor": "pixels"})], {}, "Seen through features"),
        ([score("image.frechet", "fidelity", 1, 0, 2)], {}, "One seed"),
        ([score("image.frechet", "fidelity", 1, None, 2, detail={"not_estimated": "no holdout"})], {}, "Not estimated"),
        ([score("image.train_on_synthetic", "utility", 0.4, 0.5, 0.1)], {}, "Weak classifier"),
        (
            [],
            {"data": {"train": 9}, "generator": {"config": {"backend": {"url": "https://a.org/v1"}}}},
            "Real rows were sent",
        ),
        ([], {"projected": True}, "A given image was projected"),
    ],
)
def test_each_weakness_is_named(scores: list[dict[str, Any]], manifest: dict[str, Any], name: str) -> None:
    assert name in _names(scores, **manifest)


def test_a_sound_run_has_no_weakness() -> None:
    tested = score(
        "image.train_on_synthetic", "utility", 0.9, 0.95, 0.1, detail={"rows": rows_of(["a"]), "generator_seeds": 3}
    )
    manifest = {
        "data": {"holdout": 2000, "shared_rows": 0},
        "sample": {"asked": [10], "accepted": [10]},
        "filters": [{"use": "image.duplicate", "reads_real": False}],
        "privacy": {"spent": {"epsilon": 1.0}},
    }
    assert _names([tested], **manifest) == set()
    assert len(caveats([tested], manifest)) >= 7


def test_weaknesses_come_before_what_is_in_order() -> None:
    applies = [one.applies for one in caveats([], {"data": {"holdout": 500, "shared_rows": 2}})]
    assert applies == sorted(applies, reverse=True)


@pytest.mark.parametrize(
    "manifest",
    [
        {"data": {"train": 0}, "generator": {"config": {"backend": {"url": "https://a.org/v1"}}}},
        {"data": {"train": 9}, "generator": {"config": {"backend": {"use": "local"}}}},
        {"data": {"train": 9}, "generator": {"config": {"backend": {"url": "http://localhost:1/v1"}}}},
        {"data": {"train": 9}, "generator": {"config": {"examples": 0, "backend": {"url": "https://a.org/v1"}}}},
    ],
)
def test_rows_that_stay_here_are_not_called_sent(manifest: dict[str, Any]) -> None:
    assert "Real rows were sent" not in _names([], **manifest)
