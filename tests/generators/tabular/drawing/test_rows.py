"""Rows in whole blocks: given values stay, every row range is the same, codes follow their shares."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.generators.tabular.small import mixed

from lookalike.core.errors import ConfigError, DataError
from lookalike.core.events import Event, Note
from lookalike.core.rng import Rng
from lookalike.data.coded_numbers import Grain
from lookalike.data.coding import TableCoding
from lookalike.data.fresh import BLOCK
from lookalike.data.table import Codes, Numbers
from lookalike.generators.tabular.drawing.rows import Known, check_table, draw_rows, pick, shares


def _even(codes: Codes, places: Numbers, known: Known, rng: Rng) -> tuple[Codes, Numbers]:
    """Draw every code evenly, whatever is known."""
    assert len(codes) == BLOCK
    draw = rng.numpy()
    return np.where(known, codes, (draw.random(codes.shape) * _CODING.sizes).astype(np.int64)), draw.random(codes.shape)


_CODING = TableCoding.learn(mixed(400), Grain(bins=4, few=4))


def test_any_range_of_rows_is_the_same() -> None:
    whole = draw_rows(2 * BLOCK + 5, Rng(0), None, _CODING, "m", _even)
    part = draw_rows(BLOCK + 1, Rng(0), None, _CODING, "m", _even)
    assert whole.take(np.arange(BLOCK + 1)).fingerprint() == part.fingerprint()
    assert len(draw_rows(0, Rng(0), None, _CODING, "m", _even)) == 0


def test_asked_values_stand_in_the_rows_as_they_were_asked() -> None:
    made = draw_rows(3, Rng(0), {"height": [1.7, 1.71, None], "ill": "yes"}, _CODING, "m", _even)
    np.testing.assert_array_equal(made.numbers("height"), [1.7, 1.71, np.nan])
    assert made.labels.tolist() == [1, 1, 1]


def test_a_level_without_training_rows_cannot_be_asked_for() -> None:
    coding = TableCoding.learn(mixed(400).take(np.flatnonzero(mixed(400).codes("town") != 2)), Grain())
    with pytest.raises(ConfigError, match="no training row has the value asked of town"):
        draw_rows(1, Rng(0), {"town": "Kiel"}, coding, "m", _even)


def test_free_texts_are_told_and_left_empty() -> None:
    class Listening:
        folder = None

        def __init__(self) -> None:
            self.events: list[Event] = []

        def __call__(self, event: Event) -> None:
            self.events.append(event)

    watch = Listening()
    check_table(mixed(5), "m", 10, watch)
    assert [event.message for event in watch.events if isinstance(event, Note)] == [
        "note holds free text, which m does not learn: its cells are left empty"
    ]
    assert draw_rows(2, Rng(0), None, _CODING, "m", _even).strings("note") == ["", ""]
    with pytest.raises(DataError, match="at most 2 columns, found 8"):
        check_table(mixed(5), "m", 2, watch)


def test_codes_follow_their_shares() -> None:
    logits = torch.tensor([0.2, 0.0, 0.5, 0.3]).log().repeat(10_000, 1)
    uniform = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    counts = torch.bincount(pick(logits.double(), uniform), minlength=4)
    assert counts.tolist() == [2000, 0, 5000, 3000]
    assert pick(logits[:1], torch.tensor([1.0 - 1e-17])).item() == 3


def test_shares_are_never_zero() -> None:
    found = shares(np.array([[0], [0], [2]]), (4,))
    np.testing.assert_allclose(found[0], np.array([2.5, 0.5, 1.5, 0.5]) / 5)


def test_keys_that_are_whole_numbers_stay_whole_numbers() -> None:
    keys = draw_rows(3, Rng(0), None, _CODING, "m", _even).strings("key")
    assert len(set(keys)) == 3
    assert all(key is not None and int(key) < 2**63 for key in keys)
