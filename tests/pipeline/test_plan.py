"""What a recipe asks is refused before any work where the rows cannot give it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.core.errors import ConfigError
from lookalike.data.images import image_schema
from lookalike.pipeline.plan import check_classes, make_plan
from lookalike.pipeline.recipe import parse

TREE = {"name": "x", "data": {"read": "folder", "path": "x"}, "generator": "image.dcgan", "sample": {"rows": 9}}
ONE, TWO = image_schema(8, 8, 1, ["all"]), image_schema(8, 8, 1, ["a", "b"])


def test_what_tells_classes_apart_is_refused_without_any_all_at_once() -> None:
    methods = {
        "filters": ["image.confidence", "image.near_copy"],
        "measure": ["image.class_balance", "image.frechet", {"use": "image.kernel", "encoder": "image.pixels"}],
        "audits": ["image.nearest_neighbour"],
    }
    plan = make_plan(parse({**TREE, **methods}), Path())
    check_classes(plan, TWO)
    with pytest.raises(ConfigError) as caught:
        check_classes(plan, ONE)
    assert str(caught.value) == (
        "the rows have one class, 'all', and some methods need two or more: remove image.confidence, "
        "image.class_balance; give image.frechet, image.nearest_neighbour another encoder (allowed: "
        "image.efficientnet_lite0, image.inception, image.pixels)"
    )
    none = ONE.model_copy(update={"label": None})
    with pytest.raises(ConfigError, match="the rows have no classes, and"):
        check_classes(plan, none)


def test_what_needs_no_classes_is_accepted() -> None:
    seen = [{"use": f"image.{name}", "encoder": "image.pixels"} for name in ("frechet", "mode_coverage", "vendi")]
    for more in ({}, {"filters": ["image.near_copy", "image.duplicate"], "measure": seen}):
        check_classes(make_plan(parse({**TREE, **more}), Path()), ONE)
