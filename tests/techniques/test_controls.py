from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.contracts import Reference
from lookalike.core.errors import DataError
from lookalike.data.images import Images
from lookalike.data.shuffled import shuffled_pixels
from lookalike.techniques import controls
from lookalike.techniques.controls import compare


def part(data: Images, start: int, stop: int) -> Images:
    return data.take(np.arange(start, stop))


def flat(data: Images) -> np.ndarray:
    return data.pixels.reshape(len(data), -1).astype(np.float32)


def rows_of(x: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in x}


def test_all_kinds_have_equally_many_rows_and_the_control_is_disjoint(digits: Images) -> None:
    real = Reference(train=part(digits, 0, 900), holdout=part(digits, 900, 1200))
    found = compare(real, part(digits, 1200, 1700), 10_000, flat, shuffled_pixels)
    assert found.control is not None
    assert {len(x) for x in (found.real, found.synthetic, found.control, found.shuffled)} == {300}
    assert rows_of(found.real) == rows_of(flat(real.holdout))
    assert rows_of(found.control) <= rows_of(flat(real.train))
    assert found.facts["reference"] == "holdout" and "not_estimated" not in found.facts
    assert found.rows == 300


def test_few_training_rows_give_way_to_the_halves_of_a_large_holdout(digits: Images) -> None:
    real = Reference(train=part(digits, 0, 20), holdout=part(digits, 900, 1200))
    found = compare(real, part(digits, 1200, 1700), 10_000, flat, shuffled_pixels)
    assert found.control is not None
    assert {len(x) for x in (found.real, found.synthetic, found.control, found.shuffled)} == {150}
    held = {row.tobytes() for row in flat(real.holdout)}
    sides = [{row.tobytes() for row in side} for side in (found.real, found.control)]
    assert sides[0] | sides[1] == held
    assert not sides[0] & sides[1]


def test_few_training_rows_limit_all_kinds(digits: Images) -> None:
    real = Reference(train=part(digits, 0, 80), holdout=part(digits, 900, 1050))
    found = compare(real, part(digits, 1200, 1700), 10_000, flat, shuffled_pixels)
    assert found.control is not None
    assert {len(x) for x in (found.real, found.synthetic, found.control, found.shuffled)} == {80}


def test_the_limit_holds_and_pieces_change_nothing(digits: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Reference(train=part(digits, 0, 900), holdout=part(digits, 900, 1200))
    whole = compare(real, part(digits, 1200, 1700), 120, flat, shuffled_pixels)
    monkeypatch.setattr(controls, "_CHUNK", 50)
    pieces = compare(real, part(digits, 1200, 1700), 120, flat, shuffled_pixels)
    assert len(whole.real) == 120
    assert (whole.synthetic == pieces.synthetic).all() and (whole.real == pieces.real).all()


@pytest.mark.parametrize("held", [0, 49])
def test_without_a_usable_holdout_there_is_no_control_and_a_reason(digits: Images, held: int) -> None:
    real = Reference(train=part(digits, 0, 900), holdout=part(digits, 900, 900 + held))
    found = compare(real, part(digits, 1200, 1700), 10_000, flat, shuffled_pixels)
    assert found.control is None
    assert found.facts["reference"] == "train"
    assert f"found {held}" in found.facts["not_estimated"]


def test_the_class_shift_is_the_total_variation_distance(digits: Images) -> None:
    real = Reference(train=part(digits, 0, 900), holdout=part(digits, 900, 1200))
    zeros = digits.take(np.flatnonzero(digits.labels == 0))
    share = (compare(real, zeros, 10_000, flat, shuffled_pixels)).facts["class_shift"]
    assert share == pytest.approx(0.9, abs=0.06)


def test_hardly_any_rows_are_an_error_that_says_which(digits: Images) -> None:
    real = Reference(train=part(digits, 0, 900), holdout=part(digits, 900, 1200))
    with pytest.raises(DataError, match="found 3 synthetic, 900 training and 300 holdout"):
        compare(real, part(digits, 0, 3), 100, flat, shuffled_pixels)
