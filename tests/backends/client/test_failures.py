"""A failure says what helps."""

from __future__ import annotations

from lookalike.backends.client.failures import Busy, Refused, Unreachable


def test_all_end_with_exit_code_3() -> None:
    assert {one("x").exit_code for one in (Busy, Refused, Unreachable)} == {3}
    assert Busy("x", 2.5).wait == 2.5
