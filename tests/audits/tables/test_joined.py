"""An attack on single tables finds families that were copied."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from tests.metrics.tables.known import reference, shops

from lookalike.audits.tables.joined import Joined
from lookalike.core.rng import Rng


def test_copied_families_are_found() -> None:
    real = reference()
    audit = Joined(table="sales")
    copied, new = (audit.score(real, data, Rng(0)) for data in (real.train, shops(400, 5)))
    assert copied.value > 0.9
    assert abs(new.value - (new.floor or 0)) < 0.1
    assert new.detail["verdict"] == "privacy"
    assert new.detail["title"].endswith(": sales with its owners")


def test_a_metric_is_no_audit() -> None:
    with pytest.raises(ValidationError, match="no audit is called"):
        Joined(measure="tabular.two_sample")
