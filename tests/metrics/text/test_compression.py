"""The compression ratio stands beside that of real texts."""

from __future__ import annotations

from tests.metrics.text.test_bleu import _texts

from lookalike.core.contracts import Reference
from lookalike.core.rng import Rng
from lookalike.metrics.text.compression import Compression


def test_repetition_raises_it() -> None:
    real = Reference(_texts(100, 0), _texts(0, 1))
    fair, same = _texts(100, 2), _texts(1, 2).take([0] * 100)
    one, other = Compression().score(real, fair, Rng(0)), Compression().score(real, same, Rng(0))
    assert one.floor is not None
    assert abs(one.value - one.floor) < 0.2
    assert other.value > 2 * one.value
    assert other.value == other.ceiling
