"""Labels of texts are counted as those of images are."""

from __future__ import annotations

import numpy as np

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus, text_schema
from lookalike.metrics.text.label_balance import LabelBalance


def test_equal_labels_are_at_no_distance() -> None:
    data = Corpus.of(["t"] * 10, np.arange(10) % 2, text_schema(["a", "b"]))
    none = Reference(data.take([]), data.take([]))
    assert LabelBalance().score(none, data, Rng(0)).value == 0
    assert LabelBalance().score(none, data.take([0] * 9 + [1]), Rng(0)).value == 0.4
