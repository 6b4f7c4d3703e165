"""Rows that ask a model come in order, are counted while they come, and their cost is told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from lookalike.backends.client.asking import Asking, backend_of
from lookalike.backends.client.client import Ask
from lookalike.core.dialogue import Message, Request


async def _make(row: int, ask: Ask) -> str:
    time.sleep(0.4)
    return f"{row} {(await ask(Request(messages=(Message('user', str(row)),)))).text[:3]}"


def test_rows_come_in_order_and_figures_while_they_are_made(tmp_path: Path) -> None:
    told: list[tuple[int, Mapping[str, float]]] = []
    config = Asking(backend={"use": "echo"}, limits={"price_out": 2.0})
    made = config.ask_all(
        range(8), _make, tmp_path / "answers", lambda one: (2, one.startswith("3")), lambda *now: told.append(now)
    )
    assert [one[0] for one in made] == list("01234567")
    assert len(told) >= 2
    rows, figures = told[-1]
    assert (rows, figures["unusable"]) == (16, 1)
    cost = config.cost_of(tmp_path / "answers")
    assert figures["tokens"] == cost["tokens_in"] + cost["tokens_out"]
    assert figures["cost"] == cost["money"] > 0


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="nothere"):
        backend_of({"use": "nothere"}, "backend")
