"""Formulas are read, computed and nothing more."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.core.expression import parse

COLUMNS = {"a": np.array([1.0, 2.0, np.nan]), "b": np.array([4.0, 0.0, 1.0]), "pay-month": np.array([10.0, 20.0, 30.0])}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a + b", [5, 2, np.nan]),
        ("-(a - b) * 2", [6, -4, np.nan]),
        ("a + b * 2 - 1", [8, 1, np.nan]),
        ("a / b", [0.25, np.inf, np.nan]),
        ("12 * `pay-month`", [120, 240, 360]),
        ("`a` - `pay-month`/b", [-1.5, -np.inf, np.nan]),
    ],
)
def test_formulas_are_computed(text: str, wanted: list[float]) -> None:
    assert np.array_equal(parse(text).value(COLUMNS), wanted, equal_nan=True)


@pytest.mark.parametrize(
    "text",
    [
        "a ** 2",
        "f(a)",
        "a.b",
        "a[0]",
        "__import__('os')",
        "a if b else 1",
        "a < b",
        "(lambda: 1)",
        "'a' + b",
        "True + a",
        "1e999 * a",
        "9" * 400 + "+ a",
        "a // b",
        "a @ b",
        "a,",
        "a = b",
        "a +",
        "`a + b",
        "12",
        "",
        "-" * 900 + "a",
        "a" + "+a" * 600,
        "a\nb",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a formula"):
        parse(text)
