"""A part of the rows that is never made lowers recall and coverage, and leaves precision."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from tests.data.people import people, reference

from lookalike.core.rng import Rng
from lookalike.data.shuffled import shuffled_columns
from lookalike.metrics.tabular.precision_recall import PrecisionRecall


def test_a_missing_group_lowers_coverage_and_leaves_precision() -> None:
    made = people(3000, 3)
    young = made.take(np.flatnonzero(made.numbers("age") < 45)[:800])
    found = PrecisionRecall().score(reference(), young, Rng(0))
    assert found.detail["coverage"]["value"] < 0.8 * found.detail["coverage"]["floor"]
    assert found.detail["precision"]["value"] > found.detail["precision"]["floor"] - 0.1
    assert found.detail["extractor"] == "mixed"


def test_permuted_columns_are_not_precise() -> None:
    found = PrecisionRecall().score(reference(), shuffled_columns(people(800, 3), np.random.default_rng(0)), Rng(0))
    assert found.detail["precision"]["value"] < found.detail["precision"]["floor"] - 0.1
    assert found.detail["precision"]["value"] == pytest.approx(found.detail["precision"]["ceiling"], abs=0.1)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        PrecisionRecall(neighbours=3)  # type: ignore[call-arg]
