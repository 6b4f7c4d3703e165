"""Wrong labels go: found by real rows, by the other synthetic rows, or by both; the holdout is not looked at."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.filters.text.label_agreement import LabelAgreement

SCHEMA = text_schema(["up", "down"])


def _notes(n: int, seed: int) -> Corpus:
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    words = [["rise", "climb", "gain"], ["fall", "sink", "lose"]]
    return Corpus.of([" ".join(draw.choice(words[k], 6)) for k in labels], labels, SCHEMA)


@pytest.mark.parametrize("by", ["real", "synthetic", "both"])
def test_turned_labels_go(by: str) -> None:
    data = _notes(100, 0)
    labels = data.labels.copy()
    turned = [3, 40, 77]
    labels[turned] = 1 - labels[turned]
    wrong = Corpus.of(data.texts(), labels, SCHEMA)
    real = Reference(_notes(20, 1), _notes(20, 2))
    found = LabelAgreement(by=by).select(wrong, real, Rng(0))
    assert set(turned) <= set(found.reasons)
    assert len(found.reasons) <= 6
    if by == "synthetic":
        assert LabelAgreement(by=by).select(wrong, None, Rng(0)).reasons == found.reasons


def test_what_is_missing_is_said() -> None:
    empty = Reference(_notes(0, 0), _notes(0, 0))
    with pytest.raises(ConfigError, match="by real rows found none"):
        LabelAgreement(by="real").select(_notes(4, 0), empty, Rng(0))
    with pytest.raises(ConfigError, match="needs labels"):
        LabelAgreement().select(Corpus.of(["x"], [0], text_schema([])), None, Rng(0))
    assert len(LabelAgreement().select(_notes(0, 0), empty, Rng(0)).index) == 0
    assert len(LabelAgreement().select(_notes(2, 0), empty, Rng(0)).index) == 2
