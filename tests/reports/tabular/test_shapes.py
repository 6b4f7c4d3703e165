"""Small charts are whole, escape what users wrote, and stay within their frame."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from lookalike.reports.tabular.shapes import histogram, levels

PARTS = {"real": [0.5, 0.3, 0.1], "synthetic": [0.4, 0.4, 0.1], "holdout": [0.5, 0.2, 0.2]}
GONE = {"real": 0.1, "synthetic": 0.1, "holdout": 0.1}


@pytest.mark.parametrize("missing", [GONE, {"real": 0.0}])
@pytest.mark.parametrize("dates", [True, False])
def test_a_histogram(missing: dict[str, float], dates: bool) -> None:
    chart = histogram("c", PARTS, [0, 1, 2, 3], ["<a>", "z"], missing, "Column <x>", "told", dates)
    root = ElementTree.fromstring(chart)
    assert "&lt;x&gt;" in chart
    assert ("missing" in chart) == (missing is GONE)
    assert ("&lt;a&gt;" in chart) == dates
    widths = [float(part.get("x", 0)) + float(part.get("width", 0)) for part in root.iter("rect")]
    assert max(widths) <= 400.1
    assert all(0 <= float(place) <= 400.1 for place in re.findall(r"H(-?[\d.]+)", chart))


def test_levels() -> None:
    chart = levels("c", PARTS, ["a & b", "a very long name of a value", "c"], GONE, "t", "d")
    root = ElementTree.fromstring(chart)
    assert len(list(root.iter("rect"))) == 8
    assert "a &amp; b" in chart
    assert "a very long nam…" in chart
    assert chart.count("whisker") == 4


def test_nothing_to_show() -> None:
    ElementTree.fromstring(levels("c", {"real": []}, [], {"real": 0.0}, "t", "d"))
    ElementTree.fromstring(histogram("c", {"real": [0.0]}, [1, 1], ["1", "1"], {"real": 0.0}, "t", "d"))
